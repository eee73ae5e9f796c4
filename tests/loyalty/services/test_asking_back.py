"""Points of units that are asked back wait until the return is over (R10)."""

import random
from collections import Counter
from datetime import timedelta

import pytest
from django.db.models import Sum
from django.urls import reverse
from rest_framework.test import APIClient

from crm.shared.models import Fact
from crm.shared.outbox import drain
from loyalty.models import PointsEntry, PointsLot, Program
from loyalty.queries.books import breakdown
from loyalty.queries.points import Activating, available_points, points_summary
from loyalty.queries.program import purse
from loyalty.services.activating import date_lots, pay_debts
from loyalty.services.asking_back import hold_asked_back
from loyalty.services.clawing import settle_refund
from loyalty.services.earning import earn_for_order
from loyalty.services.expiring import expire_lots
from loyalty.services.holding import hold_points
from loyalty.services.importing import book_import
from loyalty.services.posting import NotEnoughPoints
from loyalty.services.redeeming import redeem_points
from members.services.merging import merge_members
from members.services.unmerging import undo_merge
from orders.models import Order, OrderLine, Refund
from orders.queries.returns import return_deadline
from orders.services.cancelling import cancel_order
from orders.services.refunding import refund_order
from orders.services.return_requests import (
    Wish,
    approve_return,
    cancel_return,
    receive_return,
    refuse_request,
    request_return,
)
from orders.services.settling_exchanges import exchange_return
from orders.services.settling_returns import Finding, inspect_return, refund_return
from tests.cast import NOON, make_variant
from tests.loyalty.books import (
    account_of,
    assert_sound,
    lots,
    paid_order,
    refund,
    rule,
)
from tests.staff import client_in_role

DAY = timedelta(days=1)
#: Delivered on day 0; the window ends, and points are active, on day 14.
ASKED, OVER, LATE = NOON + 13 * DAY, NOON + 15 * DAY, NOON + 20 * DAY


@pytest.fixture(autouse=True)
def _sound_in_the_end(db, settings):
    settings.RETURN_DAYS = 14
    Program.objects.update(activation="after_returns")
    yield
    assert_sound()


def delivered(member, net_minor=40_000, *, quantity=4, **more):
    """Four units that earned 100 points each, delivered at noon of day 0."""
    order = paid_order(member, net_minor, quantity=quantity, **more)
    earn_for_order(order_id=order.pk, now=NOON)
    Order.objects.filter(pk=order.pk).update(state="delivered", delivered_at=NOON)
    date_lots(order_id=order.pk, now=NOON)
    order.refresh_from_db()
    return order


def ask(order, items, *, at=ASKED, told=True, **fields):
    fields = {"kind": "return", "reason_code": "changed_mind"} | fields
    request = request_return(
        order_id=order.pk, wish=Wish(items=items, **fields), actor="member", now=at
    )
    if told:
        drain(now=at)
    return request


def inspected(request, accepted=None, *, at=LATE):
    step = {"return_id": request.pk, "actor": "dana", "now": at}
    approve_return(**step)
    receive_return(**step)
    units = {
        line.order_line.position: line.quantity
        for line in request.lines.select_related("order_line")
    }
    findings = {
        position: Finding(quantity, restock=False, condition="as_new")
        for position, quantity in (units | (accepted or {})).items()
    }
    inspect_return(**step, findings=findings)
    return step


def refunded(request, accepted=None, *, at=LATE):
    refund_return(**inspected(request, accepted, at=at), reason="")
    drain(now=at)


def seen(member, at):
    """Return what can be spent, and what is pending; whoever is asked says the same."""
    summary = points_summary(member.pk, at)
    account = account_of(member)
    parts = breakdown(account, at=at)
    assert (parts.available, parts.pending) == (summary.available, summary.pending)
    assert purse(member_id=member.pk, at=at).available == summary.available
    counted = type(account).objects.annotate(spendable=available_points(at))
    assert counted.get(pk=account.pk).spendable == summary.available
    return summary.available, summary.pending


# --- Waiting, and going on ------------------------------------------------------------


def test_r10_points_of_units_asked_back_do_not_become_active(alice):
    order = delivered(alice)
    ask(order, {1: 1})
    assert seen(alice, ASKED) == (0, 400)
    assert seen(alice, OVER) == (300, 100), "the others are active in time"
    spend = {"member_id": alice.pk, "source": "test:1", "now": OVER}
    with pytest.raises(NotEnoughPoints):
        redeem_points(**spend, points=301)
    with pytest.raises(NotEnoughPoints):
        hold_points(**spend, points=301)
    redeem_points(**spend, points=300)
    assert lots(alice) == [(400, 100)]


