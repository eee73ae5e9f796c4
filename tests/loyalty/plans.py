"""Plans, and short ways to a paid one. Tests of paid plans call these."""

from datetime import date, datetime, timedelta

from crm.shared.outbox import drain
from loyalty.models import Plan, PlanPrice, Subscription
from loyalty.queries.plans import start_of
from members.models import PaymentInstrument
from members.services.instruments import bind_instrument
from orders.models import Order
from orders.providers.test import signed_message
from orders.services.carts import add_item, create_cart, set_points
from orders.services.checkout import place_order
from orders.services.payment import start_payment, take_callback
from orders.services.quoting import quote_cart
from tests.cast import make_variant


def noon(day: date) -> datetime:
    """Return noon of a day of the shop."""
    return start_of(day) + timedelta(hours=12)


def make_plan(code: str = "tea", price_minor: int = 3_000, **fields) -> Plan:
    """Write a plan with a price for a month, and ten times that for a year."""
    plan = Plan.objects.create(
        code=code, name=f"{code} 会", name_en=f"{code} club", **fields
    )
    for period, minor in [("month", price_minor), ("year", 10 * price_minor)]:
        variant = make_variant(f"PLAN-{code}-{period}", minor, kind="plan")
        PlanPrice.objects.create(plan=plan, period=period, variant=variant)
    return plan


def price_of(plan: Plan, period: str = "month") -> PlanPrice:
    """Return what a plan costs."""
    return plan.prices.select_related("variant").get(period=period)


def order_plan(
    member,
    plan: Plan,
    on: date,
    *,
    period: str = "month",
    units: int = 1,
    points: int = 0,
) -> Order:
    """Put a plan into a cart and order it, partly for points if the program lets."""
    cart = create_cart(member_id=member.pk, now=noon(on))
    add_item(
        cart_id=cart.pk,
        sku=price_of(plan, period).variant.sku,
        quantity=units,
        now=noon(on),
    )
    set_points(cart_id=cart.pk, points=points, now=noon(on))
    cart.refresh_from_db()
    quote = quote_cart(cart=cart, now=noon(on))
    return place_order(cart_id=cart.pk, quote_hash=quote.hash, now=noon(on))


def pay(order: Order, on: date, *, kind: str = "captured") -> None:
    """Pay an order as a buyer does; its news are not delivered yet."""
    payment = start_payment(order_id=order.pk, provider="test", now=noon(on))
    body, headers = signed_message(
        payment_id=payment.public_id,
        amount_minor=payment.amount_minor,
        currency=order.currency,
        kind=kind,
    )
    take_callback(provider="test", body=body, headers=headers, now=noon(on))


def buy_plan(member, plan: Plan, on: date, **how) -> Order:
    """Order a plan, pay for it and deliver the news."""
    order = order_plan(member, plan, on, **how)
    pay(order, on)
    drain(now=noon(on))
    return order


def bind_card(member, on: date, token: str = "tok_good") -> PaymentInstrument:
    """Bind a card of the test gateway."""
    return bind_instrument(
        member_id=member.pk,
        verifier="test",
        kind="card",
        token=token,
        brand="visa",
        last_four="4242",
        now=noon(on),
    )


def plan_of(member) -> Subscription | None:
    """Return a member's newest subscription as it is written."""
    return Subscription.objects.filter(member=member).order_by("-id").first()
