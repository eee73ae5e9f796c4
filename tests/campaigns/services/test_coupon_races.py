"""Many buyers at once: uses, a budget, one unique code (X5).

Each race stands beside a control without its guard, which goes wrong.
"""

import pytest
from django.db import connection, transaction
from django.db.models import F

from campaigns.models import (
    Budget,
    Coupon,
    CouponBatch,
    CouponCode,
    CouponTemplate,
    UseTally,
)
from campaigns.rules.coupons import check_character
from campaigns.services import holding, redeeming
from campaigns.services.holding import hold_coupon, release_order
from campaigns.services.issuing import issue_to_members
from campaigns.services.redeeming import claim_code, hold_code
from orders.models import Order
from orders.services.guessing import Guesser
from tests.cast import NOON, make_member, make_user
from tests.faults.callers import all_at_once, rendezvous, without

pytestmark = pytest.mark.django_db(transaction=True)
SLOW = pytest.mark.slow
CALLERS = [20, pytest.param(500, marks=SLOW)]


def buyers(template: CouponTemplate, count: int) -> list[tuple[str, int]]:
    """Return a coupon and an order of each of so many members."""
    CouponTemplate.objects.update(stock=None)
    members = [make_member(serial).pk for serial in range(1, count + 1)]
    issue_to_members(
        template_id=template.pk, member_ids=members, source="race", now=NOON
    )
    orders = Order.objects.bulk_create(
        Order(
            number=f"SO{member}",
            member_id=member,
            currency="CNY",
            goods_minor=30000,
            total_minor=30000,
            placed_at=NOON,
        )
        for member in members
    )
    coupons = dict(Coupon.objects.values_list("member_id", "public_id"))
    return [(coupons[order.member_id], order.pk) for order in orders]


def holding_of(pairs: list[tuple[str, int]]):
    def hold(number: int) -> str:
        coupon, order_id = pairs[number]
        with transaction.atomic():
            hold_coupon(coupon=coupon, order_id=order_id, discount_minor=2000, now=NOON)
        return "held"

    return hold


# --- The last uses ------------------------------------------------------------


@pytest.mark.parametrize("count", CALLERS)
def test_x5_c8_of_many_buyers_three_use_it(template, count):
    CouponTemplate.objects.update(limit_total=3)
    outcome = all_at_once(count, holding_of(buyers(template, count)))
    assert outcome == {"held": 3, "UseLimitReached": count - 3}
    held = Coupon.objects.filter(state="held")
    assert UseTally.objects.get().used == held.count() == 3


@pytest.mark.parametrize("count", CALLERS)
def test_x5_holds_and_releases_leave_what_the_rows_say(template, count):
    CouponTemplate.objects.update(limit_total=3)
    pairs = buyers(template, count)
    hold = holding_of(pairs)

    def hold_and_release(number: int) -> str:
        answer = hold(number)
        if number % 2:
            release_order(order_id=pairs[number][1])
        return answer

    outcome = all_at_once(count, hold_and_release)
    held = Coupon.objects.filter(state="held").count()
    assert UseTally.objects.get().used == held <= 3 <= outcome["held"]


@pytest.mark.parametrize("count", CALLERS)
def test_x5_c12_of_one_buyers_orders_one_is_the_first(template, count):
    """Each order with a coupon of another template: they are counted together."""
    CouponTemplate.objects.update(stock=None)
    templates = CouponTemplate.objects.bulk_create(
        CouponTemplate(
            code=f"t{number}",
            name="首单",
            state="live",
            kind="amount",
            amount_minor=2000,
            for_first_order=True,
            starts_at=NOON,
        )
        for number in range(count)
    )
    member = make_member(1)
    for each in templates:
        issue_to_members(
            template_id=each.pk, member_ids=[member.pk], source="race", now=NOON
        )
    coupons = Coupon.objects.order_by("pk").values_list("public_id", flat=True)
    orders = Order.objects.bulk_create(
        Order(
            number=f"SO{number}",
            member=member,
            currency="CNY",
            goods_minor=30000,
            total_minor=30000,
            placed_at=NOON,
        )
        for number in range(count)
    )
    pairs = list(zip(coupons, [order.pk for order in orders], strict=True))
    outcome = all_at_once(count, holding_of(pairs))
    assert outcome == {"held": 1, "UseLimitReached": count - 1}
    assert Coupon.objects.filter(state="held").count() == 1


