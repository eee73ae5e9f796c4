"""Orders as other systems tell of them: do they add up, and what is new. Plain Python.

Another system sends the whole order again whenever something happened. What was agreed
at purchase never changes; the state only moves on, and news that are older than what is
known change nothing.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from crm.shared.money import LARGEST_MINOR

#: States another system may report.
REPORTED = ("pending", "paid", "shipped", "delivered", "completed", "cancelled")
#: The way of an order that is not cancelled, in the order of its states.
_WAY = (
    *("pending", "paid", "partly_shipped", "shipped", "delivered", "completed"),
    "refunded",
)
#: Clocks of other machines may be ahead by this much.
CLOCK_SKEW = timedelta(minutes=5)


class Misfit(ValueError):
    """An order that cannot be: ``code`` says why, ``pointer`` where in the body."""

    def __init__(self, code: str, pointer: str, **params: object):
        """Keep what programs need to know."""
        super().__init__(code)
        self.code = code
        self.pointer = pointer
        self.params = params


class Contradiction(ValueError):
    """Something else was said of this order before; ``pointer`` names the field."""

    def __init__(self, pointer: str):
        """Keep where."""
        super().__init__(pointer)
        self.pointer = pointer


@dataclass(frozen=True, slots=True)
class GivenShare:
    """What one offer of the other system took off a line."""

    code: str
    name: str
    amount_minor: int


@dataclass(frozen=True, slots=True)
class GivenLine:
    """So many units of one SKU. ``name`` and ``kind`` speak where the SKU is new."""

    sku: str
    quantity: int
    unit_price_minor: int
    shares: tuple[GivenShare, ...] = ()
    name: str = ""
    kind: str = "goods"

    @property
    def gross_minor(self) -> int:
        """Return what the units cost before offers."""
        return self.quantity * self.unit_price_minor

    @property
    def discount_minor(self) -> int:
        """Return what all offers took off."""
        return sum(share.amount_minor for share in self.shares)

    @property
    def net_minor(self) -> int:
        """Return what is left to pay."""
        return self.gross_minor - self.discount_minor


@dataclass(frozen=True, slots=True)
class GivenTender:
    """Money that paid a part of the order; ``name`` is the other system's word."""

    name: str
    amount_minor: int


@dataclass(frozen=True, slots=True)
class GivenOrder:
    """An order of another system. ``member_id`` is ours; None: bought by nobody known.

    ``tenders`` may be empty where the other system does not tell how it was paid.
    """

    state: str
    placed_at: datetime
    lines: tuple[GivenLine, ...]
    total_minor: int
    freight_minor: int = 0
    tenders: tuple[GivenTender, ...] = ()
    member_id: int | None = None
    channel: str = ""
    region: str = ""
    campaign: str = ""
    device: str = "unknown"
    paid_at: datetime | None = None
    shipped_at: datetime | None = None
    delivered_at: datetime | None = None
    carrier: str = ""
    tracking: str = ""

    @property
    def goods_minor(self) -> int:
        """Return the lines before offers."""
        return sum(line.gross_minor for line in self.lines)

    @property
    def discount_minor(self) -> int:
        """Return what all offers took off all lines."""
        return sum(line.discount_minor for line in self.lines)

    @property
    def is_paid(self) -> bool:
        """Whether money came."""
        return self.state not in {"pending", "cancelled"}


def check(order: GivenOrder, *, now: datetime) -> None:
    """See whether an order adds up to the unit and its moments follow one another.

    Raises:
        Misfit: ``amount_too_large``, ``discount_twice``, ``discount_too_large`` of a
            line; ``order_sums_differ``, ``tenders_differ`` with ``expected``,
            ``given`` and ``difference`` in minor units; ``time_missing``,
            ``time_unexpected``, ``times_out_of_order``.
    """
    for place, line in enumerate(order.lines):
        _check_line(line, place)
    expected = order.goods_minor - order.discount_minor + order.freight_minor
    if max(order.goods_minor, expected) > LARGEST_MINOR:
        raise Misfit("amount_too_large", "/lines")
    _check_sum("order_sums_differ", "/total", expected, order.total_minor)
    if order.is_paid and order.tenders:
        paid = sum(tender.amount_minor for tender in order.tenders)
        _check_sum("tenders_differ", "/tenders", order.total_minor, paid)
    _check_times(order, now)


