"""Pages of the points books: accounts, entries, closed months, and who may what."""

import csv
import io
import uuid

import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from django.utils.timezone import localdate

from crm.shared.clock import now
from crm.shared.models import Approval, AuditEntry
from loyalty.models import PointsClose, PointsEntry, PointsFreeze, PointsLot, Program
from loyalty.queries.balances import balance_line
from loyalty.queries.closing import last_close
from loyalty.queries.points import points_summary
from loyalty.rules.closing import next_month
from loyalty.services.adjusting import grant_points
from loyalty.services.expiring import expire_lots
from loyalty.services.freezing import freeze_points
from tests.tables import digest

REASON = {"reason_code": "correction", "reason": "a dispute"}


def text_of(answer) -> str:
    return answer.content.decode()


def action(shop, code):
    return reverse("admin:member_action", args=[shop["busy"].public_id, code])


def do(client, shop, code, **data):
    asked = {**REASON, "request_key": str(uuid.uuid4()), **data}
    return client.post(action(shop, code), asked)


def page_of(entry):
    return reverse("admin:loyalty_pointsentry_change", args=[entry.pk])


def undo_of(entry):
    return reverse("admin:points_entry_undo", args=[entry.pk])


def granted(shop, points=400):
    return grant_points(
        member_id=shop["busy"].pk,
        points=points,
        reason="x",
        actor="test",
        source=f"books:{points}",
        now=now(),
    )


# --- Freezing so many points (P15) ----------------------------------------------------


def test_p15_some_points_are_frozen_and_free_again(shop, signed_in):
    granted(shop)
    client = signed_in("loyalty manager")
    before = points_summary(shop["busy"].pk, now()).available

    do(client, shop, "freeze_points", points=150)
    assert points_summary(shop["busy"].pk, now()).available == before - 150
    freeze = PointsFreeze.objects.latest("pk")
    assert freeze.public_id in text_of(client.get(action(shop, "unfreeze_points")))
    do(client, shop, "unfreeze_points", freeze=freeze.public_id)

    assert points_summary(shop["busy"].pk, now()).available == before
    freeze.refresh_from_db()
    assert (freeze.actor, freeze.end_reason) == ("loyalty_manager", "a dispute")
    assert freeze.reason_code == freeze.end_reason_code == "correction", "P27"


def test_points_of_somebody_else_are_not_unfrozen(shop, signed_in):
    other = next(m for m in shop["members"] if m.pk != shop["busy"].pk)
    granted({"busy": other})
    freeze = freeze_points(
        member_id=other.pk, points=1, reason="x", actor="t", source="o", now=now()
    )
    answer = do(signed_in("owner"), shop, "unfreeze_points", freeze=freeze.public_id)
    assert answer.status_code == 200
    freeze.refresh_from_db()
    assert not freeze.ended_by


def test_the_dialog_says_what_a_freeze_does(shop, signed_in):
    granted(shop)
    before = points_summary(shop["busy"].pk, now()).available
    answer = signed_in("owner").post(
        action(shop, "freeze_points") + "?preview=1", {"points": 100}
    )
    assert f"{before:,d} → {before - 100:,d}" in text_of(answer)


@pytest.mark.parametrize("role", ["support", "finance", "auditor", "marketer"])
def test_who_may_not_freeze_points(role, shop, signed_in):
    granted(shop)
    assert do(signed_in(role), shop, "freeze_points", points=1).status_code == 403
    assert PointsFreeze.objects.filter(actor=role).count() == 0


# --- The account ----------------------------------------------------------------------


def test_the_account_says_why_so_many_are_available(shop, signed_in):
    granted(shop)
    do(signed_in("owner"), shop, "freeze_points", points=123)
    url = reverse("admin:loyalty_pointsaccount_change", args=[shop["busy"].pk])

    page = text_of(signed_in("auditor").get(url, headers={"accept-language": "en"}))

    assert "less frozen points" in page
    assert "−123" in page
    assert "a dispute" in page


def test_the_account_and_an_entry_draw_the_balance_with_what_ends(shop, signed_in):
    entry = granted(shop, 700)
    account = entry.account
    account.refresh_from_db()
    steps = balance_line(account, at=now())
    past = [step for step in steps if not step.is_ahead]
    ahead = [step for step in steps if step.is_ahead]
    assert past[-1].points == account.balance - account.debt == ahead[0].points
    assert ahead[-1].points < past[-1].points
    url = reverse("admin:loyalty_pointsaccount_change", args=[account.pk])

    for address in (url, page_of(entry)):
        page = text_of(
            signed_in("auditor").get(address, headers={"accept-language": "en"})
        )
        assert 'id="balance-title"' in page
        assert 'stroke-dasharray="4 3"' in page
        assert page.count("forecast</td>") == len(ahead)
        assert page.count("<polyline") == 2
        assert f"{past[-1].points:,d}</td>" in page


