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
STANDING = {"paid", "partly_shipped", "shipped", "delivered", "completed"}
SOLD = {*STANDING, "refunded"}


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
    shipped: int = 0


@dataclass
class Tender:
    """The part of a refund that goes back to one payment."""

    payment: "Payment"
    amount: int
    due_at: datetime
    state: str = "due"
    attempts: int = 0


@dataclass
class Refund:
    """Units, money and points that go back together."""

    order: "Order"
    parts: dict[int, tuple[int, int, int]]
    freight: int
    restocks: bool
    state: str = "requested"
    tenders: dict[str, Tender] = field(default_factory=dict)

    @property
    def amount(self) -> int:
        return self.freight + sum(money for _units, money, _points in self._parts)

    @property
    def points(self) -> int:
        return sum(points for _units, _money, points in self._parts)

    @property
    def _parts(self):
        return self.parts.values()


@dataclass
class Payment:
    """One part of what is paid. ``heard`` are the messages that were taken."""

    order: "Order"
    amount: int
    provider: str = "test"
    state: str = "pending"
    is_captured: bool = False
    heard: set[str] = field(default_factory=set)
    due_at: datetime | None = None
    attempts: int = 0

    @property
    def given_back(self) -> int:
        if self.state == "returned":
            return self.amount
        return sum(
            tender.amount
            for refund in self.order.refunds.values()
            if refund.state != "failed"
            for tender in refund.tenders.values()
            if tender.payment is self
        )


@dataclass
class Shipment:
    """Units by position in one parcel."""

    order: "Order"
    items: dict[int, int]
    state: str = "sent"


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
    shipments: dict[int, Shipment] = field(default_factory=dict)

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

    @property
    def units_left(self) -> int:
        return sum(line.quantity - line.units_back for line in self.lines.values())

    @property
    def is_empty(self) -> bool:
        """Whether all went back, and nothing is on its way back."""
        is_open = any(r.state == "requested" for r in self.refunds.values())
        return self.units_left == 0 and not is_open

    def where_it_stands(self) -> str:
        """Return the state by what was sent of what is not given back for good."""
        if self.state not in {"paid", "partly_shipped", "shipped"}:
            return self.state
        gone = dict.fromkeys(self.lines, 0)
        for refund in self.refunds.values():
            if refund.state == "completed":
                for at, (units, _money, _points) in refund.parts.items():
                    gone[at] += units
        if all(gone[at] == line.quantity for at, line in self.lines.items()):
            return self.state
        waiting = any(
            line.quantity - gone[at] > line.shipped for at, line in self.lines.items()
        )
        shipped = any(line.shipped for line in self.lines.values())
        if waiting:
            return "partly_shipped" if shipped else "paid"
        if not shipped:
            return "completed"
        under_way = any(s.state == "sent" for s in self.shipments.values())
        return "shipped" if under_way else "delivered"


