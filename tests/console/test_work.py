"""The work queues: who sees them, what stands in them, what their buttons do."""

from datetime import timedelta
from types import SimpleNamespace

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from crm.console.queries.work import WORK
from crm.console.rules.roles import ROLES
from crm.shared.approvals import withdraw
from crm.shared.clock import now
from crm.shared.models import Approval, AuditEntry
from loyalty.models import Referral
from orders.models import (
    Order,
    Payment,
    Refund,
    RefundTender,
    ReturnRequest,
    Review,
    Variant,
)

INDEX = "/admin/to-do/"


def url(code: str) -> str:
    return reverse("admin:work_queue", args=[code])


def _scarce() -> Variant:
    """Return the article that is low on stock."""
    return Variant.objects.order_by("pk")[0]


@pytest.fixture
def work(shop):
    """Return one row for each queue, and one that looks like it and is none."""
    order, at = shop["order"], now()
    long_ago = at - timedelta(days=5)
    ReturnRequest.objects.update(state="cancelled")
    paid = order.payments.get(provider="test")
    refund = Refund.objects.create(
        order=order, amount_minor=300, requested_at=long_ago, reason="late"
    )
    refused = RefundTender.objects.create(
        refund=refund, payment=paid, key="k1", amount_minor=300, state="refused"
    )
    other = Payment.objects.create(
        order=order, provider="test", amount_minor=1, created_at=at
    )
    slow = RefundTender.objects.create(
        refund=refund,
        payment=other,
        key="k2",
        amount_minor=200,
        attempts=3,
        due_at=at + timedelta(hours=1),
    )
    stuck = Payment.objects.create(
        order=order, provider="test", amount_minor=500, created_at=long_ago
    )
    surplus = Payment.objects.create(
        order=order,
        provider="test",
        amount_minor=700,
        state="surplus",
        created_at=long_ago,
        return_attempts=2,
    )
    asked = ReturnRequest.objects.create(
        order=order,
        kind="return",
        reason_code="damaged",
        words="my name is Wang",
        requested_at=long_ago,
    )
    on_its_way = ReturnRequest.objects.create(
        order=order,
        kind="return",
        reason_code="damaged",
        state="in_transit",
        requested_at=long_ago,
    )
    late, soon = Order.objects.exclude(pk=order.pk)[:2]
    Order.objects.filter(pk=late.pk).update(
        state="paid", placed_at=long_ago, paid_at=long_ago
    )
    Order.objects.filter(pk=soon.pk).update(
        state="paid", placed_at=long_ago, paid_at=at
    )
    Review.objects.update(state="pending")
    Variant.objects.update(on_hand=None)
    Variant.objects.filter(pk=_scarce().pk).update(on_hand=5, reserved=2)
    return SimpleNamespace(
        order=order,
        refused=refused,
        slow=slow,
        stuck=stuck,
        surplus=surplus,
        asked=asked,
        on_its_way=on_its_way,
        late=late,
        large=Approval.objects.get(),
        soon=soon,
        other=other,
    )


def rows(client, code: str) -> list:
    answer = client.get(url(code))
    assert answer.status_code == 200
    return answer.context["rows"]


# --- What stands in them ------------------------------------------------------


def test_each_queue_holds_what_waits_and_nothing_else(work, signed_in):
    client = signed_in("owner")
    assert [row.pk for row in rows(client, "refunds")] == [
        work.refused.pk,
        work.slow.pk,
    ]
    assert [row.pk for row in rows(client, "payments")] == [work.stuck.pk]
    assert [row.pk for row in rows(client, "surplus")] == [work.surplus.pk]
    assert [row.pk for row in rows(client, "returns")] == [work.asked.pk]
    assert [row.pk for row in rows(client, "approvals")] == [work.large.pk]
    assert [row.pk for row in rows(client, "late")] == [work.late.pk]
    assert [row.pk for row in rows(client, "reviews")] == [Review.objects.get().pk]
    (held,) = rows(client, "referrals")
    assert held.pk == Referral.objects.get().pk
    assert [row.pk for row in rows(client, "stock")] == [_scarce().pk]


def test_rows_say_what_happened_since_when_and_what_to_do(work, signed_in):
    client = signed_in("owner")
    refused, slow = rows(client, "refunds")
    assert (refused.what, refused.amount, refused.act) == (
        "test provider refused to pay back.",
        "¥3.00",
        "Try again",
    )
    assert refused.since == work.refused.refund.requested_at
    assert slow.what == "test provider did not answer after 3 attempts."
    (row,) = rows(client, "surplus")
    assert row.what == "Paid too much by test provider: sent back 2 times, not taken."
    (row,) = rows(client, "returns")
    assert (row.what, row.act) == ("return: damaged or faulty", "Answer")
    (row,) = rows(client, "late")
    assert row.act_link == reverse("admin:order_ship", args=[work.late.pk])
    (row,) = rows(client, "approvals")
    assert (row.what, row.subject, row.act) == (
        *("Pay ¥2,000.00 into the wallet.", work.order.member.number),
        "Decide",
    )
    (row,) = rows(client, "stock")
    assert row.what == "3 units are left."


def test_what_was_done_leaves_its_queue(work, signed_in):
    client = signed_in("owner")
    RefundTender.objects.update(state="done")
    Payment.objects.filter(pk=work.stuck.pk).update(state="captured")
    Payment.objects.filter(pk=work.surplus.pk).update(state="returned")
    ReturnRequest.objects.update(state="refused")
    Order.objects.filter(pk=work.late.pk).update(state="shipped")
    Review.objects.update(state="published")
    Referral.objects.update(state="rejected")
    withdraw(
        approval_id=work.large.pk, author=work.large.author, now=work.large.asked_at
    )
    Variant.objects.update(on_hand=None, reserved=0)
    for code in WORK:
        assert rows(client, code) == [], code
        assert "Nothing is waiting" in client.get(url(code)).content.decode()
    assert 'href="/admin/to-do/' not in main_of(client.get("/admin/"))


