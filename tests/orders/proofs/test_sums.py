"""Every sum adds up to the unit: price to lines, order to payments, refunds to both.

Pure rules with many examples (X7, X8, S9, S10, R2, R4), then the services on the real
database with fewer (S11, S12, P19, P20).
"""

import pytest
from django.db import transaction
from django.db.models import Sum
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from campaigns.models import Coupon, CouponTemplate, Promotion
from campaigns.rules.coupons import CouponOffer, Terms
from campaigns.rules.promotions import SpendAndSave
from campaigns.services.issuing import issue_coupon
from crm import wiring
from crm.shared.outbox import drain
from loyalty.models import PointsAccount, PointsEntry
from loyalty.offers import PointsOffer
from loyalty.services.verification import verify_ledger
from orders.models import AppliedOffer, Cart, Order, Payment, Refund, Wallet
from orders.providers.test import TestProvider
from orders.rules.freight import FreightRule
from orders.rules.offers import PriceRequest, Stage
from orders.rules.pricing import price_cart
from orders.rules.refunds import PaidLine, Tender, refund_quote, tender_shares
from orders.services.carts import set_points
from orders.services.mending import withdraw_refund
from orders.services.payment import start_payment
from orders.services.refunding import refund_order
from orders.services.returning import send_due_refunds
from orders.services.shipping import ship, units_to_ship
from orders.services.wallet_verification import verify_wallets
from orders.services.wallets import top_up_wallet
from tests.cast import NOON, make_variant
from tests.orders.gifts import GiftOffers, gift_from
from tests.orders.proofs.counter import OPENING, begun_payment, open_shop, order_of
from tests.orders.shop import Off, fill_cart, line, notify

# --- Pure rules ---------------------------------------------------------------

drawn_lines = st.lists(
    st.tuples(
        st.integers(0, 50_000),
        st.integers(1, 7),
        st.sampled_from(["goods", "goods", "goods", "gift_card", "fee"]),
    ),
    min_size=1,
    max_size=8,
)
rungs = st.lists(
    st.tuples(st.integers(1, 60_000), st.integers(1, 60_000)), min_size=1, max_size=3
).map(lambda steps: tuple(sorted(steps)))
promotions = st.builds(
    SpendAndSave,
    source_id=st.sampled_from(["prm_a", "prm_b", "prm_c"]),
    name=st.just("promotion"),
    rungs=rungs,
    priority=st.integers(0, 2),
    exclusive_group=st.sampled_from(["", "order"]),
)
coupons = st.builds(
    CouponOffer,
    source_id=st.sampled_from(["cpn_a", "cpn_b"]),
    name=st.just("coupon"),
    promise=st.one_of(
        st.builds(
            Terms,
            kind=st.just("amount"),
            amount_minor=st.integers(1, 30_000),
            min_spend_minor=st.integers(0, 30_000),
        ),
        st.builds(
            Terms,
            kind=st.just("percent"),
            percent_bp=st.integers(1, 10_000),
            cap_minor=st.none() | st.integers(1, 9_999),
        ),
    ),
    exclusive_group=st.sampled_from(["", "coupon"]),
)
points = st.builds(
    PointsOffer,
    requested=st.integers(1, 20_000),
    available=st.integers(0, 20_000),
    share_bp=st.integers(0, 10_000),
    step=st.integers(1, 500),
    minor_per_100=st.integers(1, 700),
    name=st.just("points"),
)
items = st.builds(
    Off,
    source_id=st.sampled_from(["itm_a", "itm_b"]),
    amount_minor=st.integers(0, 20_000),
    percent_bp=st.integers(0, 10_000),
    stage=st.just(Stage.ITEM),
    positions=st.sets(st.integers(1, 8)).map(lambda s: tuple(sorted(s))),
)
drawn_offers = st.lists(
    st.one_of(promotions, coupons, points, items),
    max_size=6,
    unique_by=lambda offer: offer.source_id,
)


def priced(drawn, offers):
    lines = tuple(
        line(at, price, quantity, kind=kind)
        for at, (price, quantity, kind) in enumerate(drawn, start=1)
    )
    request = PriceRequest(lines=lines, currency="CNY", now=NOON)
    return price_cart(request, offers, freight=FreightRule(800, 30_000))


