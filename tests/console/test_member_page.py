"""The page of one member: masks, reasons, deeds, timeline."""

import re
import uuid

import pytest
from django.urls import reverse

from campaigns.models import Coupon
from crm.console.queries.timeline import KINDS, seen_kinds, timeline
from crm.shared.clock import now
from crm.shared.models import AuditEntry
from loyalty.models import PointsEntry
from loyalty.queries.points import points_summary
from members.models import Note
from tests.cast import make_member


def page(shop, part: str = "member_page", *more) -> str:
    return reverse(f"admin:{part}", args=[shop["busy"].public_id, *more])


def text_of(answer) -> str:
    return answer.content.decode()


# --- Personal data ------------------------------------------------------------

SECRETS = ["13800000003", "person3@example.com", "1990-02-28"]


@pytest.mark.parametrize("role", ["analyst", "auditor", "finance"])
def test_who_knows_members_by_number_sees_no_mask_either(role, shop, signed_in):
    shown = text_of(signed_in(role).get(page(shop)))
    assert shop["busy"].number in shown
    for mask in ("138****0003", "p***@example.com", "O**", "****-02-**"):
        assert mask not in shown


@pytest.mark.parametrize("role", ["support", "marketer", "loyalty manager", "admin"])
def test_phone_email_and_birthday_are_masked_for_the_others(role, shop, signed_in):
    shown = text_of(signed_in(role).get(page(shop)))
    assert not [secret for secret in SECRETS if secret in shown]
    assert "138****0003" in shown
    assert "p***@example.com" in shown


@pytest.mark.parametrize(
    ("role", "clear"), [("support", True), ("analyst", False), ("marketer", False)]
)
def test_names_stand_in_clear_only_for_those_who_may_see_them(
    role, clear, shop, signed_in
):
    client = signed_in(role)
    for url in (page(shop), reverse("admin:members_member_changelist")):
        assert ("O&#x27;Neil" in text_of(client.get(url))) is clear


def test_the_analyst_reads_no_personal_word_anywhere(shop, signed_in):
    client = signed_in("analyst")
    for name in ("member_page", "member_timeline"):
        shown = text_of(client.get(page(shop, name)))
        for secret in [*SECRETS, "Neil", "包装破损", "喜欢电话联系", "欢迎"]:
            assert secret not in shown


def test_revealing_needs_a_reason_and_leaves_one(shop, signed_in):
    client = signed_in("support")
    url = page(shop, "member_reveal", "phone")
    for reason in ("", "  ", "ab"):
        answer = client.post(url, {"reason": reason})
        assert "+8613800000003" not in text_of(answer)
    assert not AuditEntry.objects.filter(action="members.reveal").exists()

    answer = client.post(url, {"reason": "caller asked for a call back"})
    assert "+8613800000003" in text_of(answer)
    assert "no-store" in answer["Cache-Control"]
    entry = AuditEntry.objects.get(action="members.reveal")
    assert (entry.actor, entry.reason, entry.object_id, entry.detail) == (
        "support",
        "caller asked for a call back",
        shop["busy"].public_id,
        {"field": "phone"},
    )


@pytest.mark.parametrize("role", ["analyst", "marketer", "finance", "auditor"])
def test_revealing_is_refused_without_the_permission(role, shop, signed_in):
    answer = signed_in(role).post(
        page(shop, "member_reveal", "phone"), {"reason": "curious"}
    )
    assert answer.status_code == 403
    assert not AuditEntry.objects.filter(action="members.reveal").exists()


@pytest.mark.parametrize("field", ["name", "password", "public_id", "user"])
def test_only_three_fields_can_be_revealed(field, shop, signed_in):
    answer = signed_in("admin").post(
        page(shop, "member_reveal", field), {"reason": "curious"}
    )
    assert answer.status_code == 404


# --- Deeds --------------------------------------------------------------------


def do(client, shop, code: str, **data):
    why = {"reason_code": "other", "reason": "because"}
    data = {**why, "request_key": str(uuid.uuid4()), **data}
    return client.post(page(shop, "member_action", code), data)


def available(shop) -> int:
    return points_summary(shop["busy"].pk, now()).available


def test_granting_points_twice_by_a_double_click_is_one_deed(shop, signed_in):
    client, before = signed_in("support"), available(shop)
    for _click in range(2):
        answer = do(client, shop, "grant", points=500, request_key="one-click")
        assert (answer.status_code, answer.url) == (302, page(shop))
    assert available(shop) == before + 500
    entry = PointsEntry.objects.get(source="staff:one-click")
    assert (entry.points, entry.kind, entry.reason, entry.actor) == (
        500,
        "grant",
        "because",
        "support",
    )
    assert AuditEntry.objects.filter(action="points.grant", actor="support").exists()


def test_deducting_more_than_there_is_writes_nothing(shop, signed_in):
    before = available(shop)
    answer = do(signed_in("support"), shop, "deduct", points=before + 1)
    assert answer.status_code == 200
    assert available(shop) == before
    assert not PointsEntry.objects.filter(kind="deduct").exists()


@pytest.mark.parametrize(
    "data",
    [
        {"points": 0},
        {"points": -5},
        {"points": 1_000_001},
        {"points": "many"},
        {"points": 5, "reason": ""},
        {"points": 5, "reason_code": ""},
        {"points": 5, "reason_code": "because"},
        {"points": 5, "reason": "  "},
    ],
)
def test_senseless_grants_write_nothing(data, shop, signed_in):
    before = PointsEntry.objects.count()
    assert do(signed_in("support"), shop, "grant", **data).status_code == 200
    assert PointsEntry.objects.count() == before


