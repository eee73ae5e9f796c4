"""What a refund does to points, currencies and tier: what was said is what happens."""

from datetime import timedelta

import pytest
from django.utils.translation import override

from loyalty.models import Currency, PointsEntry, Program, QualifyingEntry
from loyalty.refund_effects import LoyaltyEffects
from loyalty.services.adjusting import deduct_points, grant_points
from loyalty.services.clawing import settle_refund
from loyalty.services.earning import earn_for_order
from loyalty.services.holding import hold_points
from orders.models import Order, OrderLine, Payment, Refund
from orders.reasons import effect_text
from orders.rules.refund_effects import Shortfall
from orders.services.exchanging import Swap, exchange_units
from orders.services.refund_preview import RefundPolicy, quote_refund
from orders.services.refunding import refund_order
from orders.services.returning import send_due_refunds
from orders.services.settling_exchanges import complete_exchange
from tests.cast import NOON, make_variant
from tests.loyalty.books import account_of, assert_sound, ledger, paid_order, rule
from tests.orders.shop import pay

DAY = timedelta(days=1)


def spend(member, points, *, source="gift", at=NOON):
    deduct_points(
        member_id=member.pk,
        points=points,
        reason="gift",
        actor="dana",
        source=source,
        now=at,
    )


def effects(order, units=1, **policy) -> dict[str, dict]:
    quote = quote_refund(
        order_id=order.pk, items={1: units}, policy=RefundPolicy(**policy), now=NOON
    )
    return {effect.code: effect.params for effect in quote.effects}


def refund(order, units=1, key="k1", now=NOON + DAY, **policy) -> Refund:
    made = refund_order(
        order_id=order.pk,
        items={1: units},
        reason="",
        actor="dana",
        request_key=key,
        policy=RefundPolicy(**policy),
        now=now,
    )
    settle_refund(refund_id=made.pk, now=now)
    return made


def booked(made) -> dict[str, dict]:
    return {effect.code: effect.params for effect in LoyaltyEffects().booked(made.pk)}


def without_tier(said: dict) -> dict:
    return {code: params for code, params in said.items() if "tier" not in code}


def of_points(said: dict) -> dict:
    return {code: params for code, params in said.items() if "points" in code}


@pytest.mark.parametrize(
    ("_case", "spent", "claw_back", "shortfall", "said"),
    [
        ("all there", 0, "debt", "program", {"points_taken": 100}),
        ("some there", 340, "debt", "program", {"points_taken": 60, "points_owed": 40}),
        (
            "waived",
            340,
            "to_zero",
            "program",
            {"points_taken": 60, "points_waived": 40},
        ),
        ("by staff", 340, "debt", "waive", {"points_taken": 60, "points_waived": 40}),
        ("nothing there", 400, "debt", "program", {"points_owed": 100}),
    ],
)
def test_p16_what_was_said_is_what_happens(
    alice, bought, _case, spent, claw_back, shortfall, said
):
    Program.objects.update(claw_back=claw_back)
    if spent:
        spend(alice, spent)
    before = ledger(alice)
    policy = {"shortfall": Shortfall(shortfall)}
    told = without_tier(effects(bought, **policy))
    points = {code: params["points"] for code, params in of_points(told).items()}
    assert points == said
    assert told["value_taken"]["value_minor"] == 10_000
    assert ledger(alice) == before, "a preview writes nothing"
    assert booked(refund(bought, **policy)) == told
    assert_sound()


def test_p16_missing_points_are_deducted_at_their_value(alice, bought):
    spend(alice, 340)
    quote = quote_refund(
        order_id=bought.pk,
        items={1: 1},
        policy=RefundPolicy(shortfall=Shortfall.DEDUCT),
        now=NOON,
    )
    # 60 of 100 points are there; 40 cost 0.40 at 1.00 for 100 points.
    assert (quote.amount_minor, quote.deducted_minor, quote.points_deducted) == (
        9_960,
        40,
        40,
    )
    made = refund(bought, shortfall=Shortfall.DEDUCT)
    assert (made.amount_minor, made.points_deducted) == (9_960, 40)
    entry = PointsEntry.objects.get(kind="claw_back")
    assert (entry.points, entry.trace["due"], entry.trace["deducted"]) == (-60, 60, 40)
    assert account_of(alice).debt == 0
    assert_sound()


