"""Everything that may lower a price, as the pricing function sees it. Plain Python.

Apps above plug in through ``crm.wiring.OFFER_SOURCES`` (``orders.rules.sources``). The
offers themselves are plain values that the pricing function asks in a fixed order
(S1): stage, then priority (high first), then start, then id (S3).
"""

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from enum import IntEnum
from types import MappingProxyType
from typing import Any, Protocol

from orders.rules.freight import FreightRule
from orders.rules.gifts import Gift
from orders.rules.unit_prices import PriceOption, best_price
from orders.rules.units import split_over_units


class Stage(IntEnum):
    """Where in the pipeline an offer acts (S1); basis is taken on entering (S7)."""

    #: Unit prices, before anything else looks at them.
    PRICE = 10
    ITEM = 20
    ORDER = 30
    COUPON = 40
    #: Lowers what delivery costs, and nothing else (S19).
    FREIGHT = 50
    POINTS = 60


#: Stages that look at goods; group and flash prices close a line to them (S2).
GOODS_STAGES = frozenset({Stage.ITEM, Stage.ORDER, Stage.COUPON})
#: What a charge for delivery is as a line; it stands behind the goods.
FREIGHT_KIND = "freight"


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
    #: What scopes look for besides SKU, product and categories: ``brand:acme``.
    marks: frozenset[str] = frozenset()

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


def brand_marks(brand_id: int | None) -> frozenset[str]:
    """Return the mark of who makes an article, if somebody is named."""
    return frozenset() if brand_id is None else frozenset({f"brand:{brand_id}"})


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
    #: Charges for delivery that are known before anything is priced, as lines of
    #: their own kind at positions below 1; no freight rule is asked then.
    charges: tuple[PriceLine, ...] = ()
    #: What the buyer belongs to: decides between prices (S1).
    audiences: frozenset[str] = frozenset()
    #: What sources have read for this request, so that each asks the database once,
    #: and what was made of it for others like it.
    #: Keyed by what was asked for, since ``replace`` hands it on.
    reads: dict[Any, Any] = field(default_factory=dict, compare=False, repr=False)


# Nobody changes one. It is not frozen, which would make it three times as dear: one is
# made of every line after every offer.
@dataclass(slots=True)
class StageLine:
    """A line as it stands on entering a stage.

    Thresholds look at ``amount_minor`` (S7). ``left_minor`` is what earlier offers of
    the same stage left of it: the base of a percentage (S8). It defaults to all.
    """

    line: PriceLine
    amount_minor: int
    left_minor: int = -1
    #: What it cost before any offer but those on unit prices; -1 is ``amount_minor``.
    opening_minor: int = -1
    #: What units cost, in proportion, where offers took from single ones.
    units: tuple[int, ...] = ()
    #: Units that an offer used up (S15), by their place in the line.
    used: frozenset[int] = frozenset()
    _unit_lefts: tuple[int, ...] = field(default=(), compare=False, repr=False)

    def __post_init__(self) -> None:
        """Fill in what nobody has taken anything from yet."""
        if self.left_minor < 0:
            self.left_minor = self.amount_minor
        if self.opening_minor < 0:
            self.opening_minor = self.amount_minor

    @property
    def unit_lefts(self) -> tuple[int, ...]:
        """Return what is left of each unit; they add up to ``left_minor`` (S11)."""
        if not self._unit_lefts:
            count = self.line.quantity
            self._unit_lefts = split_over_units(self.left_minor, count, self.units)
        return self._unit_lefts


Found = dict[Any, Any]