def main_of(answer) -> str:
    text = answer.content.decode()
    return text[text.index('id="cs-tasks"') :]


# --- Who ----------------------------------------------------------------------


@pytest.mark.parametrize("role", [*ROLES, "nobody"])
def test_who_sees_which_queue(role, work, signed_in):
    client, rights = signed_in(role), set(ROLES.get(role, ()))
    wrong = {}
    for code, queue in WORK.items():
        status = client.get(url(code)).status_code
        if status != (200 if queue.sees in rights else 403):
            wrong[code] = status
    assert not wrong
    seen = [code for code, queue in WORK.items() if queue.sees in rights]
    answer = client.get(INDEX)
    assert answer.status_code == (200 if seen else 403)
    if seen:
        assert [queue.code for queue in answer.context["queues"]] == seen
    assert (f'href="{INDEX}"' in client.get("/admin/").content.decode()) == bool(seen)


@pytest.mark.parametrize("role", [*ROLES, "nobody"])
def test_home_names_the_work_of_each_role(role, work, signed_in):
    home = main_of(signed_in(role).get("/admin/"))
    rights = set(ROLES.get(role, ()))
    shown = {code for code in WORK if f'href="{url(code)}"' in home}
    assert shown == {code for code, queue in WORK.items() if queue.works in rights}
    if "orders.add_refund" in rights:
        assert "2 refunds do not get through" in home


@pytest.mark.parametrize("role", [*ROLES, "nobody"])
@pytest.mark.parametrize("code", ["refunds", "payments", "surplus"])
def test_only_who_may_presses_the_button(role, code, work, signed_in):
    found = {"refunds": work.slow, "payments": work.stuck, "surplus": work.surplus}
    row = found[code]
    before = AuditEntry.objects.count()
    answer = signed_in(role).post(url(code), {"row": row.pk})
    may = WORK[code].works in ROLES.get(role, ())
    assert answer.status_code == (302 if may else 403)
    assert AuditEntry.objects.count() - before == may


def test_strangers_are_sent_to_the_sign_in(work, client):
    for address in (INDEX, url("refunds")):
        assert client.get(address).status_code == 302
        assert client.post(address, {"row": work.slow.pk}).status_code == 302
    work.slow.refresh_from_db()
    assert work.slow.due_at > now()


# --- Buttons ------------------------------------------------------------------


def test_a_refund_is_tried_again_at_once(work, signed_in):
    client = signed_in("finance")
    for tender in (work.refused, work.slow):
        answer = client.post(url("refunds"), {"row": tender.pk})
        assert (answer.status_code, answer.url) == (302, url("refunds"))
        tender.refresh_from_db()
        assert tender.state == "due"
        assert tender.due_at <= now()
    assert work.slow.attempts == 3, "the key and the count stay"
    entry = AuditEntry.objects.get(action="orders.refund_hurried")
    assert entry.actor == "finance"
    assert entry.object_id == work.slow.refund.public_id
    assert AuditEntry.objects.filter(action="orders.refund_retried").count() == 1


def test_payments_are_asked_about_and_surplus_is_sent_back(work, signed_in):
    client = signed_in("finance")
    client.post(url("payments"), {"row": work.stuck.pk})
    client.post(url("surplus"), {"row": work.surplus.pk})
    work.stuck.refresh_from_db()
    work.surplus.refresh_from_db()
    assert work.stuck.ask_due_at <= now()
    assert work.surplus.return_due_at <= now()
    assert AuditEntry.objects.filter(action="payments.ask_again").count() == 2


@pytest.mark.parametrize("row", ["", "x", "-1", "999999999", "１", "9" * 40])
def test_what_is_no_row_of_the_queue_does_nothing(row, work, signed_in):
    client = signed_in("owner")
    for code in ("refunds", "payments", "surplus"):
        assert client.post(url(code), {"row": row}).status_code == 302
    # A payment that is not stuck cannot be pressed from here either.
    client.post(url("payments"), {"row": work.other.pk})
    work.other.refresh_from_db()
    assert work.other.ask_due_at is None
    assert not AuditEntry.objects.filter(action__startswith="payments.").exists()


def test_queues_that_lead_elsewhere_take_no_posts(work, signed_in):
    client = signed_in("owner")
    for code in ("approvals", "returns", "late", "reviews", "stock"):
        assert client.post(url(code), {"row": "1"}).status_code == 403
    assert client.get(url("x-y")).status_code == 404
    assert client.post(url("x-y")).status_code == 404


def test_words_of_members_are_on_no_queue(work, signed_in):
    client = signed_in("owner")
    for code in WORK:
        text = client.get(url(code)).content.decode()
        assert "my name is Wang" not in text
        assert work.order.member.name not in text


# --- What they cost -----------------------------------------------------------


def test_a_queue_costs_the_same_with_more_rows(work, signed_in):
    client = signed_in("admin")
    address = url("refunds")
    client.get(address)
    with CaptureQueriesContext(connection) as few:
        client.get(address)
    payment = work.slow.payment
    for number in range(10):
        payment.pk, payment.public_id = None, f"pay_{number}"
        payment.save()
        refund = Refund.objects.create(
            order=work.order, amount_minor=1, requested_at=now()
        )
        RefundTender.objects.create(
            refund=refund,
            payment=payment,
            key=f"more{number}",
            amount_minor=1,
            attempts=4,
        )
    with CaptureQueriesContext(connection) as many:
        assert len(client.get(address).context["rows"]) == 12
    assert len(many) == len(few)