@dataclass
class Shop:
    """Everything together. ``gateway`` is money that went out, by what it was for."""

    on_hand: dict[str, int | None]
    prices: dict[str, int]
    points: int
    wallet: int
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

    def goods_after_offers(
        self, items: dict[str, int], *, has_coupon: bool
    ) -> tuple[int, bool]:
        """Return goods after promotion and coupon, and whether the former applied."""
        goods = sum(self.prices[sku] * units for sku, units in items.items())
        has_promotion = goods >= 20_000
        goods -= 3_000 if has_promotion else 0
        return max(0, goods - (2_000 if has_coupon else 0)), has_promotion

    def place(self, pk: int, order: Order) -> None:
        self.orders[pk] = order
        for line in order.lines.values():
            self.reserved[line.sku] += line.quantity
        if order.total == 0:
            self._pay(order)

    def cancel(self, order: Order, now: datetime) -> None:
        """Free everything; what was paid already goes back whole."""
        if order.state == "cancelled":
            return
        if order.state != "pending":
            raise NotNow
        order.state, order.paid = "cancelled", 0
        for line in order.lines.values():
            self.reserved[line.sku] -= line.quantity
        for payment in self._payments(order):
            if payment.state in {"pending", "held"}:
                payment.state = "cancelled"
            elif payment.state == "captured":
                payment.state, payment.due_at = "surplus", now

    def deadline(self, now: datetime) -> int:
        late = [
            order
            for order in self.orders.values()
            if order.state == "pending" and order.due_at <= now
        ]
        for order in late:
            self.cancel(order, now)
        return len(late)

    # --- Paying ----------------------------------------------------------------

    def _payments(self, order: Order) -> list[Payment]:
        return [each for each in self.payments.values() if each.order is order]

    def _held(self, order: Order) -> list[Payment]:
        return [each for each in self._payments(order) if each.state == "held"]

    def open_amount(self, order: Order) -> int:
        held = sum(each.amount for each in self._held(order))
        return order.total - order.paid - held

    def wallet_held(self) -> int:
        return sum(p.amount for p in self.payments.values() if p.state == "held")

    def begin_payment(
        self, order: Order, provider: str, amount: int | None, now: datetime
    ) -> int:
        """Return how much the payment is about; ``add_payment`` then follows."""
        if order.state != "pending" or order.due_at <= now:
            raise NotNow
        if provider == "wallet" and any(e.amount == amount for e in self._held(order)):
            return amount
        wanted = self.open_amount(order) if amount is None else amount
        if not 0 < wanted <= self.open_amount(order):
            raise NotNow
        if provider == "wallet" and self.wallet - self.wallet_held() < wanted:
            raise NotNow
        return wanted

    def add_payment(self, pk: int, payment: Payment) -> None:
        """Know of a payment; what the wallet holds may be the last part."""
        if pk in self.payments:
            return
        self.payments[pk] = payment
        if payment.provider == "wallet":
            payment.state = "held"
            self._settle(payment.order)

    def hear(self, payment: Payment, kind: str, event: str, now: datetime) -> None:
        """Take a message of the gateway."""
        if event in payment.heard:
            return
        payment.heard.add(event)
        order = payment.order
        if payment.is_captured:
            return
        if kind == "failed":
            if payment.state == "pending":
                payment.state = "failed"
            return
        payment.is_captured = True
        if order.state == "pending" and order.paid + payment.amount <= order.total:
            payment.state = "captured"
            order.paid += payment.amount
            self._settle(order)
        else:
            payment.state, payment.due_at = "surplus", now

    def _settle(self, order: Order) -> None:
        """Pay the order when its parts make the total; spend only what is missing."""
        if self.open_amount(order) > 0:
            return
        for held in self._held(order):
            spent = min(held.amount, order.total - order.paid)
            held.state = "captured" if spent else "cancelled"
            held.amount = spent or held.amount
            self.wallet -= spent
            order.paid += spent
        self._pay(order)

    def _pay(self, order: Order) -> None:
        order.state = "paid"
        for line in order.lines.values():
            self.reserved[line.sku] -= line.quantity
            if self.on_hand[line.sku] is not None:
                self.on_hand[line.sku] -= line.quantity
        for payment in self._payments(order):
            if payment.state == "pending":
                payment.state = "cancelled"

    # --- Sending ---------------------------------------------------------------

    def ship(self, order: Order, items: dict[int, int]) -> Shipment:
        if order.state not in {"paid", "partly_shipped"} or not items:
            raise NotNow
        for at, units in items.items():
            line = order.lines[at]
            if not 0 < units <= line.quantity - line.units_back - line.shipped:
                raise NotNow
        for at, units in items.items():
            order.lines[at].shipped += units
        return Shipment(order, items)

    def add_shipment(self, pk: int, shipment: Shipment) -> None:
        shipment.order.shipments[pk] = shipment
        shipment.order.state = shipment.order.where_it_stands()

    def arrive(self, shipment: Shipment) -> bool:
        if shipment.state != "sent":
            return False
        shipment.state = "delivered"
        shipment.order.state = shipment.order.where_it_stands()
        return True

    def lose(self, shipment: Shipment) -> None:
        if shipment.state == "lost":
            return
        if shipment.state != "sent":
            raise NotNow
        shipment.state = "lost"
        for at, units in shipment.items.items():
            shipment.order.lines[at].shipped -= units
        shipment.order.state = shipment.order.where_it_stands()

    def confirm(self, order: Order) -> None:
        if order.state not in {"shipped", "delivered", "completed"}:
            raise NotNow
        if order.state == "shipped":
            for shipment in order.shipments.values():
                if shipment.state == "sent":
                    shipment.state = "delivered"
        order.state = "completed"

    # --- Giving back -----------------------------------------------------------

    def ask_refund(
        self,
        order: Order,
        items: dict[int, int],
        *,
        with_freight: bool,
        restocks: bool,
        key: str,
    ) -> Refund:
        """Reserve units and money; freight goes along with the last, unsent units."""
        if key in order.refunds:
            return order.refunds[key]
        if order.state not in STANDING:
            raise NotNow
        freight = 0
        if with_freight:
            is_last = sum(items.values()) == order.units_left
            if order.state != "paid" or not is_last:
                raise NotNow
            freight = order.freight_left
        parts = {at: self._part(order.lines[at], n) for at, n in items.items()}
        if not parts and not freight:
            raise NotNow
        for at, (units, money, points) in parts.items():
            line = order.lines[at]
            line.units_back += units
            line.money_back += money
            line.points_back += points
        refund = order.refunds[key] = Refund(order, parts, freight, restocks)
        if refund.amount == 0:
            self._complete(refund)
        return refund

    def _part(self, line: Line, units: int) -> tuple[int, int, int]:
        after = line.units_back + units
        if units < 1 or after > line.quantity:
            raise NotNow
        money = part_of(line.net, after, line.quantity) - line.money_back
        points = part_of(line.points, after, line.quantity) - line.points_back
        return units, max(0, money), max(0, points)

    def send(self, mode: str, now: datetime) -> int:
        """Ask the gateway, which is ``up``, ``down`` or ``refuses``, for what is due.

        The shop's own wallet always answers.
        """
        settled = 0
        for order in self.orders.values():
            for refund in order.refunds.values():
                for key, tender in refund.tenders.items():
                    if tender.state == "due" and tender.due_at <= now:
                        settled += self._send_tender(refund, key, tender, mode, now)
        for pk, payment in self.payments.items():
            if payment.state == "surplus" and payment.due_at <= now:
                _wait(payment, now)
                if mode == "up":
                    payment.state = "returned"
                    self.gateway[f"payment {pk}"] = payment.amount
                    settled += 1
        return settled

    def _send_tender(
        self, refund: Refund, key: str, tender: Tender, mode: str, now: datetime
    ) -> bool:
        if tender.payment.provider == "wallet":
            self.wallet += tender.amount
        elif mode == "down":
            _wait(tender, now)
            return False
        elif mode == "refuses":
            tender.state = "refused"
            return True
        else:
            self.gateway[key] = tender.amount
        tender.state = "done"
        if all(each.state == "done" for each in refund.tenders.values()):
            self._complete(refund)
        return True

    def _complete(self, refund: Refund) -> None:
        refund.state = "completed"
        for at, (units, _money, _points) in refund.parts.items():
            sku = refund.order.lines[at].sku
            if refund.restocks and self.on_hand[sku] is not None:
                self.on_hand[sku] += units
        self._close_if_empty(refund.order)

    def withdraw(self, refund: Refund) -> None:
        """Give up what the gateway refused altogether."""
        if any(each.state != "refused" for each in refund.tenders.values()):
            raise NotNow
        if refund.state != "requested":
            return
        refund.state = "failed"
        for at, (units, money, points) in refund.parts.items():
            line = refund.order.lines[at]
            line.units_back -= units
            line.money_back -= money
            line.points_back -= points
        self._close_if_empty(refund.order)

    def _close_if_empty(self, order: Order) -> None:
        if order.is_empty:
            order.state = "refunded"

    # --- What follows above, once the news are told -----------------------------

    def news_told(self) -> None:
        """Look again where orders stand: less may be waited for."""
        for order in self.orders.values():
            order.state = order.where_it_stands()

    def points_net(self) -> int:
        """Return balance less debt: every paid order, less what refunds undid."""
        net = self.points
        for order in self.orders.values():
            if order.state not in SOLD:
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
            if order.coupon and order.state in {"pending", *STANDING}:
                states[order.coupon] = "held" if order.state == "pending" else "used"
        return states


def _wait(what: Tender | Payment, now: datetime) -> None:
    wait = min(FIRST_WAIT * 2**what.attempts, LONGEST_WAIT)
    what.attempts, what.due_at = what.attempts + 1, now + wait
