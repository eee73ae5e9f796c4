"""What a benefit takes off, by line or by unit, before floors. Plain Python.

Benefits say which lines or units they take from; this module rounds at the level a
policy names, splits totals, and keeps caps.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from campaigns.rules.conditions import Quantity, Situation, kind_of
from campaigns.rules.policies import Policies
from campaigns.rules.rounding import rounded_part, split
from campaigns.rules.selections import (
    EVERY_UNIT,
    Selection,
    Unit,
    units_in_sets,
    units_of,
)
from crm.shared.money import share
from orders.rules.lines import DELIVERY_KINDS, StageLine
from orders.rules.offers import Gift
from orders.rules.units import split_evenly


# Nobody changes one, nor a view. They are not frozen, which would make them twice as
# dear: each offer makes both.
@dataclass(slots=True)
class Cut:
    """What is taken: from lines, or from single units of them."""

    shares: tuple[tuple[int, int], ...] = ()
    unit_shares: tuple[tuple[int, int, int], ...] = ()
    uses: tuple[tuple[int, int], ...] = ()
    gifts: tuple[Gift, ...] = ()
    #: How often the benefit was given.
    times: int = 1
    #: How many units it touched, where it looked at units.
    units: int = 0

    @property
    def amount_minor(self) -> int:
        """Return what is taken off in all."""
        parts = self.unit_shares or self.shares
        return sum([each[-1] for each in parts])


@dataclass(slots=True)
class View:
    """What a benefit sees: the lines it may reduce, and how to go about it."""

    lines: tuple[StageLine, ...]
    situation: Situation
    selection: Selection = EVERY_UNIT
    #: How often the conditions hold: what an amount per application is given.
    times: int = 1
    #: On the order as a whole: one rounding, shared over the lines.
    is_whole: bool = False
    #: Units that another offer used up are not there.
    unused_only: bool = False
    #: A condition whose sets of different goods get the benefit, and nothing else.
    sets_of: Quantity | None = None
    #: So many units get a unit price; None is all of them (S21).
    units_left: int | None = None

    @property
    def policies(self) -> Policies:
        """Return the policies of the calculation."""
        return self.situation.policies

    @property
    def repeats_by_line(self) -> bool:
        """Tell whether an application is a line of the scope."""
        return self.policies.application_repeat == "once_per_line"

    @property
    def is_by_line(self) -> bool:
        """Tell whether nobody needs to look at single units."""
        looks_at_units = self.unused_only or self.sets_of is not None
        return self.selection.is_all and not looks_at_units

    def units(self) -> list[Unit]:
        """Return the units that may be reduced, in line order."""
        units = units_of(self.lines, unused_only=self.unused_only)
        wanted = self.sets_of
        if wanted is None:
            return units
        kinds = {e.line.position: kind_of(e, wanted.distinct) for e in self.lines}
        return units_in_sets(units, lambda u: kinds[u.position], wanted.value)

    def chosen(self) -> list[Unit]:
        """Return the units that get the benefit."""
        return self.selection.of(self.units(), self.policies)

    def bases(self) -> list[int]:
        """Return what a percentage of each line is of (S8)."""
        if _base_is_left(self.policies):
            return [each.left_minor for each in self.lines]
        return [_base_of(each, self.policies) for each in self.lines]

    def unit_bases(self, units: Iterable[Unit]) -> list[int]:
        """Return what a percentage of each of some units is of."""
        if _base_is_left(self.policies):
            return [unit.left_minor for unit in units]
        lines = {each.line.position: each for each in self.lines}
        return [self._unit_base(lines[unit.position], unit.place) for unit in units]

    def in_basis(self, positions: Sequence[int], lefts: list[int]) -> list[int]:
        """Return what lines or units cost as an amount off is meant: net or gross."""
        taxes = self.situation.taxes
        if not taxes.rates:
            return lefts
        basis = self.policies.discount_tax_basis
        pairs = zip(positions, lefts, strict=True)
        return [taxes.as_basis(at, left, basis) for at, left in pairs]

    def as_priced(
        self,
        positions: Sequence[int],
        lefts: list[int],
        sizes: list[int],
        parts: list[int],
    ) -> list[int]:
        """Return parts of what ``in_basis`` returned as parts of what it was given.

        Units of a line are reckoned together; all of them is all that is left.
        """
        if sizes is lefts:
            return parts
        taxes, basis = self.situation.taxes, self.policies.discount_tax_basis
        places: dict[int, list[int]] = {}
        for place, position in enumerate(positions):
            places.setdefault(position, []).append(place)
        made = [0] * len(parts)
        for position, some in places.items():
            part, size, left = (
                sum(of[at] for at in some) for of in (parts, sizes, lefts)
            )
            if not part:
                continue
            if part < size:
                left = min(left, taxes.from_basis(position, part, basis))
            pieces = share(left, [parts[at] for at in some], [lefts[at] for at in some])
            for at, piece in zip(some, pieces, strict=True):
                made[at] = piece
        return made

    def _unit_base(self, each: StageLine, place: int) -> int:
        return split_evenly(_base_of(each, self.policies), each.line.quantity)[place]


def percent_off(view: View, rate: Fraction) -> Cut:
    """Take a share of the lines, or of the units chosen, rounded as policies say."""
    if view.is_by_line:
        positions = [each.line.position for each in view.lines]
        if view.policies.rounding_level == "unit":
            parts = _rounded_units(view, rate)
        else:
            parts = _rounded_by_level(view, positions, view.bases(), rate)
        return by_lines(zip(positions, parts, strict=True))
    chosen = view.chosen()
    positions = [unit.position for unit in chosen]
    bases = view.unit_bases(chosen)
    return by_units(view, chosen, _rounded_by_level(view, positions, bases, rate))


def _rounded_units(view: View, rate: Fraction) -> list[int]:
    """Return the part of each line, rounded for each of its units."""
    parts = []
    for each in view.lines:
        bases = view.unit_bases(units_of([each]))
        parts.append(sum(rounded_part(base, rate, view.policies) for base in bases))
    return parts


def _rounded_by_level(
    view: View, positions: Sequence[int], bases: Sequence[int], rate: Fraction
) -> list[int]:
    """Return a part for each base; what is rounded together is split by remainder."""
    policies = view.policies
    level = policies.rounding_level
    if level == "target":
        level = "order" if view.is_whole else "line"
    if level == "order":
        return split(rounded_part(sum(bases), rate, policies), bases, policies)
    if level == "unit" or (level == "line" and view.is_by_line):
        return [rounded_part(base, rate, policies) for base in bases]
    keys: Sequence[object] = positions
    if level != "line":
        keys = [view.situation.taxes.rate_of(position) for position in positions]
    groups: dict[object, list[int]] = {}
    for number, key in enumerate(keys):
        groups.setdefault(key, []).append(number)
    parts = [0] * len(bases)
    for members in groups.values():
        if len(members) == 1:
            parts[members[0]] = rounded_part(bases[members[0]], rate, policies)
            continue
        weights = [bases[number] for number in members]
        total = rounded_part(sum(weights), rate, policies)
        for number, part in zip(members, split(total, weights, policies), strict=True):
            parts[number] = part
    return parts


def amount_off(view: View, amount_minor: int) -> Cut:
    """Take one amount off all lines together, or the units chosen (C15)."""
    policies, basis = view.policies, view.policies.discount_tax_basis
    if not view.is_by_line:
        chosen = view.chosen()
        positions, lefts = _costs_of_units(chosen)
        sizes = view.in_basis(positions, lefts)
        given = split(min(amount_minor, sum(sizes)), sizes, policies)
        return by_units(view, chosen, view.as_priced(positions, lefts, sizes, given))
    positions, lefts = costs_of(view.lines)
    sizes = view.in_basis(positions, lefts)
    weights, caps = sizes, None
    if policies.allocation_basis != "line_value" and basis not in {"net", "gross"}:
        weights, caps = [_weight(view, each) for each in view.lines], sizes
    total = min(amount_minor, sum(sizes))
    given = split(total, weights if any(weights) else sizes, policies, caps)
    given = view.as_priced(positions, lefts, sizes, given)
    parts = list(zip(positions, given, strict=True))
    return by_lines(parts + _off_delivery(view, amount_minor - total))


def _off_delivery(view: View, excess: int) -> list[tuple[int, int]]:
    """Return what delivery gives where an amount may take all that is to be paid."""
    if not view.is_whole or view.policies.discount_clamp != "payable_total":
        return []
    charges = [e for e in view.situation.lines if e.line.kind in DELIVERY_KINDS]
    lefts = [each.left_minor for each in charges]
    parts = share(min(excess, sum(lefts)), lefts) if charges else []
    return [(e.line.position, part) for e, part in zip(charges, parts, strict=True)]


def amount_off_each_unit(view: View, amount_minor: int) -> Cut:
    """Take an amount off every unit, as far as its price goes."""
    if view.is_by_line and not any(each.units for each in view.lines):
        asked = [amount_minor * each.line.quantity for each in view.lines]
        return amounts_off_lines(view, asked)
    return amount_off_units(view, view.chosen(), amount_minor)


def amounts_off_lines(view: View, asked: Sequence[int]) -> Cut:
    """Take an amount off each line, as far as its price goes."""
    positions, lefts = costs_of(view.lines)
    sizes = view.in_basis(positions, lefts)
    parts = view.as_priced(positions, lefts, sizes, list(map(min, asked, sizes)))
    return by_lines(zip(positions, parts, strict=True))


def amount_off_units(view: View, units: Sequence[Unit], amount_minor: int) -> Cut:
    """Take an amount off each of some units, as far as its price goes."""
    positions, lefts = _costs_of_units(units)
    sizes = view.in_basis(positions, lefts)
    parts = [min(amount_minor, size) for size in sizes]
    return by_units(view, units, view.as_priced(positions, lefts, sizes, parts))


def costs_of(lines: Sequence[StageLine]) -> tuple[list[int], list[int]]:
    """Return where lines stand, and what is left of each."""
    return [e.line.position for e in lines], [e.left_minor for e in lines]


def _costs_of_units(units: Sequence[Unit]) -> tuple[list[int], list[int]]:
    return [unit.position for unit in units], [unit.left_minor for unit in units]


def by_lines(parts: Iterable[tuple[int, int]]) -> Cut:
    """Return a cut of lines."""
    return Cut(shares=tuple([(at, part) for at, part in parts if part]))


def by_units(view: View, units: Sequence[Unit], parts: Sequence[int]) -> Cut:
    """Return a cut of single units that uses them up."""
    used: Sequence[Unit] = units
    if view.selection.group_size:
        used = view.selection.used_by(view.units(), units, view.policies)
    per_group = view.selection.of_each_group
    return Cut(
        unit_shares=shares_of_units(units, parts),
        uses=tuple([unit[:2] for unit in used]),
        times=max(1, len(units) // per_group) if per_group else 1,
        units=len(units),
    )


def shares_of_units(
    units: Sequence[Unit], parts: Sequence[int]
) -> tuple[tuple[int, int, int], ...]:
    """Return what is taken off each unit that something is taken off."""
    return tuple(
        [(*unit[:2], part) for unit, part in zip(units, parts, strict=True) if part]
    )


def merged(cuts: Sequence[Cut]) -> Cut:
    """Return several cuts of different lines as one."""
    return Cut(
        shares=tuple(share for each in cuts for share in each.shares),
        unit_shares=tuple(one for each in cuts for one in each.unit_shares),
        uses=tuple(use for each in cuts for use in each.uses),
        gifts=tuple(gift for each in cuts for gift in each.gifts),
        times=sum(each.times for each in cuts),
        units=sum(each.units for each in cuts),
    )


def capped(view: View, cut: Cut, cap_minor: int, basis: str = "") -> Cut:
    """Return a cut that takes no more than a cap, shrunk in proportion (C16).

    Args:
        basis: what the cap is: ``net``, ``gross``, or as prices are.
    """
    policies, taxes = view.policies, view.situation.taxes
    parts = cut.unit_shares or cut.shares
    if cut.amount_minor <= cap_minor and not taxes.rates:
        return cut
    sizes = [taxes.as_basis(each[0], each[-1], basis) for each in parts]
    if sum(sizes) <= cap_minor:
        return cut
    kept = [
        taxes.from_basis(each[0], part, basis)
        for each, part in zip(parts, split(cap_minor, sizes, policies), strict=True)
    ]
    if cut.unit_shares:
        singles = tuple(
            (at, place, part)
            for (at, place, _part), part in zip(cut.unit_shares, kept, strict=True)
        )
        return replace(cut, unit_shares=singles)
    shares = tuple(
        (at, part) for (at, _part), part in zip(cut.shares, kept, strict=True)
    )
    return replace(cut, shares=shares)


def _base_is_left(policies: Policies) -> bool:
    return policies.stacking != "additive_on_original" and policies.discount_base in {
        "what_is_left",
        "unit_price_less_line_discount",
    }


def _base_of(each: StageLine, policies: Policies) -> int:
    if _base_is_left(policies):
        return each.left_minor
    if policies.discount_base == "list_price":
        return each.line.list_price_minor * each.line.quantity
    return each.opening_minor


def _weight(view: View, each: StageLine) -> int:
    basis = view.policies.allocation_basis
    if basis == "line_value_after_catalog_discount":
        return each.opening_minor
    if basis == "line_gross_value":
        taxes = view.situation.taxes
        return taxes.as_basis(each.line.position, each.left_minor, "gross")
    return each.left_minor
