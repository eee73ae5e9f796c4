"""The page of one order: what each role sees, what it costs, what can be done."""

import json
from datetime import timedelta
from types import SimpleNamespace

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils.html import escape

from campaigns.models import Message
from crm.care.models import Ticket
from crm.console.rules.roles import ROLES
from crm.shared.clock import now
from crm.shared.models import AuditEntry
from members.models import Note
from orders.models import (
    AppliedOffer,
    Order,
    OrderLine,
    PaymentCallback,
    Refund,
    Variant,
)
from tests.console.test_pages import BUDGETS, MOST_PAGE_BYTES

CANCELLERS = {"support", "owner"}
NOTERS = {"support", "loyalty manager", "owner"}
SEES_MASKED = {"support", "marketer", "loyalty manager", "owner"}


@pytest.fixture
def sale(shop):
    """Return an order with something in every part of its page."""
    order, at = shop["order"], now()
    Order.objects.filter(pk=order.pk).update(refunded_minor=5_000)
    AppliedOffer.objects.create(
        order=order,
        stage=3,
        source_kind="promotion",
        source_id="prm_1",
        source_name="满300减50",
        amount_minor=1_000,
        terms={"rungs": [[30_000, 1_000]]},
    )
    PaymentCallback.objects.create(
        provider="test",
        event_id="evt_1",
        payment=order.payments.get(provider="test"),
        kind="captured",
        received_at=at,
    )
    refund = Refund.objects.get(order=order)
    Message.objects.create(
        member=order.member,
        channel="in_app",
        template="refund_done",
        subject="Your refund",
        body="secret words",
        dedupe_key=f"refund:{refund.public_id}:in_app",
        send_after=at,
        created_at=at,
    )
    return SimpleNamespace(
        order=order,
        refund=refund,
        url=reverse("admin:orders_order_change", args=[order.pk]),
    )


def pending(order: Order) -> None:
    Order.objects.filter(pk=order.pk).update(
        state="pending", paid_minor=0, refunded_minor=0, paid_at=None
    )
    Variant.objects.update(on_hand=9, reserved=2)


def deed(order: Order, code: str) -> str:
    return reverse("admin:order_deed", args=[order.pk, code])


# --- What stands on it --------------------------------------------------------


def test_the_page_says_everything_about_an_order(sale, signed_in):
    text = signed_in("owner").get(sale.url).content.decode()
    order = sale.order
    for part in (
        order.number,
        "满300减50",
        "¥388.00",  # two units of 199.00, 10.00 off
        "¥10.00",
        "rungs",
        "captured",
        "broken",
        "SF SF100",
        "Your refund",
        reverse("admin:member_page", args=[order.member.public_id]),
        "<svg",
    ):
        assert part in text, part
    assert "secret words" not in text
    assert text.index('aria-current="step"') < text.index("reviewed")


def test_a_gift_stands_there_with_the_offer_that_brought_it(sale, signed_in):
    order, offer = sale.order, AppliedOffer.objects.get(source_id="prm_1")
    mug = order.lines.order_by("position").last()
    OrderLine.objects.create(
        order=order,
        position=9,
        variant=mug.variant,
        sku=mug.sku,
        name="A mug for nothing",
        kind="goods",
        quantity=2,
        list_price_minor=1_500,
        unit_price_minor=0,
        price_kind="gift",
        gross_minor=0,
        net_minor=0,
        gift_of=offer,
    )
    page = signed_in("owner").get(sale.url)
    line = page.context["lines"][-1]
    assert (line["row"].gift_offer, line["price_kind"]) == ("满300减50", "gift")
    (shown,) = (e for e in page.context["offers"] if e["row"] == offer)
    assert [gift.name for gift in shown["gifts"]] == ["A mug for nothing"]
    text = page.content.decode()
    assert "gift · <span data-value>满300减50</span>" in text
    assert "2 × A mug for nothing" in text


def test_the_strip_tells_how_far_and_when(sale, signed_in):
    order = sale.order
    context = signed_in("owner").get(sale.url).context
    assert [(step.label, step.reached) for step in context["state_steps"]] == [
        ("awaiting payment", True),
        ("paid", True),
        ("shipped", True),
        ("delivered", True),
        ("completed", True),
        ("reviewed", True),
    ]
    assert context["state_steps"][1].at == order.paid_at
    pending(order)
    Order.objects.filter(pk=order.pk).update(state="cancelled", closed_at=now())
    steps = signed_in("owner").get(sale.url).context["state_steps"]
    assert [step.label for step in steps][:2] == ["awaiting payment", "cancelled"]
    assert steps[1].now


def test_every_moment_stands_in_one_line_newest_first(sale, signed_in):
    moments = signed_in("owner").get(sale.url).context["moments"]
    assert [moment.at for moment in moments] == sorted(
        (moment.at for moment in moments), reverse=True
    )
    said = {moment.text for moment in moments}
    assert {
        "Order placed",
        "Money came in: test provider",
        "Refund requested",
        "Refund completed",
        "Parcel sent: SF SF100",
        "Your refund",
    } <= said
    asked = next(moment for moment in moments if moment.text == "Refund requested")
    assert (asked.reason, asked.amount) == ("broken", "¥50.00")


@pytest.mark.parametrize("role", [*ROLES, "nobody"])
def test_who_sees_whom(role, sale, signed_in):
    answer = signed_in(role).get(sale.url)
    if role == "nobody":
        assert answer.status_code == 403
        return
    text = answer.content.decode()
    phone = "138****0003"
    assert (phone in text) == (role in SEES_MASKED), role
    assert sale.order.member.phone not in text
    clear = "members.view_pii" in ROLES[role]
    assert (escape(sale.order.member.name) in text) == clear
    sees_money = "orders.view_payment" in ROLES[role]
    assert ("How it was paid" in text) == sees_money


