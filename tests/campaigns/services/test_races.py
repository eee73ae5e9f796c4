"""The last coupon, one coupon in many carts, the last use of a promotion.

Each race stands beside a control without its guard, which goes wrong.
"""

import pytest
from django.db.models import F

from campaigns import offers
from campaigns.models import Budget, Coupon, CouponTemplate, Promotion, PromotionUse
from campaigns.services import choosing, issuing, promoting
from campaigns.services.issuing import CouponsAllGone, claim_coupon, issue_coupon
from campaigns.services.promoting import PromotionUsedUp
from crm.shared.models import Fact
from orders.models import Allocation, Cart, Order
from orders.services.checkout import place_order
from orders.services.quoting import quote_cart
from tests.cast import NOON, make_member, make_variant
from tests.faults.callers import all_at_once, rendezvous, without
from tests.orders.shop import fill_cart

pytestmark = pytest.mark.django_db(transaction=True)
SLOW = pytest.mark.slow
CALLERS = [20, pytest.param(500, marks=SLOW)]


# --- The last coupon of a template --------------------------------------------


def claimants(template: CouponTemplate, count: int):
    """Return what makes caller after caller claim, each another member."""
    members = [make_member(serial).pk for serial in range(1, count + 1)]

    def claim(number: int) -> str:
        claim_coupon(template=template.public_id, member_id=members[number], now=NOON)
        return "claimed"

    return claim


@pytest.mark.parametrize("count", CALLERS)
def test_c2_of_many_claimants_of_two_coupons_two_get_one(template, count):
    outcome = all_at_once(count, claimants(template, count))
    assert outcome == {"claimed": 2, CouponsAllGone.__name__: count - 2}
    template.refresh_from_db()
    assert template.issued == Coupon.objects.count() == 2
    assert Fact.objects.filter(name="campaigns.CouponIssued").count() == 2


def test_control_without_the_condition_too_many_are_given_out(template, monkeypatch):
    without("campaigns_coupontemplate", "coupon_template_issued_is_within_stock")
    claim = claimants(template, 4)
    meet = rendezvous(4)

    def read_then_write(*, template_id, member_id, source, now):
        row = CouponTemplate.objects.get(pk=template_id)
        meet()
        if row.issued >= row.stock:
            raise CouponsAllGone
        CouponTemplate.objects.filter(pk=row.pk).update(issued=F("issued") + 1)
        Coupon.objects.create(
            template=row,
            member_id=member_id,
            issued_to_id=member_id,
            code=f"CODE{member_id}",
            terms={},
            source=source,
            issued_at=now,
            expires_at=now,
        )

    monkeypatch.setattr(issuing, "issue_coupon", read_then_write)
    assert all_at_once(4, claim)["claimed"] > 2
    assert Coupon.objects.count() > 2


@pytest.mark.parametrize("count", CALLERS)
def test_c2_one_member_claims_many_times_at_once_and_gets_one(template, alice, count):
    def claim(_number: int) -> str:
        claim_coupon(template=template.public_id, member_id=alice.pk, now=NOON)
        return "claimed"

    assert all_at_once(count, claim) == {
        "claimed": 1,
        "CouponAlreadyClaimed": count - 1,
    }
    template.refresh_from_db()
    assert template.issued == Coupon.objects.count() == 1


# --- One coupon in many carts -------------------------------------------------


def carts_with_one_coupon(template: CouponTemplate, member, count: int) -> list[Cart]:
    make_variant("TEA", 20_000, on_hand=1000)
    coupon = issue_coupon(
        template_id=template.pk, member_id=member.pk, source="test", now=NOON
    )
    carts = [fill_cart({"TEA": 1}, member=member) for _number in range(count)]
    Cart.objects.update(coupon_codes=[coupon.code])
    return carts


def buy_with(carts: list[Cart]):
    def buy(number: int) -> str:
        place_order(cart_id=carts[number].pk, expected_total_minor=18_000, now=NOON)
        return "placed"

    return buy


@pytest.mark.parametrize("count", CALLERS)
def test_c6_one_coupon_in_many_carts_lowers_one_order(template, alice, count):
    carts = carts_with_one_coupon(template, alice, count)
    outcome = all_at_once(count, buy_with(carts))
    # Too late for the price, or too late for the coupon: refused either way.
    assert outcome.pop("placed") == 1
    assert set(outcome) <= {"CouponGone", "CartTotalChanged"}
    order = Order.objects.get()
    coupon = Coupon.objects.get()
    assert (coupon.state, coupon.order_id) == ("held", order.pk)
    assert Allocation.objects.get().amount_minor == 2000


