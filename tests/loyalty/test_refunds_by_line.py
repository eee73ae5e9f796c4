"""A refund takes what its very lines earned, and the preview says so (P19)."""

from datetime import timedelta

import pytest

from loyalty.models import PointsEntry, Program
from loyalty.refund_effects import LoyaltyEffects
from loyalty.services.clawing import settle_refund
from loyalty.services.earning import earn_for_order
from loyalty.services.importing import book_import
from loyalty.services.revoking import revoke_entry
from orders.models import OrderLine
from orders.services.exchanging import Swap, exchange_units
from orders.services.refund_preview import quote_refund
from orders.services.refunding import refund_order
from tests.cast import NOON, make_variant
from tests.loyalty import books
from tests.loyalty.books import account_of, assert_sound, paid_order, rule

DAY = timedelta(days=1)


@pytest.fixture
def mixed(alice):
    """Two teas for 200.00 earn 200 points, a coat for 100.00 earns 500."""
    order = paid_order(alice, 20_000, quantity=2, extra=(("goods", 10_000),))
    coat = {"field": "line.sku", "is": "in", "value": [f"{order.number}-2"]}
    rule("coats", points=5, condition=coat)
    entry = earn_for_order(order_id=order.pk, now=NOON)
    assert entry.trace["lines"] == {"1": 200, "2": 500}
    return order


def said(effects) -> list[tuple]:
    """Return what goes, and how much of it; the tier has tests of its own."""
    return [
        (effect.code, effect.params) for effect in effects if "tier" not in effect.code
    ]


def refunded(order, items) -> list[tuple]:
    """Refund units; return what that did, which is what was said before."""
    quote = quote_refund(order_id=order.pk, items=items, now=NOON)
    made = refund_order(
        order_id=order.pk,
        items=items,
        reason="",
        actor="dana",
        request_key=f"{order.pk}:{sorted(items.items())}:{order.refunds.count()}",
        now=NOON + DAY,
    )
    settle_refund(refund_id=made.pk, now=NOON + DAY)
    done = said(LoyaltyEffects().booked(made.pk))
    assert done == said(quote.effects)
    return done


def taken_by(order, items) -> int:
    """Refund units; return the points that were taken."""
    taken = dict(refunded(order, items)).get("points_taken", {"points": 0})
    assert_sound()
    return taken["points"]


@pytest.mark.parametrize(
    ("items", "taken"),
    [
        ([{1: 1}, {1: 1}, {2: 1}], [100, 100, 500]),
        ([{2: 1}, {1: 2}], [500, 200]),
        ([{1: 1, 2: 1}, {1: 1}], [600, 100]),
    ],
)
def test_p19_each_line_gives_back_what_it_earned(alice, mixed, items, taken):
    assert [taken_by(mixed, some) for some in items] == taken
    assert account_of(alice).balance == 0


def test_p19_gift_cards_that_earned_give_it_back_as_was_said(alice):
    Program.objects.update(earns_on_gift_cards=True)
    order = paid_order(alice, 10_000, extra=(("gift_card", 5_000),))
    assert earn_for_order(order_id=order.pk, now=NOON).points == 150
    assert [taken_by(order, {2: 1}), taken_by(order, {1: 1})] == [50, 100]


def test_r14_what_replaces_a_unit_gives_back_what_that_unit_earned(alice, mixed):
    coat = mixed.lines.get(position=2)
    OrderLine.objects.filter(pk=coat.pk).update(list_price_minor=10_000)
    new = exchange_units(
        order_id=mixed.pk,
        swaps=[Swap(2, 1, make_variant("OTHERCOAT", 10_000).pk)],
        reason="",
        actor="dana",
        request_key="swap",
        now=NOON,
    )
    for made in mixed.refunds.all():
        settle_refund(refund_id=made.pk, now=NOON)
    assert account_of(alice).balance == 700, "R13"
    assert taken_by(new, {1: 1}) == 500
    assert taken_by(mixed, {1: 2}) == 200


def test_p19_an_entry_without_a_split_keeps_the_share(alice):
    """Past orders keep none where no rule looks at lines: 50.00 of 150.00."""
    old = paid_order(alice, 10_000, extra=(("goods", 5_000),), source="old")
    book_import(source="old", now=NOON)
    assert "lines" not in PointsEntry.objects.get().trace
    assert taken_by(old, {2: 1}) == 50
    assert "units" not in PointsEntry.objects.get(kind="claw_back").trace
    assert taken_by(old, {1: 1}) == 100


def test_p19_a_file_takes_back_what_lines_of_the_shop_earned(alice, mixed):
    row = books.refund(mixed, 10_000, position=2)
    type(row).objects.filter(pk=row.pk).update(source="file")
    book_import(source="file", now=NOON + DAY)
    entry = PointsEntry.objects.get(kind="claw_back")
    assert (entry.points, entry.trace["units"]) == (-500, {"2": 1})
    assert taken_by(mixed, {1: 1}) == 100


def test_p19_what_staff_revoked_no_refund_takes_again(alice, mixed, dana):
    entry = PointsEntry.objects.get(kind="earn")
    assert taken_by(mixed, {2: 1}) == 500
    revoke_entry(entry_id=entry.pk, reason="error", actor=dana, now=NOON + DAY)
    assert account_of(alice).balance == 0
    assert taken_by(mixed, {1: 2}) == 0