class StageLines(tuple[StageLine, ...]):
    """The lines on entering a stage, with the sums that many offers ask for.

    A thousand offers over one cart ask for the goods of it; they are summed up once.
    ``known`` outlives the stage: what holds of a line whatever is taken off it.
    ``places`` holds where lines of a scope stand; while the same lines stand there.
    """

    known: Found
    places: Found
    #: Units by SKU that offers before this one give away (S17).
    promised: Mapping[str, int] = MappingProxyType({})
    #: What offers before this one take off budgets, by their keys (S21).
    spent: Mapping[Any, int] = MappingProxyType({})

    @classmethod
    def over(
        cls, lines: Iterable[StageLine], known: Found, places: Found | None = None
    ) -> "StageLines":
        """Return lines with what is already known of them."""
        made = cls(lines)
        made.known = known
        made.places = {} if places is None else places
        return made

    def of_kinds(self, kinds: frozenset[str]) -> "Eligible":
        """Return the lines of some kinds with their sums."""
        sums: dict[Any, Eligible] = self.__dict__
        if kinds not in sums:
            sums[kinds] = Eligible.of(self, kinds)
        return sums[kinds]


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
    remainder on their amounts (S9, S10). An offer that knows better says so:
    ``shares`` by line, ``unit_shares`` by unit. ``points`` are spent for it, if any.
    """

    amount_minor: int
    positions: tuple[int, ...]
    points: int = 0
    trace: dict[str, Any] = field(default_factory=dict)
    #: ``(position, amount_minor)``; adds up to ``amount_minor``. Empty: share it.
    shares: tuple[tuple[int, int], ...] = ()
    #: ``(position, unit, amount_minor)``; adds up to ``amount_minor``. Empty: spread.
    unit_shares: tuple[tuple[int, int, int], ...] = ()
    #: ``(position, unit)`` of units no other offer of their kind may use (S15, S18).
    uses: tuple[tuple[int, int], ...] = ()
    gifts: tuple[Gift, ...] = ()
    #: What lines at their floor cannot take: to the other lines (S10), or to nobody.
    moves_excess: bool = True
    #: No other offer on goods lowers the lines it takes from (S2).
    closes: bool = False
    #: Key of the budget that pays for it; offers of one key share what is left (S21).
    budget: Any = None
    #: How many units it has left to give, this cart's included; None: it counts none.
    units_left: int | None = None

    @property
    def trigger_positions(self) -> tuple[int, ...]:
        """Return the lines of goods that its gifts come with (R8)."""
        if not self.gifts:
            return ()
        return tuple(sorted({position for position in self.positions if position > 0}))


@dataclass(frozen=True, slots=True)
class Refused:
    """Why an offer took nothing: a stable code and the numbers that explain it (S25).

    ``params`` holds plain values; money stands there as ``…_minor`` integers.
    """

    code: str
    params: dict[str, Any] = field(default_factory=dict)


class Offer(Protocol):
    """A reduction that may apply. Pure: the answer depends on the lines alone.

    What an order keeps of an offer, so that nobody has to ask today's, is its
    ``terms()``, a dict of JSON. What else an offer may say of itself stands in
    ``TRAITS``, with what it means to say nothing.
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


#: What an offer may say of itself, and what holds where it does not.
TRAITS: dict[str, Any] = {
    # Aware; of two equal offers the older goes first (S3). Else the id decides.
    "starts_at": None,
    # The place in a list that somebody put in order; goes before the start.
    "rank": 0,
    # A quick no: it takes nothing while the goods are worth less on entering its
    # stage, and is not even asked.
    "least_minor": 0,
    # What a partial return does to it (R6): ``keep`` or ``reprice``.
    "on_return": "keep",
    # Lanes of a stage run one after another; each begins with what the last one left.
    "lane": 0,
    # Whether ``exclusive_group`` lets one offer apply per ``order`` or per ``line``.
    "group_scope": "order",
    # It applies without any other offer of its stages, or not at all (S4).
    "is_alone": False,
    # Ids of offers it does not combine with (S5).
    "forbids": frozenset(),
    # ``concerns(lines)``: positions of the lines that matter to it; None is any (S6).
    "concerns": None,
    # It may give goods on top, whose worth no line bounds.
    "has_gifts": False,
}


def trait(offer: Offer, name: str) -> Any:
    """Return what an offer says of itself; see ``TRAITS``."""
    return getattr(offer, name, TRAITS[name])


_BEFORE_ALL = datetime.min.replace(tzinfo=UTC)


def offer_order(offer: Offer) -> tuple[Any, ...]:
    """Return the place of an offer in its lane (S3)."""
    starts_at = trait(offer, "starts_at") or _BEFORE_ALL
    rank = trait(offer, "rank")
    return (-offer.priority, rank, starts_at, offer.source_id, offer.source_kind)


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
    #: ``(position, amount_minor)``; with ``charge_shares`` it adds up to
    #: ``amount_minor`` (X8).
    shares: tuple[tuple[int, int], ...]
    points: int = 0
    #: ``(position, points)``; with ``charge_points`` it adds up to ``points``.
    point_shares: tuple[tuple[int, int], ...] = ()
    #: What its source needs to make the same offer again; see ``Offer``.
    terms: dict[str, Any] = field(default_factory=dict)
    on_return: str = "keep"
    #: What it took off delivery, by position of the charge.
    charge_shares: tuple[tuple[int, int], ...] = ()
    gifts: tuple[Gift, ...] = ()
    #: The lines its gifts came with, and must come back with (R8).
    trigger_positions: tuple[int, ...] = ()
    #: The points that paid for delivery, where they may (P23).
    charge_points: int = 0
    #: How many units of goods it lowers, and how many it had left; None: no limit.
    units: int = 0
    units_left: int | None = None