def test_p17_what_the_refund_cannot_carry_goes_as_the_program_says(alice, bought):
    """Points worth more than the refund: a part is deducted, the rest is debt."""
    Program.objects.update(redeem_minor_per_100=100_000)
    spend(alice, 400)
    told = without_tier(effects(bought, shortfall=Shortfall.DEDUCT))
    assert of_points(told) == {
        "points_deducted": {"points": 10, "worth_minor": 10_000},
        "points_owed": {"points": 90},
    }
    made = refund(bought, shortfall=Shortfall.DEDUCT)
    # 100 points at 10.00 are 1,000.00; the refund has 100.00 for 10 of them.
    assert (made.amount_minor, made.points_deducted) == (0, 10)
    assert account_of(alice).debt == 90
    assert_sound()


def test_p20_points_spent_on_the_order_come_back(alice):
    grant_points(
        member_id=alice.pk,
        points=200,
        reason="gift",
        actor="dana",
        source="gift:1",
        now=NOON - DAY,
    )
    order = paid_order(alice, 10_000, discount_minor=200, points_spent=200)
    line = order.lines.get()
    line.allocations.create(
        source_kind="points", source_id="points", source_name="P", amount_minor=200,
        points=200,
    )  # fmt: skip
    source = f"order:{order.public_id}"
    hold_points(member_id=alice.pk, points=200, source=source, now=NOON - DAY)
    earn_for_order(order_id=order.pk, now=NOON)
    told = without_tier(effects(order))
    assert of_points(told) == {
        "points_back": {"points": 200},
        "points_taken": {"points": 100},
    }
    assert booked(refund(order)) == told
    assert_sound()


def test_t9_the_tier_that_would_fall_is_named_and_falls(alice, make_ladder_fall):
    order, low, high = make_ladder_fall
    said = effects(order, units=4)
    assert said["tier_falls"] == {"from": high.label, "to": low.label}
    refund(order, units=4)
    assert account_of(alice).tier == low


@pytest.fixture
def make_ladder_fall(alice):
    """Return an order that alone carries its member to the highest tier."""
    order = paid_order(alice, 10_000_000, quantity=4)
    earn_for_order(order_id=order.pk, now=NOON)
    high = account_of(alice).tier
    low = type(high).objects.order_by("threshold_minor").first()
    assert high != low
    return order, low, high


def test_an_order_whose_points_are_not_booked_says_so(alice, bought):
    fresh = paid_order(alice, 10_000)
    assert list(effects(fresh)) == ["points_later"]


def test_p19_currencies_that_go_are_named_as_long_as_members_see_them(alice):
    Currency.objects.create(code="stars", name="星星", name_en="Stars")
    rule("stars", currency_id="stars", award="per_unit", points=3)
    order = paid_order(alice, 40_000, quantity=4)
    earn_for_order(order_id=order.pk, now=NOON)
    with override("en"):
        quote = quote_refund(order_id=order.pk, items={1: 1}, now=NOON)
        words = [effect_text(effect, "CNY") for effect in quote.effects]
        told = without_tier(effects(order))
    assert "Stars: 3 taken back." in words
    assert "Qualifying value: ¥100.00 taken back." in words
    Currency.objects.filter(code="stars").update(is_active=False)
    assert "currency_taken" not in effects(order)
    Currency.objects.filter(code="stars").update(is_active=True)
    made = refund(order)
    with override("en"):
        assert booked(made) == told


# --- When, and how often (R10, R11, R19) -----------------------------------------


def test_r10_points_are_taken_when_the_money_went_not_when_it_was_asked(alice, bought):
    Payment.objects.create(
        order=bought,
        provider="test",
        provider_ref="t",
        amount_minor=40_000,
        state="captured",
        created_at=NOON,
        captured_at=NOON,
    )
    made = refund(bought)
    assert (made.state, account_of(alice).balance) == ("requested", 400)
    assert settle_refund(refund_id=made.pk, now=NOON + DAY) is None
    send_due_refunds(now=NOON + DAY)
    settle_refund(refund_id=made.pk, now=NOON + DAY)
    assert account_of(alice).balance == 300


def test_r11_one_event_lowers_points_value_and_tier_each_once(alice, bought):
    made = refund(bought)
    for _again in range(3):
        settle_refund(refund_id=made.pk, now=NOON + 2 * DAY)
    assert account_of(alice).balance == 300
    values = QualifyingEntry.objects.order_by("id").values_list(
        "value_minor", flat=True
    )
    assert list(values) == [40_000, -10_000]
    assert account_of(alice).member.value.net_minor == 30_000


def test_r19_a_fully_refunded_order_is_no_purchase(alice, bought):
    refund(bought, units=4)
    value = account_of(alice).member.value
    assert (value.orders, value.net_minor, value.first_order_at) == (0, 0, None)


