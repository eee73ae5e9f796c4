"""Everything that may lower a price, as the pricing function sees it. Plain Python.

Apps above plug in through ``crm.wiring.OFFER_SOURCES`` (``orders.rules.sources``). The
offers themselves are plain values that the pricing function asks in a fixed order
(S1): stage, then priority (high first), then start, then id (S3).
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import IntEnum
from typing import Any

from orders.rules.freight import FreightRule
from orders.rules.gifts import Gift
from orders.rules.lines import PriceLine, StageLine, StageLines
from orders.rules.staff_discounts import StaffDiscount


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
    #: What staff take off it by hand (S26).
    by_staff: StaffDiscount | None = None
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


# Nobody changes one, nor a refusal or what was applied. They are not frozen, as
# ``StageLine`` is not: each offer that is asked makes some.
@dataclass(slots=True)
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
    #: Shares of lines are taken off their units, the first ones the remainder; or off
    #: all units in proportion (S11).
    by_first_units: bool = False
    #: No other offer on goods lowers the lines it takes from (S2).
    closes: bool = False
    #: Key of the budget that pays for it; offers of one key share what is left (S21).
    budget: Any = None
    #: How many units it has left to give, this cart's included; None: it counts none.
    units_left: int | None = None

    @property
    def touched(self) -> frozenset[int]:
        """Return the lines it would take from."""
        named = (at for at, *_rest in (*self.shares, *self.unit_shares))
        return frozenset({*self.positions, *named})

    @property
    def trigger_positions(self) -> tuple[int, ...]:
        """Return the lines of goods that its gifts come with (R8)."""
        if not self.gifts:
            return ()
        return tuple(sorted({position for position in self.positions if position > 0}))


@dataclass(slots=True)
class Refused:
    """Why an offer took nothing: a stable code and the numbers that explain it (S25).

    ``params`` holds plain values; money stands there as ``…_minor`` integers.
    """

    code: str
    params: dict[str, Any] = field(default_factory=dict)


class Offer(ABC):
    """A reduction that may apply. Pure: the answer depends on the lines alone.

    What an order keeps of an offer, so that nobody has to ask today's, is its
    ``terms()``. What else an offer may say of itself stands here with what it means to
    say nothing.
    """

    __slots__ = ()

    stage: Stage
    priority: int = 0
    source_kind: str
    source_id: str
    name: str
    #: At most one offer of a group applies; empty means no group (S4).
    exclusive_group: str = ""
    #: Whether that lets one offer apply per ``order`` or per ``line``.
    group_scope: str = "order"
    #: Aware; of two equal offers the older goes first (S3). Else the id decides.
    starts_at: datetime | None = None
    #: The place in a list that somebody put in order; goes before the start.
    rank: int = 0
    #: Lanes of a stage run one after another; each begins with what the last one left.
    lane: int = 0
    #: It applies without any other offer of its stages, or not at all (S4).
    is_alone: bool = False
    #: Ids of offers it does not combine with (S5).
    forbids: frozenset[str] = frozenset()

    # Some offers work these out.
    @property
    def least_minor(self) -> int:
        """Return the goods on entering its stage below which nobody needs to ask it."""
        return 0

    @property
    def has_gifts(self) -> bool:
        """Tell whether it may give goods on top, whose worth no line bounds."""
        return False

    @property
    def on_return(self) -> str:
        """Return what a partial return does to it (R6): ``keep`` or ``reprice``."""
        return "keep"

    @abstractmethod
    def reduce(self, lines: Sequence[StageLine]) -> Reduction | Refused:
        """Answer what is taken off lines as they stand on entering the stage."""

    def concerns(self, lines: StageLines) -> frozenset[int] | None:
        """Return the positions of the lines that matter to it; None is any (S6)."""
        return None

    def terms(self) -> dict[str, Any]:
        """Return what makes the same offer again, as JSON."""
        return {}


_BEFORE_ALL = datetime.min.replace(tzinfo=UTC)


def offer_order(offer: Offer) -> tuple[Any, ...]:
    """Return the place of an offer in its lane (S3)."""
    return (
        -offer.priority,
        offer.rank,
        offer.starts_at or _BEFORE_ALL,
        offer.source_id,
        offer.source_kind,
    )


@dataclass(slots=True)
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
    #: Which floor -> the lines that stand at it now, and kept it from more (S12).
    floors: dict[str, list[int]] = field(default_factory=dict)
    #: What it would have taken off, and what it says of how that came about.
    asked_minor: int = 0
    told: dict[str, Any] = field(default_factory=dict)

    def traced(self) -> dict[str, Any]:
        """Return the entry of the trace."""
        entry = {
            "stage": self.stage.name.lower(),
            "kind": self.source_kind,
            "id": self.source_id,
            "name": self.name,
            "result": "applied",
            "amount_minor": self.amount_minor,
            **self.told,
        }
        if self.amount_minor < self.asked_minor:
            entry["asked_minor"] = self.asked_minor
        return entry | ({"floors": self.floors} if self.floors else {})
