"""Uses and money of promotions, by the order (S21, C22)."""

import pytest
from django.db import IntegrityError, connection, transaction

from campaigns.models import Budget, Promotion, PromotionUse
from campaigns.services.budgeting import BudgetExhausted
from campaigns.services.holding import release_order, return_order, settle_order
from campaigns.services.promoting import PromotionUsedUp
from orders.models import Order
from orders.services.quoting import quote_cart
from tests.campaigns.recipes import ladder, of_kind, use
from tests.cast import NOON, make_variant
from tests.faults.callers import at_once, tally
from tests.orders.shop import fill_cart, place


@pytest.fixture
def budget(promotion):
    """Return a budget of 120.00 that pays for the promotion."""
    made = Budget.objects.create(name="Spring", amount_minor=12_000)
    Promotion.objects.update(budget=made, limit_total=None)
    return made


def money(budget) -> tuple[int, int]:
    budget.refresh_from_db()
    return budget.reserved_minor, budget.spent_minor


def states() -> list[str]:
    return list(PromotionUse.objects.order_by("pk").values_list("state", flat=True))


def test_s21_promotions_are_counted_within_their_limit(promotion):
    for number in range(3):
        use(promotion, f"SO{number}")
    with pytest.raises(PromotionUsedUp), transaction.atomic():
        use(promotion, "SO3")
    promotion.refresh_from_db()
    assert (promotion.used, PromotionUse.objects.count()) == (3, 3)


def test_an_order_takes_one_use_however_often_it_asks(promotion):
    order = use(promotion, "SO1")
    with pytest.raises(IntegrityError), transaction.atomic():
        PromotionUse.objects.create(
            promotion=promotion, order=order, amount_minor=1, taken_at=NOON
        )


def test_a_cancelled_order_gives_its_promotion_use_back_once(promotion):
    order = use(promotion, "SO1")
    release_order(order_id=order.pk)
    release_order(order_id=order.pk)
    promotion.refresh_from_db()
    assert (promotion.used, states()) == (0, ["freed"])


def test_a_paid_order_keeps_its_use_whatever_news_come_late(promotion):
    order = use(promotion, "SO1")
    settle_order(order_id=order.pk, now=NOON)
    release_order(order_id=order.pk)
    promotion.refresh_from_db()
    assert (promotion.used, states()) == (1, ["spent"])


def test_c22_a_budget_is_reserved_with_the_order_and_spent_with_its_payment(
    promotion, budget
):
    paid, dropped = use(promotion, "SO1"), use(promotion, "SO2")
    assert money(budget) == (10_000, 0)
    settle_order(order_id=paid.pk, now=NOON)
    settle_order(order_id=paid.pk, now=NOON)
    assert money(budget) == (5_000, 5_000)
    release_order(order_id=dropped.pk)
    assert money(budget) == (0, 5_000)


def test_c22_the_budget_that_paid_gets_its_money_back_not_todays(promotion, budget):
    order = use(promotion, "SO1")
    other = Budget.objects.create(name="Other", amount_minor=1)
    Promotion.objects.update(budget=other)
    settle_order(order_id=order.pk, now=NOON)
    assert money(budget) == (0, 5_000)
    return_order(order_id=order.pk, now=NOON)
    assert money(budget) == (0, 5_000), "only a refund in full gives back"
    Order.objects.filter(pk=order.pk).update(state=Order.State.REFUNDED)
    return_order(order_id=order.pk, now=NOON)
    return_order(order_id=order.pk, now=NOON)
    assert (money(budget), money(other)) == ((0, 0), (0, 0))


def test_s21_a_budget_that_is_too_small_refuses_and_writes_nothing(promotion, budget):
    Budget.objects.update(amount_minor=4_999)
    with pytest.raises(BudgetExhausted), transaction.atomic():
        use(promotion, "SO1")
    promotion.refresh_from_db()
    assert (promotion.used, money(budget), states()) == (0, (0, 0), [])


def test_s21_a_quote_offers_what_is_left_of_a_budget(promotion, budget):
    make_variant("COAT", 40_000, on_hand=9)
    cart = fill_cart({"COAT": 1})
    assert quote_cart(cart=cart, now=NOON).discount_minor == 5_000
    Budget.objects.update(amount_minor=3_000)
    assert quote_cart(cart=cart, now=NOON).discount_minor == 3_000
    order = place(cart)
    assert money(budget) == (3_000, 0)
    after = quote_cart(cart=fill_cart({"COAT": 1}), now=NOON)
    assert after.discount_minor == 0
    assert [each.why.code for each in after.refused] == ["budget_exceeded"]
    again = quote_cart(cart=cart, now=NOON, order_id=order.pk)
    assert again.discount_minor == 3_000, "an order has its own reservation"


def test_s21_c22_two_promotions_share_what_is_left_and_the_order_can_be_placed(
    promotion, budget
):
    Promotion.objects.create(
        name="another",
        exclusive_group="another",
        state=Promotion.State.LIVE,
        budget=budget,
        starts_at=NOON,
        **ladder((20_000, 4_000)),
    )
    Budget.objects.update(amount_minor=8_000)
    make_variant("COAT", 40_000, on_hand=9)
    cart = fill_cart({"COAT": 1})
    assert quote_cart(cart=cart, now=NOON).discount_minor == 8_000
    order = place(cart)
    assert money(budget) == (8_000, 0)
    again = quote_cart(cart=cart, now=NOON, order_id=order.pk)
    assert again.discount_minor == 8_000, "an order has its own reservations"


def test_what_lowers_freight_alone_counts_its_uses_too(promotion, settings):
    settings.FREIGHT_MINOR, settings.FREE_FREIGHT_FROM_MINOR = 800, None
    make_variant("COAT", 40_000, on_hand=9)
    Promotion.objects.update(**of_kind("free_freight", {}), limit_total=1)
    cart = fill_cart({"COAT": 1})
    order = place(cart)
    promotion.refresh_from_db()
    assert promotion.used == 1
    release_order(order_id=order.pk)
    promotion.refresh_from_db()
    assert promotion.used == 0


@pytest.mark.django_db(transaction=True)
def test_x5_twenty_orders_for_three_uses_take_exactly_three(promotion):
    answers = at_once([lambda n=n: use(promotion, f"SO{n}").state for n in range(20)])
    assert tally(answers) == {"pending": 3, "PromotionUsedUp": 17}
    promotion.refresh_from_db()
    assert promotion.used == PromotionUse.objects.count() == 3


@pytest.mark.django_db(transaction=True)
def test_x5_twenty_orders_never_exceed_a_budget(promotion, budget):
    def buy(number: int) -> str:
        with transaction.atomic():
            return use(promotion, f"SO{number}").state

    answers = at_once([lambda n=n: buy(n) for n in range(20)])
    assert tally(answers) == {"pending": 2, "BudgetExhausted": 18}
    assert money(budget) == (10_000, 0)
    promotion.refresh_from_db()
    assert promotion.used == PromotionUse.objects.count() == 2


@pytest.mark.django_db(transaction=True)
def test_x5_without_the_condition_the_limit_breaks(promotion):
    """The control: read, then write, goes past the limit or dies on the constraint."""

    def take_unguarded() -> str:
        seen = Promotion.objects.get(pk=promotion.pk)
        if seen.used >= seen.limit_total:
            return "refused"
        connection.cursor().execute("SELECT pg_sleep(0.05)")
        Promotion.objects.filter(pk=promotion.pk).update(used=seen.used + 1)
        return "taken"

    assert tally(at_once([take_unguarded] * 20))["taken"] > 3