# --- Exchanges (R13) ----------------------------------------------------------


def swap(order, key="x1") -> Order:
    line = order.lines.get(position=1)
    other = make_variant(f"NEW{order.pk}", line.unit_price_minor)
    OrderLine.objects.filter(pk=line.pk).update(list_price_minor=line.unit_price_minor)
    return exchange_units(
        order_id=order.pk,
        swaps=[Swap(1, 1, other.pk)],
        reason="",
        actor="dana",
        request_key=key,
        now=NOON + DAY,
    )


def settle_all():
    for pk in Refund.objects.order_by("id").values_list("pk", flat=True):
        settle_refund(refund_id=pk, now=NOON + DAY)


def test_r13_no_points_move_with_an_exchange(alice, bought):
    before = account_of(alice)
    new = swap(bought)
    assert earn_for_order(order_id=new.pk, now=NOON + DAY) is None
    settle_all()
    after = account_of(alice)
    assert (after.balance, after.lifetime_earned, after.debt) == (
        before.balance,
        before.lifetime_earned,
        0,
    )
    assert PointsEntry.objects.exclude(points=0).count() == 1
    values = QualifyingEntry.objects.order_by("id").values_list(
        "value_minor", flat=True
    )
    assert list(values) == [40_000, 0]
    assert after.member.value.orders == 1, "an exchange is no second purchase"
    assert after.member.value.net_minor == 40_000
    assert_sound()


def test_r14_a_replaced_unit_takes_back_what_the_first_order_earned(alice, bought):
    new = swap(bought)
    settle_all()
    told = without_tier(effects(new))
    assert of_points(told) == {"points_taken": {"points": 100}}
    made = refund(new, key="k2")
    assert booked(made) == told
    refund(bought, units=3, key="k3")
    settle_all()
    assert account_of(alice).balance == 0
    assert sum(entry.points for entry in PointsEntry.objects.all()) == 0
    assert sum(QualifyingEntry.objects.values_list("value_minor", flat=True)) == 0
    assert_sound()


# --- Uneven exchanges (R14) -----------------------------------------------------


def swap_for(order, price_minor: int) -> Order:
    """Exchange a unit of 100.00 for one of another price, and pay what it is more."""
    other = make_variant(f"OTHER{price_minor}", price_minor)
    new = exchange_units(
        order_id=order.pk,
        swaps=[Swap(1, 1, other.pk)],
        reason="",
        actor="dana",
        request_key="uneven",
        now=NOON + DAY,
    )
    if new.state == "pending":
        pay(new, now=NOON + DAY)
        complete_exchange(order_id=new.pk, now=NOON + DAY)
    return Order.objects.get(pk=new.pk)


def value_of(member) -> tuple[int, int, object]:
    member.value.refresh_from_db()
    value = member.value
    return value.orders, value.net_minor, value.last_order_at


def test_r14_dearer_goods_earn_on_the_difference_alone(alice, bought):
    new = swap_for(bought, 11_000)
    assert (new.state, new.exchange_of) == ("paid", bought)
    assert earn_for_order(order_id=new.pk, now=NOON + DAY).points == 10
    settle_all()
    assert account_of(alice).balance == 410
    assert value_of(alice) == (1, 41_000, bought.placed_at), "no order of a later day"
    told = without_tier(effects(new))
    assert of_points(told) == {"points_taken": {"points": 110}}
    made = refund(new, key="k2")
    send_due_refunds(now=NOON + 2 * DAY)
    settle_all()
    assert booked(made) == told
    assert account_of(alice).balance == 300
    refund(bought, units=3, key="k3")
    settle_all()
    assert account_of(alice).balance == 0
    assert sum(QualifyingEntry.objects.values_list("value_minor", flat=True)) == 0
    assert_sound()


def test_r14_cheaper_goods_take_back_what_the_difference_earned(alice, bought):
    new = swap_for(bought, 7_000)
    settle_all()
    assert earn_for_order(order_id=new.pk, now=NOON + DAY) is None
    assert account_of(alice).balance == 370
    assert value_of(alice) == (1, 37_000, bought.placed_at)
    refund(new, key="k2")
    refund(bought, units=3, key="k3")
    settle_all()
    assert account_of(alice).balance == 0
    assert_sound()


def test_r13_an_exchange_of_an_exchange_is_one_order(alice, bought):
    swap(swap(bought), key="x2")
    settle_all()
    assert value_of(alice) == (1, 40_000, bought.placed_at)
