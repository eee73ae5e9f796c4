"""A shop in which everything takes part in a price, and short ways through it."""

from datetime import datetime, timedelta

from campaigns.models import Coupon, CouponTemplate, Promotion
from campaigns.services.issuing import issue_coupon
from crm.shared.outbox import drain
from loyalty.services.adjusting import grant_points
from members.models import Member
from orders.models import Cart, Order, Payment
from orders.services.carts import set_points
from orders.services.checkout import place_order
from orders.services.payment import start_payment
from orders.services.quoting import quote_cart
from tests.campaigns.recipes import ladder, of_kind
from tests.cast import NOON, make_member, make_variant
from tests.orders.shop import fill_cart, notify

#: Long before anybody buys.
OPENING = NOON - timedelta(days=1)


def open_shop(*, teas: int = 10) -> Member:
    """Write goods, a promotion, a coupon and a member with points; return the member.

    Tea at 100.00, so many of them; cups at 33.33, not counted; 30.00 off from 200.00 in all,
    then a coupon of 20.00, then points, of which the member has 5,000.
    """
    make_variant("TEA", 10_000, on_hand=teas)
    make_variant("CUP", 3_333)
    Promotion.objects.create(
        name="满200减30",
        state=Promotion.State.LIVE,
        **ladder((20_000, 3_000)),
        starts_at=OPENING,
        limit_total=100,
    )
    CouponTemplate.objects.create(
        code="twenty",
        name="二十元券",
        state=CouponTemplate.State.LIVE,
        kind="amount",
        amount_minor=2_000,
        starts_at=OPENING,
    )
    member = make_member(1)
    grant_points(
        member_id=member.pk,
        points=5_000,
        reason="opening",
        actor="test",
        source="test:opening",
        now=OPENING,
    )
    drain(now=OPENING)
    return member


def give_along() -> None:
    """Let each 100.00 of goods bring a bowl, or a spoon when there are too few."""
    Promotion.objects.create(
        name="满赠",
        state=Promotion.State.LIVE,
        **of_kind(
            "gift",
            {"skus": ["BOWL", "SPOON"], "most_times": 3},
            when={"least_spend_minor": 10_000},
        ),
        exclusive_group="gift",
        starts_at=OPENING,
    )


def new_coupon(member: Member, *, source: str) -> Coupon:
    """Give the member a coupon of 20.00, of which nobody has heard so far."""
    template = CouponTemplate.objects.get(code="twenty")
    return issue_coupon(
        template_id=template.pk, member_id=member.pk, source=source, now=OPENING
    )


def give_coupon(member: Member, *, source: str = "test") -> Coupon:
    """Give the member a coupon of 20.00, and let all news arrive."""
    coupon = new_coupon(member, source=source)
    drain(now=OPENING)
    return coupon


def full_cart(member: Member, *, points: int = 1_000) -> Cart:
    """Return a cart of two teas and three cups with a coupon and points to spend.

    299.99 of goods, 30.00, 20.00 and 10.00 off: 239.99 to pay.
    """
    cart = fill_cart({"TEA": 2, "CUP": 3}, member=member, now=OPENING)
    coupon = give_coupon(member, source=f"cart:{cart.pk}")
    Cart.objects.filter(pk=cart.pk).update(coupon_codes=[coupon.code])
    set_points(cart_id=cart.pk, points=points, now=OPENING)
    return cart


def order_of(cart: Cart, *, now: datetime = NOON) -> Order:
    """Order a cart at its price."""
    fresh = Cart.objects.get(pk=cart.pk)
    quote = quote_cart(cart=fresh, now=now)
    return place_order(cart_id=cart.pk, quote_hash=quote.hash, now=now)


def begun_payment(order: Order, *, now: datetime = NOON) -> Payment:
    """Begin to pay an order through the test gateway."""
    payment = start_payment(order_id=order.pk, provider="test", now=now)
    return Payment.objects.select_related("order").get(pk=payment.pk)


def paid_order(member: Member, *, now: datetime = NOON) -> Order:
    """Return an order of the full cart that is paid and whose news are told."""
    order = order_of(full_cart(member), now=now)
    notify(begun_payment(order, now=now), now=now)
    drain(now=now)
    return Order.objects.get(pk=order.pk)