def test_the_dialog_says_what_would_happen_and_does_not_do_it(shop, signed_in):
    before = available(shop)
    answer = signed_in("support").post(
        page(shop, "member_action", "grant") + "?preview=1", {"points": 500}
    )
    assert f"{before:,d} → {before + 500:,d}" in text_of(answer)
    assert available(shop) == before


def test_freezing_and_unfreezing(shop, signed_in):
    client, before = signed_in("loyalty manager"), available(shop)
    assert before > 0
    do(client, shop, "freeze")
    assert available(shop) == 0
    assert 'do/unfreeze/"' in text_of(client.get(page(shop)))
    do(client, shop, "unfreeze")
    assert available(shop) == before


def test_issuing_a_coupon(shop, signed_in):
    before = Coupon.objects.filter(member=shop["busy"]).count()
    other = shop["members"][5]
    client = signed_in("marketer")
    url = reverse("admin:member_action", args=[other.public_id, "coupon"])
    client.post(
        url,
        {"template": shop["template"].pk, "reason": "sorry", "request_key": "k"},
    )
    coupon = Coupon.objects.get(member=other)
    assert coupon.source == "staff:k"
    assert Coupon.objects.filter(member=shop["busy"]).count() == before
    assert AuditEntry.objects.get(action="coupons.issue").reason == "sorry"


@pytest.mark.parametrize(
    ("role", "code"),
    [
        ("analyst", "grant"),
        ("marketer", "grant"),
        ("finance", "deduct"),
        ("support", "freeze"),
        ("auditor", "coupon"),
        ("nobody", "grant"),
    ],
)
def test_deeds_without_the_permission_are_refused(role, code, shop, signed_in):
    before = PointsEntry.objects.count(), Coupon.objects.count()
    answer = do(signed_in(role), shop, code, points=5, template=shop["template"].pk)
    assert answer.status_code == 403
    assert (PointsEntry.objects.count(), Coupon.objects.count()) == before


def test_notes_are_written_and_shown(shop, signed_in):
    client = signed_in("support")
    client.post(page(shop, "member_note"), {"text": "<b>calls at noon</b>"})
    shown = text_of(client.get(page(shop)))
    assert "&lt;b&gt;calls at noon&lt;/b&gt;" in shown
    before = Note.objects.count()
    client.post(page(shop, "member_note"), {"text": "   "})
    assert Note.objects.count() == before
    refused = signed_in("analyst").post(page(shop, "member_note"), {"text": "hello"})
    assert refused.status_code == 403


def test_an_unknown_member_is_not_found(shop, signed_in):
    url = reverse("admin:member_page", args=["mem_nobody"])
    assert signed_in("admin").get(url).status_code == 404


# --- Timeline -----------------------------------------------------------------


def test_the_timeline_pages_through_everything_once(shop):
    kinds, cursor, seen = list(KINDS), None, []
    while True:
        part = timeline(
            member_id=shop["busy"].pk, kinds=kinds, english=True, cursor=cursor, limit=2
        )
        assert len(part.moments) <= 2
        seen += part.moments
        cursor = part.next_cursor
        if cursor is None:
            break
    assert {moment.kind for moment in seen} == set(KINDS)
    assert [m.at for m in seen] == sorted((m.at for m in seen), reverse=True)
    whole = timeline(member_id=shop["busy"].pk, kinds=kinds, english=True, limit=100)
    assert seen == whole.moments


def test_a_forged_cursor_is_not_found(shop, signed_in):
    answer = signed_in("admin").get(page(shop, "member_timeline") + "?cursor=abc")
    assert answer.status_code == 404


def test_kinds_nobody_may_see_stay_out_even_when_asked_for(shop, signed_in):
    analyst = shop["users"]["analyst"]
    assert "note" not in seen_kinds(analyst)
    shown = text_of(
        signed_in("analyst").get(page(shop, "member_timeline") + "?kind=note")
    )
    assert "喜欢电话联系" not in shown


def test_offers_carry_the_name_of_the_language(shop, signed_in):
    client = signed_in("support")
    client.cookies["django_language"] = "zh-hans"
    assert "新人券" in text_of(client.get(page(shop, "member_timeline")))
    client.cookies["django_language"] = "en"
    assert "Welcome coupon" in text_of(client.get(page(shop, "member_timeline")))


def test_the_spend_chart_reads_aloud_and_its_table_agrees(shop, signed_in):
    shown = text_of(signed_in("support").get(page(shop)))
    svg = re.search(r"<svg [^>]*class=\"cs-chart\".*?</svg>", shown, re.S).group()
    assert 'role="img"' in svg
    assert "<desc" in svg
    drawn = re.findall(r"<rect.*?<title>(.*?): (.*?)</title>", svg)
    table = re.findall(
        r"<tr><td>(.*?)</td><td class=\"n\" data-value>(.*?)</td>", shown
    )
    assert drawn == table
    assert drawn


def test_who_bought_nothing_is_said_so_instead_of_an_empty_picture(shop, signed_in):
    stranger = make_member(4711)
    address = reverse("admin:member_page", args=[stranger.public_id])
    shown = text_of(signed_in("support").get(address))
    assert "Nothing was bought in this time." in shown
    assert 'class="cs-chart"' not in shown
