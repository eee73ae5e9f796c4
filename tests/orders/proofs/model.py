"""What orders, payments and refunds should do, in a page of plain Python.

The model knows no database, no clock and no service. It is told what is asked, says what
must come of it, and holds what must be true afterwards.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from fractions import Fraction
from math import floor

DEADLINE = timedelta(minutes=30)
FIRST_WAIT = timedelta(seconds=30)
LONGEST_WAIT = timedelta(hours=1)


class NotNow(Exception):
    """The shop must refuse this, and nothing may change."""


def part_of(total: int, taken: int, of: int) -> int:
    """Return what some of ``of`` equal units are worth together, halves up."""
    return floor(Fraction(total * taken, of) + Fraction(1, 2))


@dataclass
class Line:
    """Units of one SKU, and what went back of them or is about to."""

    sku: str
    quantity: int
    net: int
    points: int
    units_back: int = 0
    money_back: int = 0
    points_back: int = 0


@dataclass
class Refund:
    """Units, money and points that go back together."""

    order: "Order"
    parts: dict[int, tuple[int, int, int]]
    freight: int
    due_at: datetime
    state: str = "requested"
    attempts: int = 0

    @property
    def amount(self) -> int:
        return sum(money for _units, money, _points in self.parts.values()) + (
            self.freight
        )

    @property
    def points(self) -> int:
        return sum(points for _units, _money, points in self.parts.values())


@dataclass
class Payment:
    """One attempt to pay. ``heard`` are the messages that were taken."""

    order: "Order"
    amount: int
    state: str = "pending"
    is_captured: bool = False
    heard: set[str] = field(default_factory=set)
    due_at: datetime | None = None
    attempts: int = 0


@dataclass
class Order:
    """A purchase as agreed, and where it stands."""

    lines: dict[int, Line]
    freight: int
    points: int
    coupon: str | None
    has_promotion: bool
    due_at: datetime
    state: str = "pending"
    paid: int = 0
    refunds: dict[str, Refund] = field(default_factory=dict)

    @property
    def total(self) -> int:
        return sum(line.net for line in self.lines.values()) + self.freight

    @property
    def refunded(self) -> int:
        return sum(r.amount for r in self.refunds.values() if r.state != "failed")

    @property
    def freight_left(self) -> int:
        given = [r.freight for r in self.refunds.values() if r.state != "failed"]
        return self.freight - sum(given)


@dataclass
class Shop:
    """Everything together. ``gateway`` is money that went out, by what it was for."""

    on_hand: dict[str, int | None]
    prices: dict[str, int]
    points: int
    freight: int
    reserved: dict[str, int] = field(default_factory=dict)
    orders: dict[int, Order] = field(default_factory=dict)
    payments: dict[int, Payment] = field(default_factory=dict)
    gateway: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.reserved = dict.fromkeys(self.on_hand, 0)

    # --- Buying ----------------------------------------------------------------

    def has(self, items: dict[str, int]) -> bool:
        """Whether so many units are free to be promised."""
        return all(
            self.on_hand[sku] is None or self.on_hand[sku] - self.reserved[sku] >= units
            for sku, units in items.items()
        )

    def price_without_points(
        self, items: dict[str, int], *, with_coupon: bool
    ) -> tuple[int, bool, bool]:
        """Return goods after offers, and whether promotion and coupon took part."""
        goods = sum(self.prices[sku] * units for sku, units in items.items())
        has_promotion = goods >= 20_000
        goods -= 3_000 if has_promotion else 0
        takes_coupon = with_coupon and goods > 0
        return (
            goods - min(2_000 if takes_coupon else 0, goods),
            (has_promotion),
            takes_coupon,
        )

    def place(self, pk: int, order: Order) -> None:
        self.orders[pk] = order
        for line in order.lines.values():
            self.reserved[line.sku] += line.quantity
        if order.total == 0:
            self._pay(order)

    def _pay(self, order: Order) -> None:
        order.state, order.paid = "paid", order.total
        for line in order.lines.values():
            self.reserved[line.sku] -= line.quantity
            if self.on_hand[line.sku] is not None:
                self.on_hand[line.sku] -= line.quantity

    def cancel(self, order: Order) -> None:
        if order.state == "cancelled":
            return
        if order.state != "pending":
            raise NotNow
        order.state = "cancelled"
        for line in order.lines.values():
            self.reserved[line.sku] -= line.quantity
        for payment in self.payments.values():
            if payment.order is order and payment.state == "pending":
                payment.state = "cancelled"

    def deadline(self, now: datetime) -> int:
        late = [
            order
            for order in self.orders.values()
            if order.state == "pending" and order.due_at <= now
        ]
        for order in late:
            self.cancel(order)
        return len(late)

    # --- Paying ----------------------------------------------------------------

    def may_begin_payment(self, order: Order, now: datetime) -> bool:
        return order.state == "pending" and order.due_at > now

    def hear(self, payment: Payment, kind: str, event: str, now: datetime) -> None:
        """Take a message of the gateway."""
        if event in payment.heard:
            return
        payment.heard.add(event)
        if kind == "failed":
            if payment.state == "pending":
                payment.state = "failed"
        elif not payment.is_captured:
            payment.is_captured = True
            if payment.order.state == "pending":
                payment.state = "captured"
                self._pay(payment.order)
            else:
                payment.state, payment.due_at = "surplus", now

    # --- Giving back -----------------------------------------------------------

    def ask_refund(
        self,
        order: Order,
        items: dict[int, int],
        *,
        with_freight: bool,
        key: str,
        now: datetime,
    ) -> Refund:
        """Reserve units and money; what costs nothing is given back at once."""
        if key in order.refunds:
            return order.refunds[key]
        if order.state != "paid":
            raise NotNow
        freight = order.freight_left if with_freight else 0
        parts = {at: self._part(order.lines[at], n) for at, n in items.items()}
        if not parts and not freight:
            raise NotNow
        for at, (units, money, points) in parts.items():
            line = order.lines[at]
            line.units_back += units
            line.money_back += money
            line.points_back += points
        refund = order.refunds[key] = Refund(order, parts, freight, due_at=now)
        if refund.amount == 0:
            self._close(refund, "completed")
        return refund

    def _part(self, line: Line, units: int) -> tuple[int, int, int]:
        after = line.units_back + units
        if units < 1 or after > line.quantity:
            raise NotNow
        money = part_of(line.net, after, line.quantity) - line.money_back
        points = part_of(line.points, after, line.quantity) - line.points_back
        return units, max(0, money), max(0, points)

    def send(self, mode: str, now: datetime) -> int:
        """Ask the gateway, which is ``up``, ``down`` or ``refuses``, for what is due."""
        settled = 0
        for pk, order in self.orders.items():
            for key, refund in order.refunds.items():
                if refund.state != "requested" or refund.due_at > now:
                    continue
                self._wait(refund, now)
                if mode == "up":
                    self.gateway[f"refund {pk} {key}"] = refund.amount
                    self._close(refund, "completed")
                elif mode == "refuses":
                    self._close(refund, "failed")
                settled += mode != "down"
        for pk, payment in self.payments.items():
            if payment.state != "surplus" or payment.due_at > now:
                continue
            self._wait(payment, now)
            if mode == "up":
                payment.state = "returned"
                self.gateway[f"payment {pk}"] = payment.amount
                settled += 1
        return settled

    def _wait(self, what: Refund | Payment, now: datetime) -> None:
        wait = min(FIRST_WAIT * 2**what.attempts, LONGEST_WAIT)
        what.attempts, what.due_at = what.attempts + 1, now + wait

    def _close(self, refund: Refund, state: str) -> None:
        refund.state = state
        order = refund.order
        if state == "failed":
            for at, (units, money, points) in refund.parts.items():
                line = order.lines[at]
                line.units_back -= units
                line.money_back -= money
                line.points_back -= points
        is_open = any(r.state == "requested" for r in order.refunds.values())
        is_left = any(x.units_back < x.quantity for x in order.lines.values())
        if not is_open and not is_left:
            order.state = "refunded"

    # --- What follows above, once the news are told -----------------------------

    def points_net(self) -> int:
        """Return balance less debt: every paid order, less what refunds undid."""
        net = self.points
        for order in self.orders.values():
            if order.state not in {"paid", "refunded"}:
                continue
            basis = sum(line.net for line in order.lines.values())
            done = [r for r in order.refunds.values() if r.state == "completed"]
            goods = sum(r.amount - r.freight for r in done)
            earned = basis // 100
            clawed = earned * goods // basis if basis else 0
            net += earned - clawed - order.points + sum(r.points for r in done)
        return net

    def points_held(self) -> int:
        """Return what is reserved for orders that wait."""
        return sum(o.points for o in self.orders.values() if o.state == "pending")

    def promotion_uses(self) -> int:
        return sum(
            order.has_promotion
            for order in self.orders.values()
            if order.state != "cancelled"
        )

    def coupon_states(self, coupons: list[str]) -> dict[str, str]:
        """Return where each coupon stands: back after a cancellation or full refund."""
        states = dict.fromkeys(coupons, "available")
        for order in self.orders.values():
            if order.coupon and order.state in {"pending", "paid"}:
                states[order.coupon] = "held" if order.state == "pending" else "used"
        return states