def test_r10_also_in_the_last_hours_in_which_a_return_may_be_asked_for(alice):
    order = delivered(alice)
    at = return_deadline(NOON) - timedelta(minutes=1)
    assert seen(alice, at) == (0, 400), "none is active while goods may come back (R17)"
    ask(order, {1: 1}, at=at)
    assert seen(alice, OVER) == (300, 100)


@pytest.mark.parametrize("how", ["refused", "cancelled", "refused after inspection"])
def test_r10_a_return_that_comes_to_nothing_lets_its_points_go(alice, how):
    request = ask(delivered(alice), {1: 3})
    step = {"return_id": request.pk, "actor": "dana", "now": LATE}
    if how == "cancelled":
        cancel_return(**step)
    else:
        if how == "refused after inspection":
            inspected(request)
        refuse_request(**step, note="Worn.")
    assert seen(alice, LATE) == (100, 300), "not told yet"
    drain(now=LATE)
    assert seen(alice, LATE) == (400, 0)
    lot = PointsLot.objects.get()
    assert lot.active_at == return_deadline(NOON), "the term goes on as it was (P9)"


def test_r10_a_completed_refund_takes_exactly_what_waited(alice):
    request = ask(delivered(alice, 9_700, quantity=3, discount_minor=200), {1: 2})
    assert seen(alice, OVER) == (97 - 64, 64)
    redeem_points(member_id=alice.pk, points=33, source="test:1", now=OVER)
    refunded(request)
    entry = PointsEntry.objects.get(kind="claw_back")
    assert (entry.points, entry.trace["due"]) == (-64, 64)
    assert seen(alice, LATE) == (0, 0)
    assert account_of(alice).debt == 0


def test_r10_what_was_not_accepted_goes_on(alice):
    request = ask(delivered(alice), {1: 3})
    refunded(request, {1: 1})
    assert seen(alice, LATE) == (300, 0)
    assert PointsEntry.objects.get(kind="claw_back").points == -100


def test_r10_points_wait_until_the_money_is_back(alice):
    """The return is closed, and its refund is still with the provider (R18)."""
    request = ask(delivered(alice), {1: 2})
    back = refund_return(**inspected(request), reason="")
    unpaid(back)
    drain(now=LATE)
    assert seen(alice, LATE) == (200, 200)
    Refund.objects.filter(pk=back.pk).update(state="completed", completed_at=LATE)
    hold_asked_back(order_id=back.order_id, now=LATE)
    assert seen(alice, LATE) == (200, 200), "not taken back yet"
    settle_refund(refund_id=back.pk, now=LATE)
    assert seen(alice, LATE) == (200, 0)


def unpaid(back):
    """Make a refund that was completed at once one that is not, and untold."""
    Refund.objects.filter(pk=back.pk).update(state="requested", completed_at=None)
    Fact.objects.filter(name="orders.RefundCompleted").delete()


# --- How many -------------------------------------------------------------------------


def test_r10_several_lines_wait_for_what_they_earned(alice):
    order = paid_order(alice, 20_000, quantity=2, extra=(("goods", 10_000),))
    coat = {"field": "line.sku", "is": "in", "value": [f"{order.number}-2"]}
    rule("coats", points=5, condition=coat)
    earn_for_order(order_id=order.pk, now=NOON)
    Order.objects.filter(pk=order.pk).update(state="delivered", delivered_at=NOON)
    date_lots(order_id=order.pk, now=NOON)
    ask(order, {2: 1})
    assert seen(alice, OVER) == (200, 500)
    ask(order, {1: 1})
    assert seen(alice, OVER) == (100, 600)


@pytest.mark.parametrize("first", [0, 1])
def test_r10_several_returns_of_one_order_are_counted_together(alice, first):
    """99 points on units of 33.00 and 33.01: no point is lost in between."""
    order = delivered(alice, 9_901, quantity=3, discount_minor=299)
    requests = [ask(order, {1: 1}), ask(order, {1: 1}, at=ASKED + timedelta(hours=1))]
    waiting = 99 * 2 // 3
    assert seen(alice, OVER) == (99 - waiting, waiting)
    refunded(requests.pop(first))
    left = waiting - taken(alice)
    assert seen(alice, LATE) == (99 - waiting, left)
    refunded(requests.pop(), at=LATE + DAY)
    assert seen(alice, LATE + DAY) == (99 - waiting, 0)
    assert taken(alice) == waiting