def test_control_without_the_condition_it_is_used_too_often(template, monkeypatch):
    CouponTemplate.objects.update(limit_total=1)
    pairs = buyers(template, 4)
    without("campaigns_usetally", "use_tally_is_within_limit")
    tally = UseTally.objects.create(
        template=template, whose="", period="", used=0, most=1
    )
    meet = rendezvous(4)

    def read_then_write(*, template_id, slots):
        row = UseTally.objects.get(pk=tally.pk)
        meet()
        assert row.used < slots[0].most
        UseTally.objects.filter(pk=row.pk).update(used=F("used") + 1)
        return [row.pk]

    monkeypatch.setattr(holding, "take_uses", read_then_write)
    assert all_at_once(4, holding_of(pairs)) == {"held": 4}
    tally.refresh_from_db()
    assert tally.used == 4


# --- The last of a budget -----------------------------------------------------


@pytest.mark.parametrize("count", CALLERS)
def test_x5_c22_a_budget_for_three_pays_for_three(template, count):
    budget = Budget.objects.create(name="spring", amount_minor=7999)
    CouponTemplate.objects.update(budget=budget)
    outcome = all_at_once(count, holding_of(buyers(template, count)))
    assert outcome == {"held": 3, "BudgetExhausted": count - 3}
    budget.refresh_from_db()
    assert (budget.reserved_minor, budget.spent_minor) == (6000, 0)
    assert Coupon.objects.filter(discount_minor=2000, state="held").count() == 3


def test_control_without_the_condition_a_budget_is_overspent(template, monkeypatch):
    budget = Budget.objects.create(name="spring", amount_minor=2000)
    CouponTemplate.objects.update(budget=budget)
    pairs = buyers(template, 4)
    without("campaigns_budget", "budget_is_never_exceeded")
    meet = rendezvous(4)

    def read_then_write(*, budget_id, amount_minor):
        row = Budget.objects.get(pk=budget_id)
        meet()
        assert row.left_minor >= amount_minor
        Budget.objects.filter(pk=row.pk).update(
            reserved_minor=F("reserved_minor") + amount_minor
        )

    monkeypatch.setattr(holding, "reserve", read_then_write)
    assert all_at_once(4, holding_of(pairs)) == {"held": 4}
    budget.refresh_from_db()
    assert budget.reserved_minor == 8000 > budget.amount_minor


# --- One unique code ----------------------------------------------------------

RANDOM = "VP2222222222222"
UNIQUE = RANDOM + check_character(RANDOM)


def batch_of_one(template) -> CouponBatch:
    batch = CouponBatch.objects.create(
        template=template,
        prefix="VP",
        wanted=1,
        made=1,
        asked_by=make_user("dana2", is_staff=True),
        asked_at=NOON,
    )
    CouponCode.objects.create(code=UNIQUE, batch=batch)
    return batch


@pytest.mark.parametrize("count", CALLERS)
def test_x5_of_many_who_type_or_order_with_a_code_one_gets_it(template, count):
    batch_of_one(template)
    pairs = buyers(template, count)
    members = dict(Order.objects.values_list("pk", "member_id"))

    def take(number: int) -> str:
        order_id = pairs[number][1]
        if number % 2:
            claim_code(
                code=UNIQUE, member_id=members[order_id], guesser=Guesser(), now=NOON
            )
        else:
            with transaction.atomic():
                hold_code(code=UNIQUE, order_id=order_id, discount_minor=2000, now=NOON)
        return "taken"

    outcome = all_at_once(count, take)
    assert outcome.pop("taken") == 1
    assert set(outcome) <= {"CodeNotFound", "CouponGone"}
    assert Coupon.objects.filter(code=UNIQUE).count() == 1
    assert CouponCode.objects.get().state == "taken"


def test_control_without_the_condition_a_code_is_taken_twice(template, monkeypatch):
    batch_of_one(template)
    pairs = buyers(template, 4)
    # Each coupon would carry the code; the table's own guard is out of the way.
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT conname FROM pg_constraint "
            "WHERE conrelid = 'campaigns_coupon'::regclass AND contype = 'u' "
            "AND pg_get_constraintdef(oid) = 'UNIQUE (code)'"
        )
        names = [name for (name,) in cursor.fetchall()]
    without("campaigns_coupon", *names)
    meet = rendezvous(4)
    take = redeeming.coupon_of

    def meeting(template, **how):
        meet()
        return take(template, **how)

    monkeypatch.setattr(redeeming, "coupon_of", meeting)
    monkeypatch.setattr(
        redeeming,
        "_TAKE",
        """
        SELECT template_id, b.id FROM campaigns_couponcode c
          JOIN campaigns_couponbatch b ON b.id = c.batch_id
         WHERE c.code = %(code)s AND c.state = 'free'
        """,
    )

    def order(number: int) -> str:
        with transaction.atomic():
            hold_code(
                code=UNIQUE, order_id=pairs[number][1], discount_minor=2000, now=NOON
            )
        return "taken"

    assert all_at_once(4, order) == {"taken": 4}
    assert Coupon.objects.filter(code=UNIQUE).count() == 4
