"""What is left of a cart while offers are asked one after another. Plain Python.

Amounts are kept by line. Units of a line stay equal until an offer takes from single
ones; from then on each unit has an amount of its own. What is taken off the line later
lowers its units in proportion; they always add up to it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from crm.shared.money import share
from orders.rules.closing import (
    NO_UNITS,
    ClosedUnits,
    closed_from,
    on_entering,
    on_opening,
    open_part,
)
from orders.rules.frames import Frame
from orders.rules.freight import Delivery, FreightRule, freight_minor
from orders.rules.gifts import and_promised
from orders.rules.lines import FREIGHT_KIND, PriceLine, StageLine, StageLines
from orders.rules.offers import GOODS_STAGES, PriceRequest, Reduction, Stage
from orders.rules.takings import Taking
from orders.rules.units import split_first, split_over_units

#: Only what is delivered is charged freight.
_DELIVERED = "goods"
_NONE: frozenset[int] = frozenset()
#: What is taken: ``(position, amount_minor)``.
_Shares = tuple[tuple[int, int], ...]
#: A group or flash price is the line's last price but for points (S2).
_CLOSED_TO = GOODS_STAGES | {Stage.PRICE}


@dataclass(slots=True)
class Basket:
    """The lines of a request, charges for delivery last, and what is left of each."""

    lines: tuple[PriceLine, ...]
    left: dict[int, int]
    #: What may not be taken off a line, where it has a floor (S12).
    floors: dict[int, int]
    #: What lines cost once unit prices are made; what ``opening`` means to offers.
    opening: dict[int, int]
    frame: Frame
    units: dict[int, tuple[int, ...]] = field(default_factory=dict)
    used: dict[int, frozenset[int]] = field(default_factory=dict)
    #: Units by SKU that offers give away: nobody else can give them, too.
    promised: dict[str, int] = field(default_factory=dict)
    #: What offers take off budgets, by their keys: nobody else can spend it, too.
    spent: dict[Any, int] = field(default_factory=dict)
    #: Lines at a group or flash price, closed to offers on goods (S2).
    closed: frozenset[int] = _NONE
    #: Of lines whose last units alone are closed; never changed, but replaced.
    closed_units: dict[int, ClosedUnits] = field(default_factory=dict)
    #: See ``StageLines``: of the lines that are not closed.
    _open_places: dict[Any, Any] = field(default_factory=dict)
    #: Lines as they were last shown, and the positions of those that have changed.
    _shown: list[StageLine] = field(default_factory=list)
    _changed: set[int] = field(default_factory=set)
    _entering: dict[int, int] | None = None

    @classmethod
    def of(cls, request: PriceRequest) -> "Basket":
        """Begin with the first stage: every line at its best unit price (S1)."""
        in_order = sorted(request.lines, key=lambda line: line.position)
        goods = (line.at_best_price(request.audiences) for line in in_order)
        lines = (*goods, *request.charges)
        if len({line.position for line in lines}) != len(lines):
            raise ValueError("Two lines stand at one position.")
        if any(line.quantity < 1 or line.unit_price_minor < 0 for line in lines):
            raise ValueError("A line needs a quantity and no negative price.")
        left = {line.position: line.gross_minor for line in lines}
        closed = frozenset(line.position for line in lines if line.is_closed)
        floors = {
            line.position: line.floor_minor * line.quantity
            for line in lines
            if line.floor_minor
        }
        return cls(
            lines,
            left=left,
            floors=floors,
            opening=dict(left),
            frame=Frame.of(lines),
            closed=closed,
        )

    def copy(self) -> "Basket":
        """Return a basket to try something on."""
        return Basket(
            lines=self.lines,
            left=dict(self.left),
            floors=self.floors,
            opening=self.opening,
            frame=self.frame,
            units=dict(self.units),
            used=dict(self.used),
            promised=self.promised,
            spent=self.spent,
            closed=self.closed,
            closed_units=self.closed_units,
            _open_places=self._open_places,
            _shown=list(self._shown),
            _changed=set(self._changed),
            _entering=self._entering,
        )

    @property
    def goods(self) -> tuple[PriceLine, ...]:
        """Return the lines that were asked for."""
        return tuple(line for line in self.lines if line.kind != FREIGHT_KIND)

    @property
    def charges(self) -> tuple[PriceLine, ...]:
        """Return what delivery is charged."""
        return tuple(line for line in self.lines if line.kind == FREIGHT_KIND)

    @property
    def charged_at(self) -> frozenset[int]:
        """Return the positions of what delivery is charged."""
        return self.frame.charged_at

    def charge_by(self, rule: FreightRule) -> Delivery:
        """Add what a rule says that delivery costs, as a line of its own."""
        goods = [line for line in self.lines if line.kind == _DELIVERED]
        spend = sum(self.left[line.position] for line in goods)
        grams = sum(line.weight_grams * line.quantity for line in goods)
        fee = freight_minor(rule, goods_minor=spend, has_goods=bool(goods), grams=grams)
        if fee:
            line = delivery_charge(fee, name=rule.name)
            self.lines = (*self.lines, line)
            self.frame, self._open_places = Frame.of(self.lines), {}
            self.left[line.position] = fee
            self._entering = None
            self.opening = self.opening | {line.position: fee}
        return Delivery(fee, spend, grams, bool(goods))

    def open_prices(self) -> None:
        """Make what is left now what offers call the price before any offer."""
        self.opening = dict(self.left)
        self.closed_units = on_opening(self.closed_units)

    def open_units(self) -> None:
        """Open what was closed: what comes now looks at whole lines again (S2)."""
        self.closed, self.closed_units = _NONE, {}

    def at(self, stage: Stage, entering: dict[int, int]) -> StageLines:
        """Return the lines as an offer of a stage sees them now.

        Args:
            entering: what was left of each line on entering, one dict a lane.
        """
        if entering is not self._entering:
            self._entering = entering
            self.closed_units = on_entering(self.closed_units)
            self._shown = [self._line_now(line, entering) for line in self.lines]
        else:
            for position in self._changed:
                place = self.frame.place_of[position]
                self._shown[place] = self._line_now(self.lines[place], entering)
        self._changed.clear()
        shown, places = self._shown, self.frame.places
        if (self.closed or self.closed_units) and stage in _CLOSED_TO:
            closed, places = self.closed, self._open_places
            shown = [
                open_part(each, self._closed_units(each.line.position))
                for each in shown
                if each.line.position not in closed
            ]
        lines = StageLines.over(shown, places)
        if self.promised:
            lines.promised = self.promised
        if self.spent:
            lines.spent = self.spent
        return lines

    def _line_now(self, line: PriceLine, entering: dict[int, int]) -> StageLine:
        position = line.position
        now = StageLine(
            line, entering[position], self.left[position], self.opening[position]
        )
        if position in self.units:
            now.units = self.units[position]
        if position in self.used:
            now.used = self.used[position]
        return now

    def _closed_units(self, position: int) -> ClosedUnits:
        return self.closed_units.get(position, NO_UNITS)

    def _open_left(self, position: int) -> int:
        return self.left[position] - self._closed_units(position).left_minor

    def room(self, position: int) -> int:
        """Return what may still be taken off the open units of a line (S12)."""
        floor = self.floors.get(position, 0)
        if floor:
            closed = self._closed_units(position).count
            floor -= self.line_at(position).floor_minor * closed
        return max(0, self._open_left(position) - floor)

    def rooms(self, positions: Iterable[int]) -> list[int]:
        """Return what may still be taken off some lines."""
        if self.floors or self.closed_units:
            return [self.room(position) for position in positions]
        left = self.left
        return [left[position] for position in positions]

    def takeable(self, reduction: Reduction) -> Taking:
        """Return what a reduction can take: shared, and never below a floor."""
        singles: tuple[tuple[int, int, int], ...] = ()
        if reduction.unit_shares:
            shares, singles = self._by_unit(reduction)
        elif reduction.shares:
            shares = self._by_line(reduction)
            if reduction.by_first_units:
                singles = self._off_first_units(shares)
        else:
            shares = self._shared(reduction) if reduction.amount_minor else ()
        gifts, budget = reduction.gifts, reduction.budget
        return Taking(shares, singles, reduction.uses, gifts, budget)

    def _shared(self, reduction: Reduction) -> _Shares:
        positions = sorted(set(reduction.positions))
        rooms = self.rooms(positions)
        amount = max(0, min(reduction.amount_minor, sum(rooms)))
        # In proportion to what is left; a line at its floor takes no more (S10).
        if self.floors:
            left = [self._open_left(position) for position in positions]
            parts = share(amount, left, rooms)
        else:
            parts = share(amount, rooms)
        return _pairs(positions, parts)

    def _by_line(self, reduction: Reduction) -> _Shares:
        asked: dict[int, int] = {}
        for position, amount in reduction.shares:
            asked[position] = asked.get(position, 0) + amount
        takes = dict(
            zip(asked, map(min, asked.values(), self.rooms(asked)), strict=True)
        )
        if reduction.moves_excess and takes != asked:
            excess = sum(asked.values()) - sum(takes.values())
            positions = sorted(set(reduction.positions) | set(asked))
            room = [self.room(at) - takes.get(at, 0) for at in positions]
            left = [self._open_left(at) - takes.get(at, 0) for at in positions]
            more = share(min(excess, sum(room)), left, room)
            for at, extra in zip(positions, more, strict=True):
                takes[at] = takes.get(at, 0) + extra
        return tuple(sorted([each for each in takes.items() if each[1]]))

    def _off_first_units(self, shares: _Shares) -> tuple[tuple[int, int, int], ...]:
        """Split shares over the open units of their lines, none below its floor."""
        singles: list[tuple[int, int, int]] = []
        for position, amount in shares:
            lefts, floor = self.unit_lefts(position), self.line_at(position).floor_minor
            open_ones = lefts[: len(lefts) - self._closed_units(position).count]
            parts = split_first(amount, [max(0, left - floor) for left in open_ones])
            singles += [(position, at, part) for at, part in enumerate(parts) if part]
        return tuple(singles)

    def _by_unit(
        self, reduction: Reduction
    ) -> tuple[_Shares, tuple[tuple[int, int, int], ...]]:
        """Keep every unit at or above its floor; what it cannot take is lost."""
        kept: list[tuple[int, int, int]] = []
        lefts: dict[int, tuple[int, ...]] = {}
        sums: dict[int, int] = {}
        for position, unit, amount in reduction.unit_shares:
            if position not in lefts:
                lefts[position] = self.unit_lefts(position)
            room = lefts[position][unit]
            if self.floors:
                room -= self.line_at(position).floor_minor
            taken = min(amount, room)
            if taken > 0:
                kept.append((position, unit, taken))
                sums[position] = sums.get(position, 0) + taken
        return tuple(sorted(sums.items())), tuple(kept)

    def unit_lefts(self, position: int) -> tuple[int, ...]:
        """Return what is left of each unit of a line."""
        units, line = self.units.get(position, ()), self.line_at(position)
        left = self.left[position]
        return split_over_units(left, line.quantity, units, line.floor_minor)

    def units_at(self, position: int) -> tuple[int, ...]:
        """Return what is left of each unit, where offers took from single ones."""
        return self.unit_lefts(position) if position in self.units else ()

    def line_at(self, position: int) -> PriceLine:
        """Return the line at a position."""
        return self.lines[self.frame.place_of[position]]

    def units_in(self, taking: Taking) -> int:
        """Return how many units of goods something is taken off."""
        named: dict[int, int] = {}
        for position, _unit, _amount in taking.unit_shares:
            named[position] = named.get(position, 0) + 1
        units, charges = 0, self.charged_at
        for at, _amount in taking.shares:
            if at not in charges:
                of_line = self.line_at(at).quantity - self._closed_units(at).count
                units += named.get(at, of_line)
        return units

    def take(self, taking: Taking, *, closes: bool = False) -> None:
        """Take it off, and close the units to other offers on goods if asked (S2)."""
        single: dict[int, list[int]] = {}
        for position, unit, amount in taking.unit_shares:
            if position not in single:
                single[position] = list(self.unit_lefts(position))
            single[position][unit] -= amount
        for position, amount in taking.shares:
            if position in single:
                self.units[position] = tuple(single[position])
            elif position in self.closed_units:
                self._lower_open_units(position, amount)
            self.left[position] -= amount
            self._changed.add(position)
        if closes:
            self._close(taking)
        for position, unit in taking.uses:
            self.used[position] = self.used.get(position, _NONE) | {unit}
            self._changed.add(position)
        if taking.gifts:
            # A new one: lines that were shown before keep theirs.
            self.promised = and_promised(self.promised, taking.gifts)
        if taking.budget is not None:
            spent = self.spent.get(taking.budget, 0) + taking.amount_minor
            self.spent = {**self.spent, taking.budget: spent}

    def _lower_open_units(self, position: int, amount_minor: int) -> None:
        lefts = self.unit_lefts(position)
        count = len(lefts) - self.closed_units[position].count
        left = self._open_left(position) - amount_minor
        floor_minor = self.line_at(position).floor_minor
        lowered = split_over_units(left, count, lefts[:count], floor_minor)
        self.units[position] = (*lowered, *lefts[count:])

    def _close(self, taking: Taking) -> None:
        """Close lines as a whole, or their units from the first that is named on."""
        first: dict[int, int] = {}
        for position, unit, _amount in taking.unit_shares:
            first[position] = min(unit, first.get(position, unit))
        entering = self._entering or self.opening
        closed = dict(self.closed_units)
        for position, _amount in taking.shares:
            if not first.get(position):
                self.closed |= {position}
                closed.pop(position, None)
                continue
            closed[position] = closed_from(
                first[position],
                self.unit_lefts(position),
                self._line_now(self.line_at(position), entering),
                self._closed_units(position),
            )
        self.closed_units, self._open_places = closed, {}


def delivery_charge(
    amount_minor: int, *, position: int = 0, name: str = "", method: str = ""
) -> PriceLine:
    """Return what delivery costs as a line, at a position below those of goods."""
    return PriceLine(
        position=position,
        variant_id=0,
        product_id=0,
        category_id=None,
        sku="",
        name=name,
        kind=FREIGHT_KIND,
        quantity=1,
        unit_price_minor=amount_minor,
        marks=frozenset({f"method:{method}"} if method else ()),
    )


def _pairs(positions: Sequence[int], parts: Sequence[int]) -> _Shares:
    return tuple(
        (position, part)
        for position, part in zip(positions, parts, strict=True)
        if part
    )