def test_what_a_frozen_account_has_does_not_end(shop, signed_in):
    account = granted(shop).account
    do(signed_in("owner"), shop, "freeze")
    account.refresh_from_db()
    assert account.is_frozen
    assert not any(step.is_ahead for step in balance_line(account, at=now()))


def test_the_statement_is_every_movement(shop, signed_in):
    granted(shop)
    url = reverse("admin:points_statement", args=[shop["busy"].pk])
    answer = signed_in("finance").get(url)
    rows = list(csv.DictReader(io.StringIO(text_of(answer))))
    entries = PointsEntry.objects.filter(account_id=shop["busy"].pk)
    assert len(rows) == entries.count()
    assert sum(int(row["points"]) for row in rows) == int(rows[-1]["balance_after"])
    assert {row["member"] for row in rows} == {shop["busy"].number}
    assert signed_in("nobody").get(url).status_code == 403
    missing = reverse("admin:points_statement", args=[999_999_999])
    assert signed_in("finance").get(missing).status_code == 404


def days(**told):
    day = localdate(now()).isoformat()
    return {"first": day, "last": day, "reason": "a dispute", **told}


def test_a_signed_statement_is_handed_out_and_found_to_be_ours(shop, signed_in):
    granted(shop)
    client, english = signed_in("finance"), {"accept-language": "en"}
    url = reverse("admin:points_signed_statement", args=[shop["busy"].pk])
    check = reverse("admin:points_statement_check")

    file = client.post(url, days(file="1")).content
    page = text_of(client.post(url, days(), headers=english))
    assert "Signature of the file" in page
    assert AuditEntry.objects.filter(action="points.statement").count() == 2

    changed = file.replace(b",400,", b",401,")
    assert changed != file
    for content, said in [
        (file, "This statement is ours"),
        (changed, "not as we wrote it"),
        (b"member,points", "no signed statement"),
        (b"x" * (4 * 1024 * 1024 + 1), "No statement is as large"),
    ]:
        brought = SimpleUploadedFile("statement.csv", content)
        answer = client.post(check, {"file": brought}, headers=english)
        assert said in text_of(answer)


def test_a_statement_needs_days_in_order_and_a_reason(shop, signed_in):
    client = signed_in("finance")
    url = reverse("admin:points_signed_statement", args=[shop["busy"].pk])
    before = digest()
    for told in (days(reason="x"), days(first="2999-01-01"), days(last="soon"), {}):
        assert client.post(url, told | {"file": "1"})["Content-Type"].startswith(
            "text/html"
        )
    assert digest() == before


def test_who_may_not_hand_out_or_check_a_statement(shop, signed_in):
    client, before = signed_in("nobody"), digest()
    url = reverse("admin:points_signed_statement", args=[shop["busy"].pk])
    for address in (url, reverse("admin:points_statement_check")):
        assert client.get(address).status_code == 403
        assert client.post(address, days()).status_code == 403
    assert digest() == before
    missing = reverse("admin:points_signed_statement", args=[999_999_999])
    assert signed_in("finance").get(missing).status_code == 404


# --- Entries --------------------------------------------------------------------------


def test_an_entry_is_revoked_once_with_a_reason(shop, signed_in):
    entry, client = granted(shop), signed_in("support")
    page = text_of(client.get(page_of(entry), headers={"accept-language": "en"}))
    assert "400 points are taken back" in page

    for why in (
        {"reason": "x"},
        {"reason": ""},
        {"reason_code": ""},
        {"reason_code": "?"},
    ):
        assert client.post(undo_of(entry), {**REASON, **why}).status_code == 200
    assert not PointsEntry.objects.filter(reverses=entry).exists(), "P27"
    for _click in range(2):
        assert client.post(undo_of(entry), REASON).status_code == 302

    revoked = PointsEntry.objects.get(reverses=entry)
    assert (revoked.points, revoked.actor, revoked.reason) == (
        -400,
        "support",
        "a dispute",
    )
    page = text_of(client.get(page_of(entry), headers={"accept-language": "en"}))
    assert revoked.public_id in page
    assert "Nothing of this entry is left" in page


@pytest.mark.parametrize("role", ["finance", "auditor", "marketer", "analyst"])
def test_who_may_not_revoke(role, shop, signed_in):
    entry = granted(shop)
    client, before = signed_in(role), digest()
    assert client.get(page_of(entry)).status_code == 200
    assert client.post(undo_of(entry), REASON).status_code == 403
    assert digest() == before


def test_p27_a_large_entry_waits_for_a_second_person(shop, signed_in):
    entry = granted(shop, settings.STAFF_POINTS_LIMIT + 1)
    signed_in("support").post(undo_of(entry), REASON)
    approval = Approval.objects.get(kind="loyalty.undo")
    assert not PointsEntry.objects.filter(reverses=entry).exists()
    decide = reverse("admin:approval_approve", args=[approval.pk])

    signed_in("loyalty manager").post(decide, {"note": "fine"})

    revoked = PointsEntry.objects.get(reverses=entry)
    assert (revoked.points, revoked.actor) == (-entry.points, "support")