@settings(max_examples=300, deadline=None)
@given(drawn_lines, drawn_offers)
def test_x7_x8_what_offers_take_is_what_lines_lose(drawn, offers):
    quote = priced(drawn, offers)
    taken = dict.fromkeys(range(1, len(drawn) + 1), 0)
    for applied in quote.applied:
        assert sum(amount for _at, amount in applied.shares) == applied.amount_minor > 0
        assert sum(part for _at, part in applied.point_shares) == applied.points
        for at, amount in applied.shares:
            assert amount > 0
            taken[at] += amount
    for each in quote.lines:
        assert each.discount_minor == taken[each.line.position]
        assert 0 <= each.net_minor == each.line.gross_minor - each.discount_minor
        if each.line.kind != "goods":
            assert each.net_minor == each.line.gross_minor
    nets = sum(each.net_minor for each in quote.lines)
    assert quote.goods_minor - quote.discount_minor == nets
    assert quote.total_minor == nets + quote.freight_minor


@settings(max_examples=300, deadline=None)
@given(
    drawn_lines,
    drawn_offers,
    st.lists(st.tuples(st.integers(0, 9), st.integers(1, 7), st.integers(0, 9))),
)
def test_r2_any_portions_in_any_order_give_back_the_price(drawn, offers, portions):
    """Some refunds fail on the way; the others are what they would have been."""
    quote = priced(drawn, offers)
    spent = {
        each.line.position: sum(p for _a, _m, p in quote.shares_of(each.line.position))
        for each in quote.lines
    }
    back = {each.line.position: [0, 0, 0] for each in quote.lines}

    def paid() -> list[PaidLine]:
        return [
            PaidLine(
                each.line.position,
                each.line.quantity,
                each.net_minor,
                *back[each.line.position][:2],
                points=spent[each.line.position],
                points_returned=back[each.line.position][2],
            )
            for each in quote.lines
        ]

    def count(refund, sign: int) -> None:
        for part in refund.lines:
            numbers = (part.quantity, part.amount_minor, part.points)
            for index, number in enumerate(numbers):
                back[part.position][index] += sign * number

    given_back = []

    def give(position: int, units: int) -> None:
        given_back.append(refund_quote(paid(), {position: units}))
        count(given_back[-1], 1)
        for each in paid():
            assert 0 <= each.refunded_minor <= each.net_minor
            assert 0 <= each.points_returned <= each.points

    def left() -> list[PaidLine]:
        return [each for each in paid() if each.refunded_quantity < each.quantity]

    for which, units, fate in portions:
        if left():
            chosen = left()[which % len(left())]
            most = chosen.quantity - chosen.refunded_quantity
            give(chosen.position, min(units, most))
        if fate < 2 and given_back:
            count(given_back.pop(which % len(given_back)), -1)
    for each in left():
        give(each.position, each.quantity - each.refunded_quantity)
    assert back == {
        each.line.position: [
            each.line.quantity,
            each.net_minor,
            spent[each.line.position],
        ]
        for each in quote.lines
    }
    money = sum(refund.amount_minor for refund in given_back)
    assert money + quote.freight_minor == quote.total_minor


@settings(max_examples=400, deadline=None)
@given(
    st.lists(st.integers(0, 10**7), min_size=1, max_size=5),
    st.lists(st.tuples(st.integers(0, 10**7), st.integers(0, 5)), max_size=12),
)
def test_r4_any_refunds_give_each_payment_what_it_paid(amounts, refunds):
    back = dict.fromkeys(range(len(amounts)), 0)

    def give(amount: int) -> list:
        tenders = [
            Tender(pk, "test", paid, back[pk]) for pk, paid in enumerate(amounts)
        ]
        parts = tender_shares(amount, tenders)
        for part in parts:
            assert part.amount_minor > 0
            back[part.payment_id] += part.amount_minor
            assert back[part.payment_id] <= amounts[part.payment_id]
        return parts

    made = []
    for wanted, fate in refunds:
        left = sum(amounts) - sum(back.values())
        amount = wanted % (left + 1)
        parts = give(amount)
        assert sum(part.amount_minor for part in parts) == amount
        made.append(parts)
        if fate == 0:
            for part in made.pop():
                back[part.payment_id] -= part.amount_minor
    give(sum(amounts) - sum(back.values()))
    assert list(back.values()) == amounts


# --- The services on the database -----------------------------------------------


