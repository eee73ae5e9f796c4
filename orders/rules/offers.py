"""The socket for everything that lowers a price. Plain Python.

Apps above plug in through ``crm.wiring.OFFER_SOURCES``. A source looks its offers
up and later claims what was applied; the offers themselves are plain values that the
pricing function asks in a fixed order (S1): stage, then priority (high first), then
start, then id (S3).
"""

from collections.abc import Sequence, Set
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from enum import IntEnum
from typing import Any, Protocol

from orders.rules.freight import FreightRule
from orders.rules.unit_prices import PriceOption, best_price


class Stage(IntEnum):
    """Where in the pipeline an offer acts (S1); basis is taken on entering (S7)."""

    ITEM = 20
    ORDER = 30
    COUPON = 40
    POINTS = 60


#: Stages that look at goods; group and flash prices close a line to them (S2).
GOODS_STAGES = frozenset({Stage.ITEM, Stage.ORDER, Stage.COUPON})


@dataclass(frozen=True, slots=True)
class PriceLine:
    """One position to be priced. ``kind`` is that of ``orders.Product``.

    ``unit_price_minor`` is what a unit costs before any offer, the best price of the
    first stage (S1); ``price_kind`` tells which price that is.
    """

    position: int
    variant_id: int
    product_id: int
    category_id: int | None
    sku: str
    name: str
    kind: str
    quantity: int
    unit_price_minor: int
    #: Without sale or member price; -1 is the unit price itself.
    list_price_minor: int = -1
    price_kind: str = "list"
    #: Other prices that run now; ``at_best_price`` chooses.
    prices: tuple[PriceOption, ...] = ()
    #: What a unit costs the shop; None is not known.
    cost_minor: int | None = None
    #: The category and all above it.
    category_ids: tuple[int, ...] = ()
    #: Of one unit.
    weight_grams: int = 0
    #: No offer takes a unit below this (S12).
    floor_minor: int = 0
    #: At a group or flash price, which no offer on goods lowers (S2).
    is_closed: bool = False

    def __post_init__(self) -> None:
        """Fill in the list price of a line that has no other."""
        if self.list_price_minor < 0:
            object.__setattr__(self, "list_price_minor", self.unit_price_minor)

    @property
    def gross_minor(self) -> int:
        """Return quantity times unit price."""
        return self.quantity * self.unit_price_minor

    def at_best_price(self, audiences: Set[str]) -> "PriceLine":
        """Return the line as somebody of these audiences pays it (S1, S24)."""
        if not self.prices:
            return self
        best = best_price(self.list_price_minor, self.prices, audiences)
        return replace(
            self,
            unit_price_minor=best.amount_minor,
            list_price_minor=best.list_minor,
            price_kind=best.kind,
            prices=(),
        )

    def at_agreed_price(self, unit_price_minor: int, *, kind: str) -> "PriceLine":
        """Return the line at a price agreed elsewhere, closed to offers on goods (S2).

        Args:
            kind: what agreed on it, such as ``group`` (G10).
        """
        everybody = best_price(self.list_price_minor, self.prices, frozenset())
        return replace(
            self,
            unit_price_minor=unit_price_minor,
            list_price_minor=everybody.list_minor,
            price_kind=kind,
            prices=(),
            is_closed=True,
        )