def taken(member):
    entries = PointsEntry.objects.filter(account_id=member.pk, kind="claw_back")
    return -sum(entries.values_list("points", flat=True))


def test_r10_under_a_cap_only_what_was_earned_waits(alice):
    rule("capped", points=1, per_minor=100, priority=1, member_cap=50)
    order = delivered(alice)
    assert lots(alice) == [(50, 50)]
    ask(order, {1: 2})
    assert seen(alice, OVER) == (25, 25)


def test_r8_points_of_what_is_deducted_for_a_kept_gift_do_not_wait(alice):
    """9.00 less goes back, so that 9 points fewer are taken."""
    order = delivered(alice, extra=(("goods", 0),))
    offer = order.offers.create(
        stage=3,
        source_kind="promotion",
        source_id="prm_gift",
        source_name="Gift",
        amount_minor=0,
        trigger_positions=[1],
    )
    OrderLine.objects.filter(order=order, position=2).update(
        gift_of=offer, list_price_minor=900, shipped_quantity=1
    )
    request = ask(order, {1: 4})
    assert seen(alice, OVER) == (9, 391)
    refunded(request)
    assert taken(alice) == 391


def test_p19_an_order_without_a_split_waits_by_its_share(alice):
    """Past orders keep none where no rule looks at lines; here they are pending yet."""
    order = paid_order(alice, 9_999, quantity=3, source="old")
    book_import(source="old", now=NOON)
    PointsLot.objects.update(active_at=NOON + 14 * DAY)
    request = ask(order, {1: 2})
    waiting = 99 * 6_666 // 9_999
    assert seen(alice, OVER) == (99 - waiting, waiting)
    refunded(request)
    assert taken(alice) == waiting


def test_r10_points_of_an_import_are_there_already(alice):
    order = paid_order(alice, 10_000, source="old")
    book_import(source="old", now=NOON)
    ask(order, {1: 1})
    assert seen(alice, ASKED) == (100, 0)


@pytest.mark.parametrize("seed", range(8))
def test_r10_what_waits_is_what_is_taken_to_the_point(alice, seed):
    """Any lines, points and returns, settled in any order: nothing is left or lacking.

    A unit may be refunded without a return in between; its points never wait.
    """
    draw = random.Random(seed)
    units = [draw.randint(1, 5) for _line in range(3)]
    order = priced_oddly(alice, units, draw)
    earned = account_of(alice).balance
    ids = [at for at, count in enumerate(units, start=1) for _unit in range(count)]
    draw.shuffle(ids)
    direct, asked = ids[0], ids[1:]
    parts = [Counter(asked[start::3]) for start in range(3) if asked[start::3]]
    requests = [
        ask(order, part, at=ASKED + timedelta(hours=hour))
        for hour, part in enumerate(parts)
    ]
    waiting = seen(alice, OVER)[1]
    back = refund_order(
        order_id=order.pk,
        items={direct: 1},
        reason="",
        actor="dana",
        request_key="direct",
        now=OVER,
    )
    settle_refund(refund_id=back.pk, now=OVER)
    alone = taken(alice)
    assert waiting <= earned - alone
    draw.shuffle(requests)
    for request in requests:
        there, waits = seen(alice, LATE)
        assert (there, waits) == (0, earned - taken(alice)), "all is asked back"
        refunded(request)
    assert (seen(alice, LATE), taken(alice)) == ((0, 0), earned)


def priced_oddly(member, units, draw):
    """Write a delivered order whose lines have other units, prices and points."""
    order = paid_order(member, 1_000, extra=(("goods", 1), ("goods", 1)))
    for line, count in zip(order.lines.order_by("position"), units, strict=True):
        price, off = draw.randint(101, 3_333), draw.randint(0, 100)
        OrderLine.objects.filter(pk=line.pk).update(
            quantity=count,
            unit_price_minor=price,
            gross_minor=price * count,
            discount_minor=off,
            net_minor=price * count - off,
        )
    sums = order.lines.aggregate(gross=Sum("gross_minor"), off=Sum("discount_minor"))
    paid = sums["gross"] - sums["off"]
    Order.objects.filter(pk=order.pk).update(
        goods_minor=sums["gross"],
        discount_minor=sums["off"],
        total_minor=paid,
        paid_minor=paid,
        state="delivered",
        delivered_at=NOON,
    )
    sku = f"{order.number}-{draw.randint(1, 3)}"
    asks = {"field": "line.sku", "is": "in", "value": [sku]}
    rule("odd", points=draw.randint(1, 9), condition=asks)
    earn_for_order(order_id=order.pk, now=NOON)
    order.refresh_from_db()
    return order


