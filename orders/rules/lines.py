"""The lines of a cart: what is bought, and how offers see it. Plain Python."""

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

from orders.rules.floors import MINIMUM_PRICE
from orders.rules.unit_prices import PriceOption, best_price
from orders.rules.units import split_over_units

#: What a charge for delivery is as a line; it stands behind the goods.
FREIGHT_KIND = "freight"
#: Kinds of what delivery costs: charges, and lines of a cart that stand for one.
DELIVERY_KINDS = frozenset({FREIGHT_KIND, "delivery"})
#: Mark of a line whose price fell below list by a sale, tier or group price (C17).
ON_SALE = "on_sale"


# Nobody changes one. It is not frozen, which would make it three times as dear: every
# quote makes one of each line.
@dataclass(slots=True, unsafe_hash=True)
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
    #: No offer takes a unit below this, nor do points (S12); and which floor it is.
    floor_minor: int = 0
    floor_kind: str = MINIMUM_PRICE
    #: At a group or flash price, which no offer on goods lowers (S2).
    is_closed: bool = False
    #: What scopes look for besides SKU, product and categories: ``brand:acme``.
    marks: frozenset[str] = frozenset()
    #: Found once: every offer asks for it.
    _every_mark: frozenset[str] = field(
        default=frozenset(), init=False, compare=False, repr=False
    )

    def __post_init__(self) -> None:
        """Fill in the list price of a line that has no other."""
        if self.list_price_minor < 0:
            self.list_price_minor = self.unit_price_minor

    @property
    def gross_minor(self) -> int:
        """Return quantity times unit price."""
        return self.quantity * self.unit_price_minor

    @property
    def every_mark(self) -> frozenset[str]:
        """Return everything an offer may look for, whatever is taken off the line.

        >>> line = PriceLine(1, 1, 7, None, "A", "A", "goods", 1, 9, category_ids=(3,))
        >>> sorted(line.every_mark)
        ['category:3', 'product:7', 'sku:A']
        """
        if not self._every_mark:
            marks = [f"category:{each}" for each in self.category_ids]
            marks += (f"sku:{self.sku}", f"product:{self.product_id}", *self.marks)
            if self.unit_price_minor < self.list_price_minor:
                marks.append(ON_SALE)
            self._every_mark = frozenset(marks)
        return self._every_mark

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

        It is a price and no reduction: below its floor it stays as agreed, and nothing
        more is taken off (S12).

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


# Not frozen either: one is made of every line after every offer.
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
            self._unit_lefts = split_over_units(
                self.left_minor,
                self.line.quantity,
                self.units,
                self.line.floor_minor,
            )
        return self._unit_lefts


Found = dict[Any, Any]


class StageLines(tuple[StageLine, ...]):
    """The lines on entering a stage, with the sums that many offers ask for.

    A thousand offers over one cart ask for the goods of it; they are summed up once.
    ``places`` holds where lines of a scope stand; while the same lines stand there.
    """

    places: Found
    #: Units by SKU that offers before this one give away (S17).
    promised: Mapping[str, int] = MappingProxyType({})
    #: What offers before this one take off budgets, by their keys (S21).
    spent: Mapping[Any, int] = MappingProxyType({})

    @classmethod
    def over(
        cls, lines: Iterable[StageLine], places: Found | None = None
    ) -> "StageLines":
        """Return lines, with where some of them stand as far as that is known."""
        made = cls(lines)
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
