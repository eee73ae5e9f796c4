"""What orders, payments and refunds should do, in a page of plain Python.

The model knows no database, no clock and no service. It is told what is asked, says what
must come of it, and holds what must be true afterwards.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from fractions import Fraction
from itertools import pairwise
from math import floor

from crm.shared.money import share

DEADLINE = timedelta(minutes=30)
#: SKU of the gift card.
CARD = "CARD"
#: What comes for nothing with each 100.00 of goods, the first that is in stock (S17).
GIFTS = ("BOWL", "SPOON")
GIFT_EVERY = 10_000
MOST_GIFTS = 3
#: How long the difference of an exchange may stay open.
EXCHANGE = timedelta(hours=1)
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
    price: int = 0
    listed: int = 0
    kind: str = "goods"
    #: Units asked back; gift cards that were redeemed.
    returning: int = 0
    redeemed: int = 0
    #: A gift came with the lines at these positions.
    gift_of: tuple[int, ...] = ()

    @property
    def units_free(self) -> int:
        """Return what nobody gave back and asked back, or redeemed."""
        return self.quantity - self.units_back - max(self.returning, self.redeemed)


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
    request_key: str = ""
    #: What goes back less, by reason; below 0 is what comes back of earlier refunds.
    deductions: dict[str, int] = field(default_factory=dict)
    is_fault: bool = False
    #: A return was closed with it.
    is_tied: bool = False
    #: What pays the order that replaces the units, and the points that stay behind.
    exchanged: int = 0
    points_left: int | None = None
    replaced_by: "Order | None" = None

    @property
    def deducted(self) -> int:
        return sum(self.deductions.values())

    @property
    def amount(self) -> int:
        return self.freight - self.deducted + self.units_money

    @property
    def money(self) -> int:
        return self.amount - self.exchanged

    @property
    def units_money(self) -> int:
        return sum(money for _units, money, _points in self._parts)

    @property
    def goods(self) -> int:
        """Return the value of goods taken back, which earned points.

        A gift that was kept was bought, for what it cost.
        """
        lines = self.order.lines
        money = sum(
            money
            for at, (_units, money, _points) in self.parts.items()
            if lines[at].kind == "goods"
        )
        return money - self.deductions.get("gift_kept", 0)

    @property
    def points(self) -> int:
        if self.points_left is not None:
            return self.points_left
        return sum(points for _units, _money, points in self._parts)

    @property
    def waits_for_difference(self) -> bool:
        return (
            self.state == "requested"
            and self.replaced_by is not None
            and (not self.tenders)
        )

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
        below = self.order.and_below()
        tenders = [
            tender
            for order in below
            for refund in order.refunds.values()
            if refund.state != "failed"
            for tender in refund.tenders.values()
        ]
        if self.provider == "exchange":
            # What went on to the payments of the orders before.
            return sum(
                t.amount
                for t in tenders
                if all(t.payment.order is not order for order in below)
            )
        return sum(tender.amount for tender in tenders if tender.payment is self)


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
    is_ours: bool = True
    #: The order whose units this one replaces, and what they paid of it.
    parent: "Order | None" = None
    moved: int = 0
    children: list["Order"] = field(default_factory=list)

    def and_above(self) -> list["Order"]:
        return [self, *(self.parent.and_above() if self.parent else [])]

    def and_below(self) -> list["Order"]:
        """Return the order with all that replace its units, or theirs."""
        return [self, *(each for child in self.children for each in child.and_below())]

    @property
    def basis(self) -> int:
        """Return what points are earned on: goods, of an exchange the difference."""
        goods = sum(line.net for line in self.lines.values() if line.kind == "goods")
        return max(0, goods - self.moved)

    @property
    def freight_unowed(self) -> int:
        given = [r for r in self.refunds.values() if r.state != "failed"]
        return sum(r.freight for r in given if not r.is_fault)

    def deducted(self, reason: str) -> int:
        given = [r for r in self.refunds.values() if r.state != "failed"]
        return sum(r.deductions.get(reason, 0) for r in given)

    def back_for_good(self, at: int) -> int:
        """Return the units that came back and are not kept as others."""
        kept = 0
        for refund in self.refunds.values():
            new = refund.replaced_by
            if new is not None and refund.state != "failed" and at in refund.parts:
                kept += refund.parts[at][0] - new.back_for_good(1)
        return self.lines[at].units_back - kept

    def gifts_due(self, items: dict[int, int]) -> dict[int, int]:
        """Return the gifts that are to come back besides once some units are back.

        They go with the units that brought them, in proportion, rounded down (R8).
        """

        def back(at: int) -> int:
            return self.back_for_good(at) + items.get(at, 0)

        due = {}
        for at, gift in self.lines.items():
            if gift.gift_of:
                of = sum(self.lines[cause].quantity for cause in gift.gift_of)
                gone = sum(map(back, gift.gift_of))
                due[at] = max(0, gift.quantity * gone // of - back(at))
        return due

    def with_gifts_not_sent(self, items: dict[int, int]) -> dict[int, int]:
        """Return units that come back with the gifts due that never left the house."""
        found = dict(items)
        for at, due in self.gifts_due(items).items():
            gift = self.lines[at]
            gone = gift.units_back + gift.returning + items.get(at, 0)
            units = min(due, gift.quantity - gift.shipped - gone)
            if units > 0:
                found[at] = items.get(at, 0) + units
        return found

    def as_first(self, items: dict[int, int]) -> dict[int, int]:
        """Return units as those of the order that was first paid."""
        for order, parent in pairwise(self.and_above()):
            (at,) = (
                at
                for refund in parent.refunds.values()
                if refund.replaced_by is order
                for at in refund.parts
            )
            items = {at: sum(items.values())}
        return items

    def gifts_kept(self, items: dict[int, int]) -> int:
        """Return what the gifts cost that the buyer of all this keeps after a refund.

        They stay with the first order, whatever became of what brought them. What the
        refunds of the other orders took for them is paid.
        """
        *_others, root = self.and_above()
        items = self.as_first(items)
        kept = sum(
            units * root.lines[at].listed for at, units in root.gifts_due(items).items()
        )
        others = [each for each in root.and_below() if each is not self]
        return max(0, kept - sum(each.deducted("gift_kept") for each in others))

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
            line.kind == "goods" and line.quantity - gone[at] > line.shipped
            for at, line in self.lines.items()
        )
        shipped = any(line.shipped for line in self.lines.values())
        if waiting:
            return "partly_shipped" if shipped else "paid"
        if not shipped:
            return "completed"
        under_way = any(s.state == "sent" for s in self.shipments.values())
        return "shipped" if under_way else "delivered"


#: Return -> what may become of it.
STEPS = {
    "requested": {"approved", "refused", "cancelled"},
    "approved": {"in_transit", "received", "cancelled"},
    "in_transit": {"received"},
    "received": {"inspected"},
    "inspected": {"refunded", "exchanged", "refused"},
}


@dataclass
class Return:
    """Units of one line that are asked back, and what came of it."""

    order: Order
    kind: str
    at: int
    units: int
    wanted: str
    is_fault: bool
    state: str = "requested"
    accepted: int | None = None
    refund: Refund | None = None

    @property
    def line(self) -> Line:
        return self.order.lines[self.at]

    @property
    def settled(self) -> int:
        return self.units if self.accepted is None else self.accepted

    @property
    def waits_for_difference(self) -> bool:
        return self.state == "inspected" and self.refund is not None

    def check(self, state: str) -> None:
        allowed = set(STEPS.get(self.state, ()))
        if self.kind == "refund" and self.state == "approved":
            allowed = {"refunded", "cancelled"}
        if state not in allowed or (self.waits_for_difference and state != "exchanged"):
            raise NotNow


@dataclass
class Plan:
    """What an exchange comes to, before its points are known."""

    order: Order
    at: int
    units: int
    sku: str
    value: int
    price: int
    listed: int
    net: int

    @property
    def moved(self) -> int:
        return min(self.value, self.net)


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
    returns: dict[int, Return] = field(default_factory=dict)
    #: Refunds as they were completed, one after the other.
    completed: list[Refund] = field(default_factory=list)

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
        sums = {sku: self.prices[sku] * units for sku, units in items.items()}
        cards = sums.pop(CARD, 0)
        goods = sum(sums.values())
        has_promotion = goods >= 20_000
        goods -= 3_000 if has_promotion else 0
        return cards + max(0, goods - (2_000 if has_coupon else 0)), has_promotion

    def gifts_with(self, items: dict[str, int]) -> dict[str, int]:
        """Return the gifts that come with what is bought; what is bought is not given."""
        goods = {sku: units for sku, units in items.items() if sku != CARD}
        worth = sum(self.prices[sku] * units for sku, units in goods.items())
        units = min(worth // GIFT_EVERY, MOST_GIFTS)
        there = (sku for sku in GIFTS if self.has({sku: items.get(sku, 0) + units}))
        given = next(there, None)
        return {given: units} if units and given else {}

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
        if order.state != "pending" or not order.is_ours:
            raise NotNow
        order.state, order.paid = "cancelled", 0
        for line in order.lines.values():
            self.reserved[line.sku] -= line.quantity
        for payment in self._payments(order):
            is_money = payment.provider != "exchange"
            if payment.state in {"pending", "held"} or not is_money:
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
            left = line.quantity - line.units_back - line.shipped
            if line.kind != "goods" or not 0 < units <= left:
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
        with_freight: bool | None,
        restocks: bool,
        key: str,
        is_fault: bool = False,
    ) -> Refund:
        """Reserve units and money; freight goes along with the last, unsent units.

        It goes along with any when the shop is at fault. What was given back too early
        goes off when something was sent after all.
        """
        if key in order.refunds:
            return order.refunds[key]
        if order.state not in STANDING:
            raise NotNow
        if not set(items) <= set(order.lines):
            raise NotNow
        items = order.with_gifts_not_sent(items)
        is_last = sum(items.values()) == order.units_left
        is_owed = is_fault or (order.state == "paid" and is_last)
        if with_freight and not is_owed:
            raise NotNow
        freight = order.freight_left if is_owed and with_freight is not False else 0
        parts = {at: self._part(order.lines[at], n) for at, n in items.items()}
        if not parts and not freight:
            raise NotNow
        owed = {
            "freight_unowed": 0 if is_owed else order.freight_unowed,
            "gift_kept": order.gifts_kept(items),
        }
        for at, (units, money, points) in parts.items():
            line = order.lines[at]
            line.units_back += units
            line.money_back += money
            line.points_back += points
        refund = Refund(order, parts, freight, restocks, is_fault=is_fault)
        changes = {why: owed[why] - order.deducted(why) for why in owed}
        # What comes back makes room for what goes off; the rest waits. A gift goes off
        # goods alone, so that what points are taken back for is never more than goods.
        for why in sorted(changes, key=lambda why: changes[why] > 0):
            room = refund.goods if why == "gift_kept" else refund.amount
            refund.deductions[why] = min(changes[why], room, refund.amount)
        order.refunds[key] = refund
        if refund.amount == 0:
            self._complete(refund)
        return refund

    def _part(self, line: Line, units: int) -> tuple[int, int, int]:
        after = line.units_back + units
        if not 1 <= units <= line.units_free:
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
        elif tender.payment.provider == "elsewhere":
            pass
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
        self.completed.append(refund)
        for at, (units, _money, _points) in refund.parts.items():
            sku = refund.order.lines[at].sku
            if refund.restocks and refund.order.is_ours:
                self._shelve(sku, units)
        self._close_if_empty(refund.order)

    def _shelve(self, sku: str, units: int) -> None:
        if self.on_hand[sku] is not None:
            self.on_hand[sku] += units

    def withdraw(self, refund: Refund) -> None:
        """Give up what the gateway refused altogether."""
        if any(each.state != "refused" for each in refund.tenders.values()):
            raise NotNow
        if refund.is_tied or refund.replaced_by is not None:
            raise NotNow
        if refund.state != "requested":
            return
        self._undo(refund)
        self._close_if_empty(refund.order)

    def _undo(self, refund: Refund) -> None:
        refund.state = "failed"
        for at, (units, money, points) in refund.parts.items():
            line = refund.order.lines[at]
            line.units_back -= units
            line.money_back -= money
            line.points_back -= points

    def _close_if_empty(self, order: Order) -> None:
        if order.is_empty:
            order.state = "refunded"

    # --- Exchanging --------------------------------------------------------------

    def plan_exchange(
        self, order: Order, at: int, units: int, sku: str, *, is_reserved: bool = False
    ) -> Plan:
        """Say what an exchange of goods for others comes to."""
        line = order.lines.get(at)
        if order.state not in STANDING or line is None or line.kind != "goods":
            raise NotNow
        _units, value, _points = self._part(line, units)
        if not is_reserved and not self.has({sku: units}):
            raise NotNow
        new = self.prices[sku]
        is_even = new in {self.prices[line.sku], line.price, line.listed}
        price, listed = (line.price, line.listed) if is_even else (new, new)
        off = units * line.price - value
        if price < line.price:
            off = off * price // line.price
        net = units * price - off
        return Plan(order, at, units, sku, value, price, listed, net)

    def add_exchange(
        self,
        pk: int,
        plan: Plan,
        *,
        points: tuple[int, int],
        key: str,
        is_reserved: bool,
        now: datetime,
    ) -> Refund:
        """Know of an exchange; of ``points`` on the old units some went along."""
        old = plan.order.lines[plan.at]
        taken, carried = points
        old.units_back += plan.units
        old.money_back += plan.value
        old.points_back += taken
        line = Line(
            plan.sku,
            plan.units,
            plan.net,
            carried,
            price=plan.price,
            listed=plan.listed,
        )
        new = Order({1: line}, 0, 0, None, False, now + EXCHANGE, parent=plan.order)
        new.moved = new.paid = plan.moved
        plan.order.children.append(new)
        self.orders[pk] = new
        if not is_reserved:
            self.reserved[plan.sku] += plan.units
        refund = Refund(
            plan.order,
            {plan.at: (plan.units, plan.value, taken)},
            0,
            False,
            exchanged=plan.moved,
            points_left=taken - carried,
            replaced_by=new,
        )
        plan.order.refunds[key] = refund
        if new.total == new.paid:
            self._pay(new)
        return refund

    def settle_exchange(self, refund: Refund) -> None:
        """Close an exchange that gives no money back and waits for none."""
        if refund.replaced_by.state in SOLD and not refund.tenders:
            self._complete(refund)

    def hear_of_exchange(self, refund: Refund, state: str) -> None:
        """Believe the news that a difference was paid, or never will be."""
        new = refund.replaced_by
        request = next((r for r in self.returns.values() if r.refund is refund), None)
        if state == "completed" and new.state in SOLD:
            self._complete(refund)
            if request is not None and request.state == "inspected":
                self._exchanged(request)
        if state == "failed" and new.state == "cancelled":
            self._undo(refund)
            if request is not None:
                request.kind, request.refund = "return", None
                request.line.returning += request.settled

    # --- Coming back -------------------------------------------------------------

    def ask_return(
        self, order: Order, kind: str, at: int, units: int, wanted: str, is_fault: bool
    ) -> Return:
        line = order.lines.get(at)
        if order.state not in STANDING or line is None:
            raise NotNow
        if not 1 <= units <= line.quantity - line.units_back - line.returning:
            raise NotNow
        line.returning += units
        return Return(order, kind, at, units, wanted, is_fault)

    def approve(self, request: Return) -> None:
        request.check("approved")
        if request.kind == "exchange":
            if not self.has({request.wanted: request.units}):
                raise NotNow
            self.reserved[request.wanted] += request.units
        request.state = "approved"

    def give_up(self, request: Return, state: str) -> None:
        if state == request.state == "cancelled":
            return
        request.check(state)
        request.line.returning -= request.units
        if request.kind == "exchange" and request.state != "requested":
            self.reserved[request.wanted] -= request.units
        request.state = state

    def move(self, request: Return, state: str) -> None:
        request.check(state)
        request.state = state

    def inspect(self, request: Return, accepted: int, *, restock: bool) -> None:
        request.check("inspected")
        if not 0 <= accepted <= request.units:
            raise NotNow
        request.state, request.accepted = "inspected", accepted
        if restock and request.order.is_ours:
            self._shelve(request.line.sku, accepted)

    def refund_return(self, request: Return) -> Refund:
        if request.state == "refunded":
            return request.refund
        request.check("refunded")
        items = {request.at: request.settled} if request.settled else {}
        request.line.returning -= request.units
        try:
            refund = self.ask_refund(
                request.order,
                items,
                with_freight=None,
                restocks=False,
                key=f"return{id(request)}",
                is_fault=request.is_fault,
            )
        except NotNow:
            request.line.returning += request.units
            raise
        if request.kind == "exchange":
            self.reserved[request.wanted] -= request.units
        refund.is_tied = True
        request.state, request.refund = "refunded", refund
        for at, (units, _money, _points) in refund.parts.items():
            # Gifts that never left, and that nobody looks at.
            if request.order.is_ours:
                self._shelve(request.order.lines[at].sku, units - items.get(at, 0))
        return refund

    def plan_exchange_of(self, request: Return) -> Plan | None:
        """Say what exchanging a return comes to; None when that was done before."""
        if request.kind != "exchange":
            raise NotNow
        if request.state == "exchanged" or request.waits_for_difference:
            return None
        request.check("exchanged")
        if not request.settled:
            raise NotNow
        request.line.returning -= request.settled
        try:
            return self.plan_exchange(
                request.order,
                request.at,
                request.settled,
                request.wanted,
                is_reserved=True,
            )
        except NotNow:
            request.line.returning += request.settled
            raise

    def exchange_return(self, request: Return, refund: Refund) -> None:
        self.reserved[request.wanted] -= request.units - request.settled
        request.refund, refund.is_tied = refund, True
        if refund.replaced_by.state in SOLD:
            self._exchanged(request)

    def _exchanged(self, request: Return) -> None:
        request.line.returning -= request.units - request.settled
        request.state = "exchanged"

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
            done = [r for r in order.refunds.values() if r.state == "completed"]
            net += order.basis // 100 - self._clawed(order)
            net += sum(r.points for r in done) - order.points
        return net

    def _clawed(self, order: Order) -> int:
        """Return the points taken back of an order: never less after one refund more."""
        below = order.and_below()
        done = [refund for refund in self.completed if refund.order in below]
        return max(
            (
                floor(_due(order, done[:count]))
                for count in range(1, len(done) + 1)
                if order.basis
            ),
            default=0,
        )

    def points_held(self) -> int:
        """Return what is reserved for orders that wait."""
        return sum(o.points for o in self.orders.values() if o.state == "pending")

    def promotion_uses(self) -> dict[str, int]:
        """Return how often each promotion is used, by its kind."""
        orders = [each for each in self.orders.values() if each.state != "cancelled"]
        gifts = [any(x.gift_of for x in each.lines.values()) for each in orders]
        ladders = [each.has_promotion for each in orders]
        return {"spend_ladder": sum(ladders), "gift": sum(gifts)}

    def coupon_states(self, coupons: list[str]) -> dict[str, str]:
        """Return where each coupon stands: back after a cancellation or full refund."""
        states = dict.fromkeys(coupons, "available")
        for order in self.orders.values():
            was_exchanged = any(
                r.exchanged or r.replaced_by
                for r in order.refunds.values()
                if r.state == "completed"
            )
            is_used = order.state in STANDING or (
                order.state == "refunded" and was_exchanged
            )
            if order.coupon and (is_used or order.state == "pending"):
                states[order.coupon] = "used" if is_used else "held"
        return states


def _due(order: Order, done: list[Refund]) -> Fraction:
    """Return the points due after some refunds, exactly (P19).

    Of units what their lines earned; of what came without units, or was kept although
    they came, its part of the whole.
    """
    earned = order.basis // 100
    back = min(_goods_back(order, done), order.basis)
    due = Fraction(earned * back, order.basis)
    if order.parent is not None:
        return due
    lines = {at: line for at, line in order.lines.items() if line.kind == "goods"}
    units = dict.fromkeys(order.lines, 0)
    for refund in done:
        if refund.replaced_by is None:
            parts = {at: part[0] for at, part in refund.parts.items()}
            for at, count in refund.order.as_first(parts).items():
                units[at] += count
    points = share(earned, [line.net for line in lines.values()])
    for (at, line), own in zip(lines.items(), points, strict=True):
        gone = min(units[at], line.quantity)
        worth = part_of(line.net, gone, line.quantity)
        due += Fraction(own * gone, line.quantity)
        due -= Fraction(earned * worth, order.basis)
    return due


def _goods_back(order: Order, done: list[Refund]) -> int:
    """Return the goods taken back of an order, and what its exchanges pass on."""
    own = sum(each.goods - each.exchanged for each in done if each.order is order)
    return own + sum(
        max(0, _goods_back(child, done) - child.basis) for child in order.children
    )


def _wait(what: Tender | Payment, now: datetime) -> None:
    wait = min(FIRST_WAIT * 2**what.attempts, LONGEST_WAIT)
    what.attempts, what.due_at = what.attempts + 1, now + wait
