"""Goods, offers and short ways to a cart, an order and a payment."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from orders.models import AppliedOffer, Cart, Order, OrderLine, Payment, Refund
from orders.providers.test import signed_message
from orders.rules.lines import PriceLine, StageLine
from orders.rules.offers import Applied, Offer, Reduction, Refused, Stage
from orders.services.carts import add_item, create_cart
from orders.services.checkout import place_order
from orders.services.mending import withdraw_refund
from orders.services.payment import start_payment, take_callback
from orders.services.quoting import quote_cart
from tests.cast import NOON


def line(position: int, unit_price_minor: int, quantity: int = 1, **fields):
    """Return a line of goods."""
    return PriceLine(
        position=position,
        variant_id=fields.pop("variant_id", position),
        product_id=position,
        category_id=None,
        sku=fields.pop("sku", f"SKU{position}"),
        name=fields.pop("name", f"Thing {position}"),
        kind=fields.pop("kind", "goods"),
        quantity=quantity,
        unit_price_minor=unit_price_minor,
        **fields,
    )


@dataclass(frozen=True)
class Off(Offer):
    """Takes ``amount_minor`` (or ``percent_bp`` of what is left) off all goods."""

    source_id: str
    amount_minor: int = 0
    percent_bp: int = 0
    stage: Stage = Stage.ORDER
    priority: int = 0
    exclusive_group: str = ""
    threshold_minor: int = 0
    positions: tuple[int, ...] | None = None
    points: int = 0
    source_kind: str = "promotion"
    starts_at: datetime | None = None
    on_return: str = "keep"

    @property
    def name(self) -> str:
        return f"Offer {self.source_id}"

    def terms(self) -> dict[str, int]:
        return {"amount_minor": self.amount_minor, "percent_bp": self.percent_bp}

    def reduce(self, lines: Sequence[StageLine]) -> Reduction | Refused:
        mine = [
            each
            for each in lines
            if each.line.kind == "goods"
            and (self.positions is None or each.line.position in self.positions)
        ]
        basis = sum(each.amount_minor for each in mine)
        if basis < self.threshold_minor:
            return Refused(
                "threshold_not_met", {"missing_minor": self.threshold_minor - basis}
            )
        left = sum(each.left_minor for each in mine)
        off = self.amount_minor or left * self.percent_bp // 10000
        return Reduction(off, tuple(e.line.position for e in mine), points=self.points)


@dataclass(frozen=True)
class Far(Off):
    """The same, saying from which spend on it takes something at all."""

    @property
    def least_minor(self) -> int:
        return self.threshold_minor


class Offers:
    """An offer source that tests fill; ``claimed`` is what checkout reserved."""

    source_kind = "promotion"
    offers: ClassVar[list[Off]] = []
    claimed: ClassVar[list[tuple[str, int]]] = []
    refusal: ClassVar[Exception | None] = None

    def offers_for(self, request):
        return list(self.offers), []

    def claim(self, applied: Applied, *, order_id: int, now: datetime) -> None:
        if self.refusal is not None:
            raise self.refusal
        self.claimed.append((applied.source_id, order_id))


class Codes(Offers):
    """A source for coupon codes: ``TENOFF`` exists, nothing else."""

    source_kind = "coupon"

    def offers_for(self, request):
        found, refused = [], []
        for code in request.coupon_codes:
            if code == "TENOFF":
                offer = Off("cpn_ten", 1000, stage=Stage.COUPON, source_kind="coupon")
                found.append(offer)
            elif code == "BIG":
                offer = Off(
                    "cpn_big",
                    5000,
                    stage=Stage.COUPON,
                    source_kind="coupon",
                    threshold_minor=100_000,
                )
                found.append(offer)
            else:
                refused.append((code, code, Refused("coupon_not_found")))
        return found, refused


def fill_cart(items: dict[str, int], *, member=None, now: datetime = NOON) -> Cart:
    """Return a cart with units by SKU."""
    cart = create_cart(member_id=member.pk if member else None, now=now)
    for sku, quantity in items.items():
        add_item(cart_id=cart.pk, sku=sku, quantity=quantity, now=now)
    return cart


def place(cart: Cart, *, now: datetime = NOON) -> Order:
    """Order a cart at its price."""
    quote = quote_cart(cart=cart, now=now)
    return place_order(cart_id=cart.pk, quote_hash=quote.hash, now=now)


def notify(payment: Payment, kind: str = "captured", *, now=NOON, event_id: str = ""):
    """Deliver the gateway's message about a payment."""
    body, headers = signed_message(
        payment_id=payment.public_id,
        amount_minor=payment.amount_minor,
        currency=payment.order.currency,
        kind=kind,
        event_id=event_id,
    )
    return take_callback(provider="test", body=body, headers=headers, now=now)


def pay(order: Order, *, now: datetime = NOON) -> Payment:
    """Pay an order through the test gateway."""
    payment = start_payment(order_id=order.pk, provider="test", now=now)
    return notify(payment, now=now)


def as_gift(line: OrderLine, *positions: int, listed_minor: int = 1_500) -> None:
    """Make a line of an order a gift that came with the lines at some positions."""
    offer = AppliedOffer.objects.create(
        order=line.order,
        stage=Stage.ORDER,
        source_kind="promotion",
        source_id=f"prm_gift{line.pk}",
        source_name="A gift",
        amount_minor=0,
        trigger_positions=positions,
    )
    OrderLine.objects.filter(pk=line.pk).update(
        gift_of=offer, list_price_minor=listed_minor
    )


def refuse(refund: Refund, *, now: datetime = NOON) -> bool:
    """Let every provider refuse a refund, and staff withdraw it."""
    refund.tenders.update(state="refused", due_at=None)
    return withdraw_refund(refund_id=refund.pk, actor="dana", reason="no", now=now)
