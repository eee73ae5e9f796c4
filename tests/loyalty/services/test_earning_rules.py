"""Rules on real orders: what counts as paid (P5), who and what they are about (P8)."""

from datetime import timedelta

import pytest

from loyalty.models import PointsEntry, Program
from loyalty.services.clawing import settle_refund
from loyalty.services.earning import earn_for_order
from loyalty.services.importing import book_import
from orders.models import Allocation, Brand, Category, Channel, OrderLine, Product
from tests.cast import NOON
from tests.loyalty.books import (
    account_of,
    assert_sound,
    ledger,
    paid_order,
    refund,
    rule,
)

DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def _sound_in_the_end(db):
    yield
    assert_sound()


def earn(order):
    return earn_for_order(order_id=order.pk, now=NOON)


def basket(member, **more):
    """Return the order of rule P5: goods 180.00 less 11.10 paid by points."""
    order = paid_order(
        member,
        16_890,
        discount_minor=1_110,
        freight_minor=800,
        extra=(("gift_card", 5_000),),
        **more,
    )
    Allocation.objects.create(
        line=order.lines.get(position=1),
        source_kind="points",
        source_id="points",
        source_name="Points",
        amount_minor=1_110,
        points=1_110,
    )
    return order


@pytest.mark.parametrize(
    ("flags", "points"),
    [
        ({}, 168),
        ({"earns_on_freight": True}, 176),
        ({"earns_on_gift_cards": True}, 218),
        ({"earns_on_points": True}, 180),
        (
            dict.fromkeys(
                ["earns_on_freight", "earns_on_gift_cards", "earns_on_points"], True
            ),
            238,
        ),
    ],
)
def test_p5_what_counts_as_paid_is_the_programs_choice(alice, flags, points):
    Program.objects.update(**flags)
    order = basket(alice)
    assert earn(order).points == points
    other = basket(alice, source="old", at=NOON - DAY)
    book_import(source="old", now=NOON)
    source = f"order:{other.public_id}"
    assert PointsEntry.objects.get(source=source, kind="earn").points == points


def test_p19_all_goods_back_take_what_freight_earned_too(alice):
    Program.objects.update(earns_on_freight=True)
    order = basket(alice)
    earn(order)
    back = refund(order, 16_890)
    settle_refund(refund_id=back.pk, now=NOON + DAY)
    assert ledger(alice) == [("earn", 176, 176), ("claw_back", -176, 0)]


def test_p6_the_split_of_lines_is_kept_and_adds_up(alice):
    order = paid_order(alice, 333, extra=(("goods", 333), ("goods", 334)))
    entry = earn(order)
    assert (entry.points, entry.trace["lines"]) == (10, {"1": 3, "2": 3, "3": 4})


def shelf(order, position, **fields):
    """Put what a line sells somewhere."""
    line = OrderLine.objects.select_related("variant").get(
        order=order, position=position
    )
    Product.objects.filter(pk=line.variant.product_id).update(**fields)


def test_p8_goods_of_a_branch_or_a_brand_earn_by_their_own_rule(alice):
    drinks = Category.objects.create(code="drinks", name="饮品")
    tea = Category.objects.create(code="tea", name="茶", parent=drinks)
    acme = Brand.objects.create(code="acme", name="Acme")
    rule(
        "drinks",
        points=3,
        condition={"field": "line.category", "is": "any_of", "value": ["drinks"]},
    )
    rule(
        "acme",
        award="per_unit",
        role="bonus",
        points=5,
        condition={"field": "line.brand", "is": "in", "value": ["acme"]},
    )
    order = paid_order(alice, 1_000, extra=(("goods", 500), ("goods", 100)))
    shelf(order, 1, category=tea)
    shelf(order, 2, brand=acme)
    entry = earn(order)
    assert entry.points == 30 + 5 + 5 + 1
    assert entry.trace["lines"] == {"1": 30, "2": 10, "3": 1}
    told = {each["code"]: each["points"] for each in entry.trace["rules"]}
    assert told == {"drinks": 30, "base": 6, "acme": 5}


def test_the_first_order_is_the_first_paid_one_however_late_the_news(alice):
    first = {"field": "order.first", "is": "yes"}
    rule("first", award="per_order", role="bonus", points=50, condition=first)
    one = paid_order(alice, 100, at=NOON - DAY)
    two = paid_order(alice, 100)
    assert earn(two).points == 1
    assert earn(one).points == 51


@pytest.mark.parametrize("is_late", [False, True])
def test_r19_an_order_given_back_whole_is_no_first_one(alice, is_late):
    first = {"field": "order.first", "is": "yes"}
    rule("first", award="per_order", role="bonus", points=50, condition=first)
    one = paid_order(alice, 100, at=NOON - 3 * DAY)
    assert earn(one).points == 51
    two = paid_order(alice, 100, at=NOON - 2 * DAY)
    if not is_late:
        assert earn(two).points == 1
    refund(one, 100, at=NOON - DAY, is_last=True)
    # The first was still there when the second was paid, whenever that is asked (X2).
    assert earn(two).points == 1
    refund(two, 100, at=NOON - DAY, is_last=True)
    assert earn(paid_order(alice, 100)).points == 51


@pytest.mark.parametrize(
    ("asked", "points"),
    [
        ({"field": "member.tier", "is": "in", "value": ["member"]}, 7),
        ({"field": "member.tier", "is": "in", "value": ["gold"]}, 0),
        ({"field": "time.weekday", "is": "in", "value": ["6"]}, 7),
        ({"field": "time.hour", "is": "eq", "value": 12}, 7),
        ({"field": "time.date", "is": "eq", "value": "2026-11-21"}, 7),
        ({"field": "order.channel", "is": "in", "value": ["web"]}, 7),
        ({"field": "order.amount", "is": "gte", "value": 100}, 7),
        ({"field": "order.amount", "is": "gt", "value": 100}, 0),
        ({"field": "order.units", "is": "gte", "value": 2}, 0),
        ({"field": "member.days", "is": "gte", "value": 1}, 0),
        ({"not": {"field": "member.birthday_month", "is": "yes"}}, 7),
    ],
)
def test_what_rules_may_ask_of_an_order(alice, asked, points):
    rule("bonus", award="per_order", role="bonus", points=7, condition=asked)
    order = paid_order(alice, 100)
    order.channel = Channel.objects.create(code="web", name="web")
    order.save()
    assert earn(order).points == points + 1


def test_imports_ask_nothing_for_each_order(alice, django_assert_max_num_queries):
    rule("bonus", points=2, member_cap=10_000)
    tea = {"field": "line.category", "is": "any_of", "value": ["tea"]}
    rule("tea", points=3, condition=tea)
    for _ in range(30):
        paid_order(alice, 100, source="old")
    with django_assert_max_num_queries(45):
        book_import(source="old", now=NOON)
    assert account_of(alice).balance == 60