def test_control_without_the_hold_a_coupon_lowers_several_orders(
    template, alice, monkeypatch
):
    carts = carts_with_one_coupon(template, alice, 4)
    meet = rendezvous(4)

    def read_then_write(*, coupon, order_id, discount_minor, now):
        row = Coupon.objects.get(public_id=coupon)
        meet()
        assert row.state == Coupon.State.AVAILABLE
        Coupon.objects.filter(pk=row.pk).update(state="held", order_id=order_id)

    monkeypatch.setattr(offers, "hold_coupon", read_then_write)
    # The member's row, which checkout locks, would keep the four apart.
    for cart in carts:
        Cart.objects.filter(pk=cart.pk).update(member_id=None)
    read = choosing.version_and_coupons
    monkeypatch.setattr(
        choosing,
        "version_and_coupons",
        lambda **asked: read(**asked | {"member_id": alice.pk}),
    )
    assert all_at_once(4, buy_with(carts))["placed"] > 1


# --- The last use of a promotion ----------------------------------------------


def carts_over_the_threshold(count: int) -> list[tuple[int, str]]:
    """Return carts of strangers with the quote that each was shown."""
    make_variant("COAT", 40_000, on_hand=1000)
    carts = [fill_cart({"COAT": 1}, member=None) for _number in range(count)]
    return [(cart.pk, quote_cart(cart=cart, now=NOON).hash) for cart in carts]


def buy_at(carts: list[tuple[int, str]]):
    def buy(number: int) -> str:
        cart_id, seen = carts[number]
        place_order(cart_id=cart_id, quote_hash=seen, now=NOON)
        return "placed"

    return buy


@pytest.mark.parametrize("count", CALLERS)
def test_s21_three_uses_of_a_promotion_are_three_orders(promotion, count):
    outcome = all_at_once(count, buy_at(carts_over_the_threshold(count)))
    assert outcome.pop("placed") == 3
    assert set(outcome) <= {PromotionUsedUp.__name__, "CartTotalChanged"}
    promotion.refresh_from_db()
    assert promotion.used == Order.objects.count() == Allocation.objects.count() == 3


def test_control_without_the_condition_a_promotion_is_used_too_often(
    promotion, monkeypatch
):
    without("campaigns_promotion", "promotion_used_is_within_limit")
    Promotion.objects.update(limit_total=1)
    carts = carts_over_the_threshold(4)
    meet = rendezvous(4)

    def read_then_write(*, promotion, **_order):
        row = Promotion.objects.get(public_id=promotion)
        meet()
        assert row.used < row.limit_total
        Promotion.objects.filter(pk=row.pk).update(used=F("used") + 1)

    monkeypatch.setattr(offers, "take_promotion_use", read_then_write)
    assert all_at_once(4, buy_at(carts))["placed"] == 4
    promotion.refresh_from_db()
    assert promotion.used == 4


# --- The last of a budget of a promotion ---------------------------------------


def with_budget(promotion: Promotion, amount_minor: int) -> Budget:
    """Return a budget that pays for a promotion without a limit of uses."""
    budget = Budget.objects.create(name="spring", amount_minor=amount_minor)
    Promotion.objects.filter(pk=promotion.pk).update(budget=budget, limit_total=None)
    return budget


@pytest.mark.parametrize("count", CALLERS)
def test_s21_c22_a_budget_for_three_orders_pays_for_three(promotion, count):
    budget = with_budget(promotion, 17_000)
    outcome = all_at_once(count, buy_at(carts_over_the_threshold(count)))
    assert outcome.pop("placed") == 3
    assert set(outcome) <= {"BudgetExhausted", "CartTotalChanged"}
    budget.refresh_from_db()
    promotion.refresh_from_db()
    assert (budget.reserved_minor, budget.spent_minor) == (15_000, 0)
    assert promotion.used == PromotionUse.objects.count() == Order.objects.count() == 3


def test_control_without_the_condition_a_promotion_overspends(promotion, monkeypatch):
    without("campaigns_budget", "budget_is_never_exceeded")
    budget = with_budget(promotion, 5_000)
    carts = carts_over_the_threshold(4)
    # The row of the promotion, which counts a use, would keep the four apart.
    monkeypatch.setattr(promoting, "_TAKE", _TAKE_WITHOUT_A_COUNT)
    meet = rendezvous(4)

    def read_then_write(*, budget_id, amount_minor):
        row = Budget.objects.get(pk=budget_id)
        meet()
        assert row.left_minor >= amount_minor
        Budget.objects.filter(pk=row.pk).update(
            reserved_minor=F("reserved_minor") + amount_minor
        )

    monkeypatch.setattr(promoting, "reserve", read_then_write)
    assert all_at_once(4, buy_at(carts))["placed"] == 4
    budget.refresh_from_db()
    assert budget.reserved_minor == 20_000 > budget.amount_minor


_TAKE_WITHOUT_A_COUNT = """
INSERT INTO campaigns_promotionuse (
    promotion_id, order_id, state, amount_minor, budget_id, taken_at)
SELECT id, %(order)s, 'held', %(amount)s, budget_id, %(now)s
  FROM campaigns_promotion WHERE public_id = %(promotion)s
RETURNING budget_id, false
"""