# --- In any order, and twice (X2) -----------------------------------------------------


def test_x2_a_return_told_after_activation_keeps_what_is_left(alice):
    order = delivered(alice)
    ask(order, {1: 3}, told=False)
    redeem_points(member_id=alice.pk, points=150, source="test:1", now=OVER)
    hold_points(member_id=alice.pk, points=20, source="test:2", now=OVER)
    drain(now=LATE)
    assert seen(alice, LATE) == (0, 230)


def test_x2_a_return_asked_for_after_activation_keeps_nothing(alice, settings):
    order = delivered(alice)
    settings.RETURN_DAYS = 30
    ask(order, {1: 3}, at=OVER)
    assert seen(alice, OVER) == (400, 0)


def test_x2_told_twice_or_after_its_end_it_changes_nothing(alice):
    order = delivered(alice)
    request = ask(order, {1: 1}, told=False)
    for _time in range(2):
        hold_asked_back(order_id=order.pk, now=ASKED)
        assert seen(alice, OVER) == (300, 100)
    cancel_return(return_id=request.pk, actor="member", now=ASKED)
    drain(now=LATE)
    assert seen(alice, LATE) == (400, 0), "asked for and withdrawn, told at once"


def test_x2_told_after_the_refund_it_takes_nothing_twice(alice):
    request = ask(delivered(alice), {1: 1}, told=False)
    back = refund_return(**inspected(request), reason="")
    settle_refund(refund_id=back.pk, now=LATE)
    assert seen(alice, LATE) == (300, 0)
    drain(now=LATE)
    assert seen(alice, LATE) == (300, 0)


def test_x2_told_before_its_payment_it_books_that_first(alice):
    order = paid_order(alice, 40_000, quantity=4)
    ask(order, {1: 1})
    assert seen(alice, ASKED) == (0, 400)
    Order.objects.filter(pk=order.pk).update(state="delivered", delivered_at=NOON)
    date_lots(order_id=order.pk, now=LATE)
    assert seen(alice, LATE) == (300, 100)


def test_p19_a_refund_of_other_units_takes_their_points(alice):
    """One unit is asked back; two others are refunded without a return."""
    order = delivered(alice)
    ask(order, {1: 1})
    back = refund_order(
        order_id=order.pk,
        items={1: 2},
        reason="",
        actor="dana",
        request_key="two",
        now=OVER,
    )
    settle_refund(refund_id=back.pk, now=OVER)
    assert seen(alice, OVER) == (100, 100)


# --- Debt, ends, freezes, merges ------------------------------------------------------


def test_p18_what_waits_pays_no_debt_before_it_goes_on(alice):
    before = paid_order(alice, 5_000)
    earn_for_order(order_id=before.pk, now=NOON)
    PointsLot.objects.update(active_at=NOON)
    redeem_points(member_id=alice.pk, points=50, source="test:1", now=NOON)
    request = ask(delivered(alice), {1: 4})
    settle_refund(refund_id=refund(before, 5_000, is_last=True).pk, now=ASKED)
    assert account_of(alice).debt == 50
    assert pay_debts(now=OVER) == 0
    cancel_return(return_id=request.pk, actor="member", now=OVER)
    drain(now=OVER)
    assert pay_debts(now=OVER) == 1
    assert seen(alice, OVER) == (350, 0)


def test_p10_what_waits_ends_with_its_lot(alice):
    request = ask(delivered(alice), {1: 1})
    PointsLot.objects.update(expires_at=OVER)
    assert expire_lots(now=OVER) == 1
    assert seen(alice, OVER) == (0, 0)
    cancel_return(return_id=request.pk, actor="member", now=LATE)
    drain(now=LATE)
    assert seen(alice, LATE) == (0, 0)


def test_p16_a_program_that_takes_only_pending_points_takes_what_waits(alice):
    Program.objects.update(claw_back="pending")
    request = ask(delivered(alice), {1: 1})
    refunded(request)
    assert seen(alice, LATE) == (300, 0)
    assert PointsEntry.objects.get(kind="claw_back").points == -100