def test_what_is_not_there_is_not_there(sale, signed_in):
    client = signed_in("support")
    for pk in (10**12, "x", "１"):
        url = reverse("admin:orders_order_change", args=[pk])
        assert client.get(url).status_code == 404


def test_an_order_of_nobody_has_a_page(sale, signed_in):
    Order.objects.filter(pk=sale.order.pk).update(member=None)
    answer = signed_in("support").get(sale.url)
    assert answer.status_code == 200
    assert deed(sale.order, "note") not in answer.content.decode()
    assert signed_in("support").get(deed(sale.order, "note")).status_code == 404


# --- What it costs ------------------------------------------------------------


def count_queries(client, url: str) -> int:
    client.get(url)
    with CaptureQueriesContext(connection) as captured:
        client.get(url)
    return len(captured)


def test_the_page_of_a_usual_order_is_small(sale, signed_in):
    assert len(signed_in("admin").get(sale.url).content) <= MOST_PAGE_BYTES


def test_the_page_costs_the_same_for_large_orders(sale, signed_in):
    client = signed_in("admin")
    budget = json.loads(BUDGETS.read_text(encoding="utf-8"))["page:orders.order"]
    assert count_queries(client, sale.url) == budget
    order, line = sale.order, sale.order.lines.get()
    for position in range(2, 12):
        line.pk, line.position = None, position
        line.save()
        line.allocations.create(
            source_kind="promotion",
            source_id="prm_1",
            source_name="满300减50",
            amount_minor=1_000,
        )
        payment = order.payments.first()
        payment.pk, payment.public_id, payment.provider_ref = (
            None,
            f"pay_{position}",
            None,
        )
        payment.save()
        refund = Refund.objects.create(
            order=order, amount_minor=1, requested_at=now(), reason="again"
        )
        refund.lines.create(order_line=line, quantity=1, amount_minor=1)
        refund.tenders.create(payment=payment, key=f"k{position}", amount_minor=1)
    assert count_queries(client, sale.url) == budget


# --- What can be done ---------------------------------------------------------


@pytest.mark.parametrize("role", [*ROLES, "nobody"])
def test_only_who_may_cancel_cancels(role, sale, signed_in):
    pending(sale.order)
    client, url = signed_in(role), deed(sale.order, "cancel")
    assert client.get(url).status_code == (200 if role in CANCELLERS else 403)
    client.post(url, {"reason": "ordered twice"})
    sale.order.refresh_from_db()
    wanted = "cancelled" if role in CANCELLERS else "pending"
    assert sale.order.state == wanted
    page = client.get(sale.url)
    if page.status_code == 200:
        assert url not in page.content.decode() or role not in CANCELLERS


def test_cancelling_needs_a_reason_and_an_unpaid_order(sale, signed_in):
    client, url = signed_in("support"), deed(sale.order, "cancel")
    assert client.get(url).status_code == 404, "it is paid"
    assert client.post(url, {"reason": "ordered twice"}).status_code == 404
    pending(sale.order)
    assert url in client.get(sale.url).content.decode()
    assert client.post(url, {"reason": " x "}).status_code == 200
    sale.order.refresh_from_db()
    assert sale.order.state == "pending"
    answer = client.post(url, {"reason": "ordered twice"})
    assert (answer.status_code, answer.url) == (302, sale.url)
    event = sale.order.events.get(to_state="cancelled")
    assert (event.actor, event.reason) == ("support", "ordered twice")


@pytest.mark.parametrize("role", [*ROLES, "nobody"])
def test_a_note_stands_here_and_with_the_member(role, sale, signed_in):
    client, url = signed_in(role), deed(sale.order, "note")
    before = Note.objects.count()
    client.post(url, {"text": "rang, wants it blue"})
    assert Note.objects.count() - before == (role in NOTERS)
    if role in NOTERS:
        note = Note.objects.latest("pk")
        assert (note.member_id, note.about) == (
            sale.order.member_id,
            sale.order.public_id,
        )
        assert "rang, wants it blue" in client.get(sale.url).content.decode()
        assert client.post(url, {"text": "  "}).status_code == 200
        assert Note.objects.count() == before + 1


def test_a_ticket_is_opened_linked_and_on_the_record(sale, signed_in):
    client, url = signed_in("support"), deed(sale.order, "ticket")
    said = {"kind": "complaint", "subject": "box crushed", "text": "It came crushed."}
    assert client.post(url, {**said, "kind": "nonsense"}).status_code == 200
    assert not Ticket.objects.filter(order=sale.order).exists()
    answer = client.post(url, said)
    ticket = Ticket.objects.get(order=sale.order)
    assert answer.url == reverse("admin:care_ticket_change", args=[ticket.pk])
    assert ticket.member_id == sale.order.member_id
    assert ticket.due_at > now() - timedelta(minutes=1)
    entry = AuditEntry.objects.get(action="care.open")
    assert (entry.actor, entry.object_id) == ("support", ticket.public_id)
    assert "crushed" not in json.dumps(entry.detail or {})
    assert "box crushed" in client.get(sale.url).content.decode()
    for role in ("finance", "analyst", "nobody"):
        assert signed_in(role).get(url).status_code == 403


def test_a_deed_that_is_none(sale, signed_in):
    assert signed_in("owner").get(deed(sale.order, "burn")).status_code == 404
    gone = reverse("admin:order_deed", args=[10**9, "note"])
    assert signed_in("owner").get(gone).status_code == 404
