"""Returns from the wish to the money: every move, nothing twice."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, transaction

from crm.shared.models import AuditEntry
from orders.models import Order, Refund, ReturnEvent, ReturnRequest
from orders.services.refund_preview import NothingToRefund, OrderNotRefundable
from orders.services.refunding import StaleRefundQuote, refund_order
from orders.services.return_requests import (
    ReasonNeeded,
    ReturnMoveRefused,
    ReturnTooLate,
    UnknownVariant,
    Wish,
    approve_return,
    cancel_return,
    receive_return,
    refuse_request,
    request_return,
    send_back,
)
from orders.services.returning import send_due_refunds
from orders.services.settling_exchanges import exchange_return
from orders.services.settling_returns import (
    Finding,
    inspect_return,
    quote_return,
    quote_wish,
    refund_return,
)
from tests.cast import NOON, make_variant
from tests.orders.shop import fill_cart, pay, place

DAY = timedelta(days=1)


@pytest.fixture
def delivered(alice, tea, cup, settings):
    """A tea and three cups, 8.00 freight, delivered at NOON."""
    settings.FREIGHT_MINOR, settings.RETURN_DAYS = 800, 7
    order = place(fill_cart({"TEA": 1, "CUP": 3}, member=alice))
    pay(order)
    Order.objects.filter(pk=order.pk).update(state="delivered", delivered_at=NOON)
    order.refresh_from_db()
    return order


def wish(items, kind="return", reason="changed_mind", **fields):
    return Wish(kind=kind, items=items, reason_code=reason, **fields)


def ask(order, items, *, now=NOON, **fields):
    return request_return(
        order_id=order.pk, wish=wish(items, **fields), actor="member", now=now
    )


def step(verb, request, **fields):
    return verb(return_id=request.pk, actor="dana", now=NOON, **fields)


def inspected(request, findings):
    """Walk a return up to its inspection."""
    step(approve_return, request)
    step(receive_return, request)
    return step(inspect_return, request, findings=findings)


def returning(order) -> list[int]:
    lines = order.lines.order_by("position")
    return list(lines.values_list("returning_quantity", flat=True))


def test_r16_the_whole_way_with_actor_and_note(delivered, tea):
    request = ask(delivered, {1: 1}, words="Too green.")
    step(approve_return, request, note="Please send it back.")
    step(send_back, request, carrier="SF", tracking_number="SF1")
    step(receive_return, request)
    tea.refresh_from_db()
    assert tea.on_hand == 4, "R15: nothing re-enters before somebody looked"
    step(inspect_return, request, findings={1: Finding(1, True, "as_new")})
    tea.refresh_from_db()
    assert tea.on_hand == 5
    refund = step(refund_return, request, reason="ok")
    request.refresh_from_db()
    assert (request.state, request.refund, request.closed_at) == (
        "refunded",
        refund,
        NOON,
    )
    assert (request.carrier, request.tracking_number) == ("SF", "SF1")
    assert (refund.amount_minor, refund.freight_minor) == (10_000, 0)
    assert list(
        request.events.order_by("id").values_list("to_state", "actor", "note")
    ) == [
        ("requested", "member", ""),
        ("approved", "dana", "Please send it back."),
        ("in_transit", "dana", ""),
        ("received", "dana", ""),
        ("inspected", "dana", ""),
        ("refunded", "dana", "ok"),
    ]
    assert returning(delivered) == [0, 0]
    assert delivered.lines.get(position=1).refunded_quantity == 1
    assert send_due_refunds(now=NOON) == 1


def test_words_are_sealed_and_in_no_audit(delivered):
    ask(delivered, {1: 1}, words="Call me at 13812345678")
    with connection.cursor() as cursor:
        cursor.execute("SELECT words FROM orders_returnrequest")
        assert b"138123" not in bytes(cursor.fetchone()[0])
    assert "138" not in str(list(AuditEntry.objects.values_list("detail", "reason")))


def test_only_what_was_accepted_is_refunded_and_the_rest_is_free_again(delivered):
    request = ask(delivered, {2: 3})
    inspected(request, {2: Finding(2, False, "opened")})
    refund = step(refund_return, request, reason="one was missing")
    assert refund.amount_minor == 6_666
    assert (returning(delivered), refund.lines.get().quantity) == ([0, 0], 2)
    again = ask(delivered, {2: 1})
    assert again.state == "requested"


def test_r5_the_shops_fault_brings_the_freight_back(delivered):
    request = ask(delivered, {2: 1}, kind="refund_only", reason="damaged")
    seen = quote_return(return_id=request.pk, now=NOON)
    assert (seen.freight_minor, seen.amount_minor) == (800, 4_133)
    step(approve_return, request)
    refund = step(refund_return, request, reason="sorry", expected_hash=seen.hash)
    assert (refund.amount_minor, refund.quote_hash) == (4_133, seen.hash)
    assert step(refund_return, request, reason="sorry").pk == refund.pk, "X1"
    assert Refund.objects.count() == 1


def test_a_stale_quote_of_a_return_leaves_everything_as_it_was(delivered):
    request = ask(delivered, {2: 1}, kind="refund_only")
    step(approve_return, request)
    with pytest.raises(StaleRefundQuote):
        step(refund_return, request, reason="ok", expected_hash="x" * 64)
    request.refresh_from_db()
    assert (request.state, returning(delivered)) == ("approved", [0, 1])


def test_units_asked_back_are_nobody_elses(delivered):
    ask(delivered, {2: 2})
    for items in ({2: 2}, {2: 0}, {9: 1}, {}):
        with pytest.raises(NothingToRefund):
            ask(delivered, items)
    with pytest.raises(NothingToRefund):
        refund_order(
            order_id=delivered.pk,
            items={2: 2},
            reason="",
            actor="dana",
            request_key="k",
            now=NOON,
        )
    assert ReturnRequest.objects.count() == 1
    assert returning(delivered) == [0, 2]


@pytest.mark.parametrize("verb", ["refuse", "cancel"])
def test_a_return_given_up_frees_its_units(delivered, verb):
    request = ask(delivered, {2: 3})
    if verb == "refuse":
        step(refuse_request, request, note="It was worn.")
    else:
        step(cancel_return, request)
        step(cancel_return, request)
    assert returning(delivered) == [0, 0]
    assert ask(delivered, {2: 3}).state == "requested"


def test_r16_a_refusal_needs_a_reason_the_member_sees(delivered):
    request = ask(delivered, {2: 3})
    for note in ("", "  no  "[:3]):
        with pytest.raises(ReasonNeeded):
            step(refuse_request, request, note=note)
    request.refresh_from_db()
    assert request.state == "requested"


def test_r16_moves_out_of_order_are_refused(delivered):
    request = ask(delivered, {2: 1})
    for verb, fields in (
        (receive_return, {}),
        (inspect_return, {"findings": {2: Finding(1, True, "")}}),
        (refund_return, {"reason": "now"}),
        (exchange_return, {"reason": "now"}),
        (send_back, {"carrier": "SF", "tracking_number": "1"}),
    ):
        with pytest.raises(ReturnMoveRefused):
            step(verb, request, **fields)
    step(approve_return, request)
    with pytest.raises(ReturnMoveRefused):
        step(refund_return, request, reason="not seen yet")
    assert not Refund.objects.exists()
    assert returning(delivered) == [0, 1]


@pytest.mark.parametrize("findings", [{}, {1: 1}, {2: 4}, {2: -1}])
def test_an_inspection_finds_what_was_asked_back(delivered, findings, cup):
    request = ask(delivered, {2: 3})
    step(approve_return, request)
    step(receive_return, request)
    wrong = {at: Finding(units, True, "as_new") for at, units in findings.items()}
    with pytest.raises(NothingToRefund):
        step(inspect_return, request, findings=wrong)
    request.refresh_from_db()
    assert request.state == "received"


def test_r17_the_last_second_and_the_first_after_it(delivered):
    # NOON is noon of the 21st in Shanghai: seven days on, the 28th counts whole.
    end = NOON + 7 * DAY + timedelta(hours=12)
    assert ask(delivered, {2: 1}, now=end - timedelta(seconds=1))
    with pytest.raises(ReturnTooLate):
        ask(delivered, {2: 1}, now=end)
    with pytest.raises(ReturnTooLate):
        quote_wish(order_id=delivered.pk, wish=wish({2: 1}), now=end)


def test_r17_what_is_on_its_way_cannot_be_out_of_time(delivered):
    Order.objects.filter(pk=delivered.pk).update(state="shipped", delivered_at=None)
    assert ask(delivered, {2: 1}, now=NOON + 400 * DAY)


def test_an_unpaid_order_has_nothing_to_return(alice, tea):
    order = place(fill_cart({"TEA": 1}, member=alice))
    with pytest.raises(OrderNotRefundable):
        ask(order, {1: 1})


def test_p1_the_history_is_append_only(delivered):
    ask(delivered, {2: 1})
    with pytest.raises(IntegrityError), transaction.atomic():
        ReturnEvent.objects.update(note="changed")


def test_the_database_refuses_units_promised_twice(delivered):
    ask(delivered, {2: 3})
    with pytest.raises(IntegrityError), transaction.atomic():
        delivered.lines.filter(position=2).update(refunded_quantity=1)


# --- Exchanges ----------------------------------------------------------------


@pytest.fixture
def green(db):
    """Another tea at the same price, of which there are two."""
    return make_variant("GREEN", 10_000, on_hand=2)


def stock(variant):
    variant.refresh_from_db()
    return variant.on_hand, variant.reserved


def test_r15_an_exchange_reserves_on_approval_and_ships_after_inspection(
    delivered, tea, green
):
    request = ask(delivered, {1: 1}, kind="exchange", wanted={1: "GREEN"})
    assert stock(green) == (2, 0)
    step(approve_return, request)
    assert stock(green) == (2, 1)
    step(receive_return, request)
    step(inspect_return, request, findings={1: Finding(1, True, "as_new")})
    new = step(exchange_return, request, reason="here you are")
    assert (stock(green), stock(tea)) == ((1, 0), (5, 0))
    request.refresh_from_db()
    assert (request.state, request.refund.kind) == ("exchanged", "exchange")
    assert (new.exchange_of, new.state, new.total_minor) == (delivered, "paid", 10_000)
    assert step(exchange_return, request, reason="again").pk == new.pk
    assert Order.objects.count() == 2
    assert returning(delivered) == [0, 0]


@pytest.mark.parametrize("verb", ["cancel", "refuse", "money"])
def test_an_exchange_given_up_frees_what_was_put_aside(delivered, green, verb):
    request = ask(delivered, {1: 1}, kind="exchange", wanted={1: "GREEN"})
    if verb == "cancel":
        step(approve_return, request)
        step(cancel_return, request)
    else:
        inspected(request, {1: Finding(1, False, "as_new")})
        if verb == "refuse":
            step(refuse_request, request, note="It was worn.")
        else:
            step(refund_return, request, reason="money instead")
    assert stock(green) == (2, 0)


def test_units_that_were_not_accepted_are_not_replaced(delivered, cup):
    make_variant("MUG", 3_333, on_hand=9)
    request = ask(delivered, {2: 3}, kind="exchange", wanted={2: "MUG"})
    inspected(request, {2: Finding(2, False, "opened")})
    new = step(exchange_return, request, reason="two of three")
    assert list(new.lines.values_list("sku", "quantity")) == [("MUG", 2)]
    mug = new.lines.get().variant
    assert stock(mug) == (7, 0)


@pytest.mark.parametrize("wanted", [None, {}, {1: "NOSUCH"}, {2: "GREEN"}])
def test_an_exchange_names_what_is_wanted_instead(delivered, green, wanted):
    with pytest.raises(UnknownVariant):
        ask(delivered, {1: 1}, kind="exchange", wanted=wanted)
    assert not ReturnRequest.objects.exists()