def test_p28_a_return_goes_on_with_who_stays(alice, bob, dana):
    request = ask(delivered(alice), {1: 1})
    told = {"reason": "same", "actor": dana, "now": ASKED}
    merge = merge_members(winner_id=bob.pk, loser_id=alice.pk, **told)
    assert seen(bob, OVER) == (300, 100)
    hold_asked_back(order_id=request.order_id, now=OVER)
    assert seen(bob, OVER) == (300, 100)
    undo_merge(merge_id=merge.pk, reason="no", actor=dana, now=OVER)
    assert seen(alice, OVER) == (300, 100)
    refunded(request)
    assert (seen(alice, LATE), taken(alice)) == ((300, 0), 100)


# --- Exchanges (R13, R14) -------------------------------------------------------------


@pytest.fixture
def swapped(alice):
    """One unit of 100.00 is asked to become another article; see ``price``."""

    def ask_for(price_minor):
        order = delivered(alice)
        order.lines.update(list_price_minor=10_000)
        other = make_variant("OTHER", price_minor)
        return ask(order, {1: 1}, kind="exchange", wanted={1: other.sku})

    return ask_for


def test_r13_points_wait_until_other_goods_are_there(alice, swapped):
    request = swapped(10_000)
    assert seen(alice, OVER) == (300, 100), "it may still end as a return"
    exchange_return(**inspected(request), reason="")
    drain(now=LATE)
    assert seen(alice, LATE) == (400, 0)
    assert taken(alice) == 0


def test_r14_a_cheaper_article_takes_the_points_of_the_difference(alice, swapped):
    request = swapped(6_000)
    exchange_return(**inspected(request), reason="")
    drain(now=LATE)
    assert seen(alice, LATE) == (360, 0)
    assert taken(alice) == 40


def test_r14_a_dearer_article_waits_for_the_difference(alice, swapped):
    request = swapped(15_000)
    order = exchange_return(**inspected(request), reason="")
    drain(now=LATE)
    assert seen(alice, LATE) == (300, 100), "not paid: it may be money yet"
    cancel_order(order_id=order.pk, actor="dana", reason="late", now=LATE)
    drain(now=LATE)
    assert seen(alice, LATE) == (300, 100), "a return again"
    refunded_inspected(request)
    assert (seen(alice, LATE), taken(alice)) == ((300, 0), 100)


def refunded_inspected(request):
    refund_return(return_id=request.pk, reason="", actor="dana", now=LATE)
    drain(now=LATE)


def test_r14_what_replaced_a_unit_is_asked_back_in_its_turn(alice, swapped):
    request = swapped(10_000)
    new = exchange_return(**inspected(request, at=ASKED), reason="")
    Order.objects.filter(pk=new.pk).update(state="delivered", delivered_at=ASKED)
    again = ask(new, {1: 1})
    assert seen(alice, OVER) == (300, 100)
    refunded(again)
    assert (seen(alice, LATE), taken(alice)) == ((300, 0), 100)


# --- In words -------------------------------------------------------------------------


def test_r10_the_summary_says_what_waits_for_a_return(alice):
    ask(delivered(alice), {1: 1})
    day = (NOON + 15 * DAY).date()
    waits = Activating(100, None, asked_back=True)
    assert points_summary(alice.pk, ASKED).activating == (Activating(300, day), waits)
    assert points_summary(alice.pk, OVER).activating == (waits,)
    assert breakdown(account_of(alice), at=OVER).asked_back == 100


def test_r10_the_api_and_the_console_say_it_in_words(alice):
    ask(delivered(alice), {1: 1})
    client = APIClient()
    client.force_authenticate(alice.user)
    told = client.get("/api/storefront/v1/me/points").json()
    assert told["pending"] == 400
    (waits,) = (part for part in told["activating"] if part["asked_back"])
    assert waits == {"points": 100, "on": None, "asked_back": True}
    (entry,) = client.get("/api/storefront/v1/me/points/entries").json()["data"]
    assert entry["asked_back"] == 100
    boss = client_in_role("loyalty manager")
    account = reverse("admin:loyalty_pointsaccount_change", args=[alice.pk])
    assert "of them waiting for a return" in boss.get(account).content.decode()
    entry_page = reverse(
        "admin:loyalty_pointsentry_change", args=[PointsEntry.objects.get().pk]
    )
    words = "100 of them wait for a return: their goods are asked back."
    assert words in boss.get(entry_page).content.decode()