def test_p27_small_entries_are_a_large_sum(shop, signed_in):
    half = settings.STAFF_POINTS_LIMIT // 2 + 1
    client = signed_in("support")
    for points in (half, half + 1):
        client.post(undo_of(granted(shop, points)), REASON)
    assert PointsEntry.objects.filter(source__startswith="revoke:").count() == 1
    assert Approval.objects.filter(kind="loyalty.undo").count() == 1


def test_expired_points_are_reinstated_from_their_page(shop, signed_in):
    Program.objects.update(reinstate_days=30)
    entry = granted(shop)
    PointsLot.objects.filter(entry=entry).update(expires_at=now())
    expire_lots(now=now())
    gone = PointsEntry.objects.filter(kind="expire").latest("pk")
    client = signed_in("support")
    page = text_of(client.get(page_of(gone), headers={"accept-language": "en"}))
    assert "400 points come back, with a new end." in page
    client.post(undo_of(gone), REASON)
    assert PointsEntry.objects.get(reverses=gone).points == 400


# --- Closed months --------------------------------------------------------------------


def test_p27_the_list_shows_reason_codes_and_asks_for_one(shop, signed_in):
    entry = granted(shop)
    client = signed_in("support")
    client.post(undo_of(entry), REASON)
    url = reverse("admin:loyalty_pointsentry_changelist")
    english = {"accept-language": "en"}
    page = text_of(
        client.get(page_of(PointsEntry.objects.latest("pk")), headers=english)
    )
    assert "correction of an error" in page
    found = client.get(url, {"reason_code__exact": "correction"}, headers=english)
    rows = found.context["cl"].result_list
    assert [row.reverses_id for row in rows] == [entry.pk]
    assert "correction of an error" in text_of(found)
    account = shop["busy"].points_account.pk
    sheet = client.get(reverse("admin:points_statement", args=[account]))
    rows = list(csv.DictReader(io.StringIO(text_of(sheet))))
    assert (rows[-1]["reason_code"], rows[-1]["reason"]) == ("correction", "a dispute")


def test_p27_the_page_of_a_month_groups_what_was_done_by_hand(shop, signed_in):
    close = last_close()
    close.pk, close.month = None, next_month(close.month)
    close.by_hand = [["goodwill", "grant", 2, 1_250]]
    close.save()
    client = signed_in("finance")
    url = reverse("admin:loyalty_pointsclose_change", args=[close.pk])
    page = text_of(client.get(url, headers={"accept-language": "en"}))
    assert "Entries by hand, by reason" in page
    assert "compensation or goodwill" in page
    assert "1,250" in page
    file = text_of(client.get(reverse("admin:points_close_file", args=[close.pk])))
    assert "by hand: grant,goodwill,1250" in file


def test_p17_what_the_program_waives_is_told_in_words(shop, signed_in):
    entry = granted(shop)
    claw = PointsEntry.objects.create(
        account=entry.account,
        seq=10_000,
        kind="claw_back",
        points=0,
        balance_after=0,
        source="refund:x",
        reason="to_zero",
        actor="program",
        occurred_at=now(),
    )
    client, english = signed_in("support"), {"accept-language": "en"}
    member = shop["busy"]
    for url in (
        page_of(claw),
        reverse("admin:loyalty_pointsentry_changelist"),
        reverse("admin:member_page", args=[member.public_id]),
        reverse("admin:points_statement", args=[member.pk]),
    ):
        page = text_of(client.get(url, headers=english))
        assert "to_zero" not in page
        assert "by the program: take what is there, waive the rest" in page, url


def test_a_month_and_its_file(shop, signed_in):
    close = PointsClose.objects.get()
    client = signed_in("finance")
    page = text_of(
        client.get(
            reverse("admin:loyalty_pointsclose_change", args=[close.pk]),
            headers={"accept-language": "en"},
        )
    )
    assert "From opening to closing" in page
    assert page.count("<svg") >= 2
    url = reverse("admin:points_close_file", args=[close.pk])
    rows = list(csv.reader(io.StringIO(text_of(client.get(url)))))
    figures = {(what, of): number for what, of, number in rows[1:]}
    assert int(figures["closing", ""]) == close.closing
    assert signed_in("nobody").get(url).status_code == 403


def test_the_next_month_is_closed_after_its_end_only(shop, signed_in):
    url = reverse("admin:loyalty_pointsclose_add")
    client = signed_in("finance")
    answer = client.post(url, headers={"accept-language": "en"})
    assert "This month is not over." in text_of(answer)
    assert PointsClose.objects.count() == 1
    assert next_month(last_close().month) == localdate(now()).replace(day=1)


@pytest.mark.parametrize("role", ["auditor", "support", "loyalty manager", "nobody"])
def test_who_may_not_close_a_month(role, shop, signed_in):
    url = reverse("admin:loyalty_pointsclose_add")
    assert signed_in(role).get(url).status_code == 403
    assert signed_in(role).post(url).status_code == 403