@dataclass(frozen=True, slots=True)
class PriceRequest:
    """Everything a price depends on: same request, same quote (X6)."""

    lines: tuple[PriceLine, ...]
    currency: str
    now: datetime
    member_id: int | None = None
    channel_code: str = ""
    coupon_codes: tuple[str, ...] = ()
    points_to_spend: int = 0
    #: An order asks again for its own holds (C6).
    order_id: int | None = None
    #: Where it goes, as far as known, and what delivery costs there; None: ask.
    province: str = ""
    freight: tuple[FreightRule, ...] | None = None
    #: What the buyer belongs to: decides between prices (S1).
    audiences: frozenset[str] = frozenset()
    #: What sources have read for this request, so that each asks the database once.
    #: Keyed by what was asked for, since ``replace`` hands it on.
    reads: dict[Any, Any] = field(default_factory=dict, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class StageLine:
    """A line as it stands on entering a stage.

    Thresholds look at ``amount_minor`` (S7). ``left_minor`` is what earlier offers of
    the same stage left of it: the base of a percentage (S8). It defaults to all.
    """

    line: PriceLine
    amount_minor: int
    left_minor: int = -1

    def __post_init__(self) -> None:
        """Fill in what nobody has taken anything from yet."""
        if self.left_minor < 0:
            object.__setattr__(self, "left_minor", self.amount_minor)


class StageLines(tuple[StageLine, ...]):
    """The lines on entering a stage, with the sums that many offers ask for.

    A thousand offers over one cart ask for the goods of it; they are summed up once.
    """

    def of_kinds(self, kinds: frozenset[str]) -> "Eligible":
        """Return the lines of some kinds with their sums."""
        known: dict[Any, Eligible] = self.__dict__
        if kinds not in known:
            known[kinds] = Eligible.of(self, kinds)
        return known[kinds]


@dataclass(frozen=True, slots=True)
class Eligible:
    """Lines an offer looks at: the basis of thresholds, and what is left (S7, S8)."""

    positions: tuple[int, ...]
    amount_minor: int
    left_minor: int

    @classmethod
    def of(cls, lines: Sequence[StageLine], kinds: frozenset[str]) -> "Eligible":
        """Return the lines of some kinds with their sums."""
        found = [each for each in lines if each.line.kind in kinds]
        return cls(
            positions=tuple(each.line.position for each in found),
            amount_minor=sum(each.amount_minor for each in found),
            left_minor=sum(each.left_minor for each in found),
        )


def eligible(lines: Sequence[StageLine], kinds: frozenset[str]) -> Eligible:
    """Return the lines of some kinds with their sums, summed up once per stage."""
    if isinstance(lines, StageLines):
        return lines.of_kinds(kinds)
    return Eligible.of(lines, kinds)


@dataclass(frozen=True, slots=True)
class Reduction:
    """What an offer takes off, and from which lines.

    ``positions`` are the eligible lines; the amount is shared over them by largest
    remainder on their amounts (S9, S10). ``points`` are spent for it, if any.
    """

    amount_minor: int
    positions: tuple[int, ...]
    points: int = 0
    trace: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Refused:
    """Why an offer took nothing: a stable code and the numbers that explain it (S25).

    ``params`` holds plain values; money stands there as ``…_minor`` integers.
    """

    code: str
    params: dict[str, Any] = field(default_factory=dict)


class Offer(Protocol):
    """A reduction that may apply. Pure: the answer depends on the lines alone.

    Offers that start at a time also carry ``starts_at``, aware, for S3; without it
    the id decides, which sorts by birth. What an order keeps of an offer, so that
    nobody has to ask today's, is its ``terms()``, a dict of JSON, and ``on_return``:
    what a partial return does to it (R6), ``keep`` or ``reprice``.

    ``least_minor``, where an offer has it, is a quick no: it takes nothing while the
    goods are worth less on entering its stage, and is not even asked.
    """

    stage: Stage
    priority: int
    source_kind: str
    source_id: str
    name: str
    #: At most one offer of a group applies; empty means no group (S4).
    exclusive_group: str

    def reduce(self, lines: Sequence[StageLine]) -> Reduction | Refused:
        """Answer what is taken off lines as they stand on entering the stage."""
        ...


_BEFORE_ALL = datetime.min.replace(tzinfo=UTC)


def offer_order(offer: Offer) -> tuple[Any, ...]:
    """Return the place of an offer in its stage (S3)."""
    starts_at = getattr(offer, "starts_at", None) or _BEFORE_ALL
    return (-offer.priority, starts_at, offer.source_id, offer.source_kind)


def least_minor(offer: Offer) -> int:
    """Return the goods below which an offer takes nothing, as far as it says so."""
    return getattr(offer, "least_minor", 0)


@dataclass(frozen=True, slots=True)
class Applied:
    """An offer that took something off, with its share of each line."""

    stage: Stage
    source_kind: str
    source_id: str
    name: str
    amount_minor: int
    #: ``(position, amount_minor)``; adds up to ``amount_minor`` (X8).
    shares: tuple[tuple[int, int], ...]
    points: int = 0
    #: ``(position, points)``; adds up to ``points``.
    point_shares: tuple[tuple[int, int], ...] = ()
    #: What its source needs to make the same offer again; see ``Offer``.
    terms: dict[str, Any] = field(default_factory=dict)
    on_return: str = "keep"


class OfferSource(Protocol):
    """One entry of ``OFFER_SOURCES``: finds offers, and claims what was applied.

    A source answers only for its own ``source_kind``. One is made for each quote. It
    may have ``audiences(request) -> frozenset[str]``: what the buyer belongs to, such
    as ``member`` or ``tier:gold``, asked only where prices differ by it.
    """

    source_kind: str

    def offers_for(
        self, request: PriceRequest
    ) -> tuple[Sequence[Offer], Sequence[tuple[str, str, Refused]]]:
        """Return the offers to try, and those refused at once.

        The refused are ``(source_id or code, name, Refused)``, for example a coupon
        code nobody knows.
        """
        ...

    def claim(self, applied: Applied, *, order_id: int, now: datetime) -> None:
        """Reserve what the order uses, inside the order's transaction.

        Raises:
            Refusal: it is gone (used up, spent, expired); the order is not placed.
        """
        ...