@pytest.fixture
def freight(settings, monkeypatch):
    beside = "tests.orders.gifts.GiftOffersBeside"
    monkeypatch.setattr(wiring, "OFFER_SOURCES", [*wiring.OFFER_SOURCES, beside])
    monkeypatch.setattr(GiftOffers, "promotions", [])
    settings.FREIGHT_MINOR = 800


bought = st.fixed_dictionaries(
    {},
    optional={
        "TEA": st.integers(1, 4),
        "CUP": st.integers(1, 5),
        "PEN": st.integers(1, 7),
        "FREE": st.integers(1, 2),
    },
).filter(bool)
lives = st.fixed_dictionaries(
    {
        "items": bought,
        "with_coupon": st.booleans(),
        "points": st.sampled_from([0, 100, 700, 5_000]),
        "wallet": st.sampled_from([0, 1, 3_333, 10_000]),
        "on_return": st.sampled_from(["keep", "reprice"]),
        "gifts": st.integers(0, 3),
        "is_shipped": st.booleans(),
        "portions": st.lists(
            st.tuples(st.integers(0, 9), st.integers(1, 7), st.integers(0, 4)),
            max_size=8,
        ),
    }
)


def buy(life) -> Order:
    """Place and pay an order in one or two parts."""
    member = open_shop()
    make_variant("PEN", 199, on_hand=50)
    make_variant("FREE", 0, on_hand=5)
    make_variant("MUG", 1_500, on_hand=50)
    mugs = {"quantity": life["gifts"], "source_kind": "gift"}
    GiftOffers.promotions[:] = (
        [gift_from(5_000, "MUG", **mugs)] if life["gifts"] else []
    )
    Promotion.objects.update(on_return=life["on_return"])
    CouponTemplate.objects.update(on_return=life["on_return"])
    top_up_wallet(
        member_id=member.pk,
        amount_minor=10_000,
        reason="opening",
        actor="test",
        source="test:opening",
        now=OPENING,
    )
    cart = fill_cart(life["items"], member=member)
    if life["with_coupon"]:
        template = CouponTemplate.objects.get()
        code = issue_coupon(
            template_id=template.pk, member_id=member.pk, source="x", now=OPENING
        ).code
        Cart.objects.filter(pk=cart.pk).update(coupon_codes=[code])
    set_points(cart_id=cart.pk, points=life["points"], now=NOON)
    order = order_of(cart)
    part = min(life["wallet"], order.total_minor)
    if part and order.total_minor:
        start_payment(order_id=order.pk, provider="wallet", amount_minor=part, now=NOON)
    if order.total_minor > part:
        notify(begun_payment(order))
    drain(now=NOON)
    return Order.objects.get(pk=order.pk)


def send(order: Order) -> None:
    """Send all goods: gifts that are kept cost their listed value until they come."""
    items = units_to_ship(order_id=order.pk)
    if items:
        ship(order_id=order.pk, items=items, actor="key:1", now=NOON)


def assert_order_adds_up(order: Order) -> None:
    lines = list(order.lines.prefetch_related("allocations"))
    for each in lines:
        allocations = list(each.allocations.all())
        assert each.discount_minor == sum(a.amount_minor for a in allocations)
        assert each.net_minor == each.gross_minor - each.discount_minor >= 0
    assert order.goods_minor == sum(each.gross_minor for each in lines)
    assert order.discount_minor == sum(each.discount_minor for each in lines)
    assert order.total_minor == (
        sum(each.net_minor for each in lines) + order.freight_minor
    )
    offers = AppliedOffer.objects.filter(order=order).aggregate(
        money=Sum("amount_minor", default=0), points=Sum("points", default=0)
    )
    assert offers == {"money": order.discount_minor, "points": order.points_spent}
    captured = order.payments.filter(state="captured")
    assert order.paid_minor == order.total_minor
    assert captured.aggregate(m=Sum("amount_minor", default=0))["m"] == order.paid_minor