def _check_line(line: GivenLine, place: int) -> None:
    if line.gross_minor > LARGEST_MINOR:
        raise Misfit("amount_too_large", f"/lines/{place}", position=place + 1)
    codes = [share.code for share in line.shares]
    if len(set(codes)) < len(codes):
        raise Misfit("discount_twice", f"/lines/{place}/discounts", position=place + 1)
    if line.net_minor < 0:
        raise Misfit(
            "discount_too_large", f"/lines/{place}/discounts", position=place + 1
        )


def _check_sum(code: str, pointer: str, expected: int, given: int) -> None:
    if expected != given:
        raise Misfit(
            code, pointer, expected=expected, given=given, difference=given - expected
        )


def _check_times(order: GivenOrder, now: datetime) -> None:
    reached = _WAY.index(order.state) if order.state in _WAY else -1
    last, last_at = "placed_at", order.placed_at
    for name, state in (
        ("paid_at", "paid"),
        ("shipped_at", "shipped"),
        ("delivered_at", "delivered"),
    ):
        at = getattr(order, name)
        if at is None and name == "paid_at" and order.is_paid:
            raise Misfit("time_missing", f"/{name}", field=name)
        if at is None:
            continue
        if _WAY.index(state) > reached:
            raise Misfit("time_unexpected", f"/{name}", field=name)
        if at < last_at:
            raise Misfit("times_out_of_order", f"/{name}", field=name)
        last, last_at = name, at
    if last_at > now + CLOCK_SKEW:
        raise Misfit("times_out_of_order", f"/{last}", field=last)


def find_contradiction(known: GivenOrder, given: GivenOrder) -> str:
    """Return the pointer to the first field that says something else than before.

    Empty when there is none. Moments are compared where both sides know them, tenders
    once the order is paid on both.

    >>> at = datetime(2026, 11, 21)
    >>> one = GivenOrder("paid", at, (GivenLine("A", 1, 100),), 100)
    >>> two = GivenOrder("paid", at, (GivenLine("A", 1, 120),), 120)
    >>> find_contradiction(one, two)
    '/lines/0/unit_price'
    """
    return next(_differences(known, given), "")


def _differences(known: GivenOrder, given: GivenOrder) -> Iterator[str]:
    for name in ("member_id", "channel", "region", "campaign", "device", "placed_at"):
        if getattr(known, name) != getattr(given, name):
            yield f"/{name.removesuffix('_id')}"
    if len(known.lines) != len(given.lines):
        yield "/lines"
    for place, (old, new) in enumerate(zip(known.lines, given.lines, strict=False)):
        field = _different_field(old, new)
        if field:
            yield f"/lines/{place}/{field}"
    if known.freight_minor != given.freight_minor:
        yield "/freight"
    if known.is_paid and given.is_paid:
        if _sorted(known.tenders) != _sorted(given.tenders):
            yield "/tenders"
        if known.paid_at != given.paid_at:
            yield "/paid_at"


def _different_field(old: GivenLine, new: GivenLine) -> str:
    if old.sku != new.sku:
        return "sku"
    if old.quantity != new.quantity:
        return "quantity"
    if old.unit_price_minor != new.unit_price_minor:
        return "unit_price"
    # What an offer is called may be mended; what it took may not.
    taken = [
        {share.code: share.amount_minor for share in line.shares} for line in (old, new)
    ]
    return "discounts" if taken[0] != taken[1] else ""


def _sorted(tenders: Sequence[GivenTender]) -> list[tuple[str, int]]:
    return sorted((tender.name, tender.amount_minor) for tender in tenders)


def steps(known: str, reported: str) -> list[str]:
    """Return the states an order must go through to be what is reported.

    Empty for news that are old: it is there, or further on. Partly shipped orders
    and refunds are this shop's own news.

    Raises:
        Contradiction: one of the two is cancelled and the other was paid.

    >>> steps("paid", "delivered"), steps("completed", "paid")
    (['shipped', 'delivered'], [])
    """
    if "cancelled" in {known, reported}:
        if known == reported or (known, reported) == ("cancelled", "pending"):
            return []
        if known == "pending":
            return ["cancelled"]
        raise Contradiction("/state")
    ahead = _WAY[_WAY.index(known) + 1 : _WAY.index(reported) + 1]
    return [state for state in ahead if state in REPORTED]