def give_back_everything(order: Order, portions) -> None:
    """Refund in portions; some are refused by the gateway and withdrawn."""
    for number, (which, count, fate) in enumerate(portions):
        lines = [x for x in order.lines.all() if x.refunded_quantity < x.quantity]
        if not lines:
            break
        chosen = lines[which % len(lines)]
        left = chosen.quantity - chosen.refunded_quantity
        refund = ask(order, {chosen.position: min(count, left)}, f"part{number}")
        TestProvider.refuses = fate == 0
        send_due_refunds(now=NOON)
        TestProvider.refuses = False
        refund.refresh_from_db()
        states = set(refund.tenders.values_list("state", flat=True))
        if states == {"refused"}:
            withdraw_refund(refund_id=refund.pk, actor="t", reason="", now=NOON)
        elif "refused" in states:
            # A part went to the wallet: the rest must follow there, too.
            refund.tenders.filter(state="refused").update(state="due", due_at=NOON)
            send_due_refunds(now=NOON)
        assert_refunds_add_up(order)
    rest = {
        x.position: x.quantity - x.refunded_quantity
        for x in order.lines.all()
        if x.refunded_quantity < x.quantity
    }
    if rest:
        ask(order, rest, "rest", freight=None)
        send_due_refunds(now=NOON)
    drain(now=NOON)
    assert_refunds_add_up(order)


def ask(order: Order, wanted: dict[int, int], key: str, freight=False) -> Refund:
    return refund_order(
        order_id=order.pk,
        items=wanted,
        reason="",
        actor="test",
        request_key=key,
        freight=freight,
        now=NOON,
    )


def assert_refunds_add_up(order: Order) -> None:
    order.refresh_from_db()
    standing = Refund.objects.filter(order=order).exclude(state="failed")
    for refund in standing:
        units = refund.lines.aggregate(m=Sum("amount_minor", default=0))["m"]
        off = refund.deductions.aggregate(m=Sum("amount_minor", default=0))["m"]
        assert refund.deducted_minor == off
        assert refund.amount_minor == units + refund.freight_minor - off >= 0
        tenders = refund.tenders.aggregate(m=Sum("amount_minor", default=0))["m"]
        assert tenders == refund.amount_minor
    total = standing.aggregate(m=Sum("amount_minor", default=0))["m"]
    assert order.refunded_minor == total <= order.paid_minor
    per_payment = order.payments.filter(state="captured")
    assert per_payment.aggregate(m=Sum("refunded_minor", default=0))["m"] == total


def prove(life) -> None:
    with transaction.atomic():
        TestProvider.given_back.clear()
        order = buy(life)
        assert_order_adds_up(order)
        if life["is_shipped"]:
            send(order)
        earned = PointsEntry.objects.filter(kind="earn").aggregate(s=Sum("points"))["s"]
        give_back_everything(order, life["portions"])

        assert order.state == "refunded"
        freight_kept = (
            order.freight_minor
            - (
                order.refunds.exclude(state="failed").aggregate(f=Sum("freight_minor"))[
                    "f"
                ]
            )
        )
        assert order.refunded_minor == order.paid_minor - freight_kept
        for payment in Payment.objects.filter(state="captured"):
            if freight_kept == 0:
                assert payment.refunded_minor == payment.amount_minor
        for each in order.lines.all():
            assert each.refunded_minor == each.net_minor
        sums = dict(
            PointsEntry.objects.values_list("kind").annotate(Sum("points")).order_by()
        )
        assert sums.get("return", 0) == -sums.get("spend", 0) == order.points_spent
        assert -sums.get("claw_back", 0) == (earned or 0)
        account = PointsAccount.objects.get()
        assert account.balance - account.debt == 5_000
        assert set(Coupon.objects.values_list("state", flat=True)) <= {"available"}
        wallet = Wallet.objects.get()
        card = sum(TestProvider.given_back.values())
        by_card = Payment.objects.filter(provider="test", state="captured")
        assert card == by_card.aggregate(m=Sum("refunded_minor", default=0))["m"]
        assert wallet.held_minor == 0
        if freight_kept == 0:
            assert wallet.balance_minor == 10_000
        assert verify_ledger().findings == verify_wallets().findings == ()
        transaction.set_rollback(True)


quiet = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]


@settings(max_examples=12, deadline=None, suppress_health_check=quiet)
@given(lives)
def test_r2_r4_p20_what_was_bought_comes_back_whole(db, freight, life):
    prove(life)


@pytest.mark.slow
@settings(max_examples=80, deadline=None, suppress_health_check=quiet)
@given(lives)
def test_r2_r4_p20_what_was_bought_comes_back_whole_many_times(db, freight, life):
    prove(life)
