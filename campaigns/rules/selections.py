"""Which units of a scope a limited benefit touches. Plain Python.

A unit is one piece of a line. Units are found in line order, sorted by what is left
of their price where somebody says so, and formed into groups and sets.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import NamedTuple

from campaigns.rules.policies import Policies
from orders.rules.lines import StageLine


class Unit(NamedTuple):
    """One piece of a line: its place in it, and what is left of its price."""

    position: int
    place: int
    left_minor: int
    list_minor: int


@dataclass(frozen=True, slots=True)
class Selection:
    """How many units get a benefit, of every group or in all.

    ``group_size`` units make a group, of which ``per_group`` get it; ``repeats`` says
    for how many groups, None for every full one.
    """

    most_units: int | None = None
    most_per_line: int | None = None
    group_size: int = 0
    per_group: int = 0
    repeats: int | None = None
    dearest_first: bool = False

    @property
    def is_all(self) -> bool:
        """Tell whether every unit gets it, so that nobody needs to count."""
        return (
            self.most_units is None
            and self.most_per_line is None
            and not self.group_size
        )

    def of(self, units: Sequence[Unit], policies: Policies) -> list[Unit]:
        """Return the units that get the benefit, in the order they are taken."""
        chosen = list(units)
        if self.group_size:
            chosen = self._of_groups(chosen, policies)
        elif self.most_units is not None or self.most_per_line is not None:
            chosen = by_price(chosen, dearest_first=self.dearest_first)
        return self.bounded(chosen)

    def bounded(self, units: list[Unit]) -> list[Unit]:
        """Return the first units, no more than may get it of a line and in all."""
        if self.most_per_line is not None:
            units = first_of_each_line(units, self.most_per_line)
        return units if self.most_units is None else units[: self.most_units]

    @property
    def of_each_group(self) -> int:
        """Return how many units of a group get it: no more than it has (X7)."""
        return min(self.per_group, self.group_size)

    def used_by(
        self, units: Sequence[Unit], chosen: Sequence[Unit], policies: Policies
    ) -> list[Unit]:
        """Return the units that groups use up: those that get it, and the dearest.

        Where the cheapest of the whole cart make the groups, the next cheap ones.
        """
        each = self.of_each_group
        if not each:
            return list(chosen)
        taken = {unit[:2] for unit in chosen}
        rest = [unit for unit in units if unit[:2] not in taken]
        paid = len(chosen) // each * (self.group_size - each)
        if policies.target_order == "cheapest_of_whole_cart":
            return [*chosen, *by_price(reversed(rest))[:paid]]
        return [*chosen, *by_price(rest, dearest_first=True)[:paid]]

    def _of_groups(self, units: list[Unit], policies: Policies) -> list[Unit]:
        """Return the units of full groups: by their formation, so many of each."""
        each = self.of_each_group
        groups = len(units) // self.group_size
        if self.repeats is not None:
            groups = min(groups, self.repeats)
        in_order = by_price(units, dearest_first=self.dearest_first)
        if policies.target_order == "cheapest_of_whole_cart":
            # Of units that cost the same those that came last.
            in_order = by_price(reversed(units))
        if policies.group_formation == "cheapest_of_all":
            return in_order[: groups * each]
        in_order = in_order[: groups * self.group_size]
        if policies.group_formation == "round_robin":
            return [
                unit
                for group in range(groups)
                for unit in in_order[group::groups][:each]
            ]
        return [
            unit
            for start in range(0, groups * self.group_size, self.group_size)
            for unit in in_order[start : start + each]
        ]


EVERY_UNIT = Selection()


def units_of(lines: Iterable[StageLine], *, unused_only: bool = False) -> list[Unit]:
    """Return the units of lines, in their order.

    Args:
        unused_only: without those that another offer used up.
    """
    if unused_only:
        # Most lines, once many offers applied: what their units cost is not asked.
        lines = [each for each in lines if len(each.used) < each.line.quantity]
    return [
        Unit(each.line.position, place, left, each.line.list_price_minor)
        for each in lines
        for place, left in enumerate(each.unit_lefts)
        if not (unused_only and place in each.used)
    ]


def has_units(
    lines: Iterable[StageLine], least: int, *, unused_only: bool = True
) -> bool:
    """Tell whether lines have so many units, without asking what each costs."""
    count = 0
    for each in lines:
        count += each.line.quantity - (len(each.used) if unused_only else 0)
        if count >= least:
            return True
    return not least


def by_price(units: Iterable[Unit], *, dearest_first: bool = False) -> list[Unit]:
    """Return units by what is left of their price; of equals the earlier first."""
    return sorted(units, key=lambda unit: unit.left_minor, reverse=dearest_first)


def sets_of_each(
    units: Sequence[Unit], kind_of: Callable[[Unit], str], size: int
) -> list[list[Unit]]:
    """Return sets of units of which no two are of one kind, dearest kinds kept equal.

    Each set takes from the kinds that have most units left, so that as many sets as
    possible come about.
    """
    heaps: dict[str, list[Unit]] = {}
    for unit in units:
        heaps.setdefault(kind_of(unit), []).append(unit)
    sets: list[list[Unit]] = []
    while True:
        full = sorted(
            (kind for kind in heaps if heaps[kind]), key=lambda k: -len(heaps[k])
        )
        if len(full) < size or not size:
            return sets
        sets.append([heaps[kind].pop(0) for kind in full[:size]])


def bundles(
    units: Sequence[Unit], parts: Sequence[tuple[Callable[[Unit], bool], int]]
) -> list[list[Unit]]:
    """Return bundles of so many units for each part; a unit serves one bundle (S18)."""
    taken: set[int] = set()

    def waiting(fits: Callable[[Unit], bool]) -> Iterator[int]:
        return (at for at, u in enumerate(units) if at not in taken and fits(u))

    # Each part looks at a unit once: what is taken, or does not fit, never does again.
    queues = [(waiting(fits), count) for fits, count in parts]
    made: list[list[Unit]] = []
    while True:
        bundle: list[int] = []
        for queue, count in queues:
            found = list(islice(queue, count))
            if len(found) < count or not count:
                return made
            taken.update(found)
            bundle += found
        made.append([units[at] for at in bundle])


def units_in_sets(
    units: Sequence[Unit], kind_of: Callable[[Unit], str], size: int
) -> list[Unit]:
    """Return the units of as many sets as possible that have ``size`` kinds or more.

    With ``count`` sets a kind gives one unit to each of them at most, so there can be
    that many while the kinds together give ``size`` units to each.
    """
    counts = Counter(kind_of(unit) for unit in units)
    sets = len(units) // size if size else 0
    while sets and sum(min(have, sets) for have in counts.values()) < size * sets:
        sets -= 1
    seen: Counter[str] = Counter()
    kept = []
    for unit in units:
        seen[kind_of(unit)] += 1
        if seen[kind_of(unit)] <= sets:
            kept.append(unit)
    return kept


def buy_and_get(
    buyable: Sequence[Unit], gettable: Sequence[Unit], buy: int, get: int, times: int
) -> tuple[list[Unit], list[Unit]]:
    """Return the units of ``times`` sets: those bought, and those got (S15).

    Units got come in the order of ``gettable``; the dearest of the others are bought.
    A unit that both could use is got only while enough others are left to be bought.
    Needs ``times`` to be possible: see ``most_sets``.
    """
    can_buy = {unit[:2] for unit in buyable}
    spare = len(can_buy) - buy * times
    got: list[Unit] = []
    for unit in gettable:
        if len(got) == get * times:
            break
        if unit[:2] in can_buy:
            if spare <= 0:
                continue
            spare -= 1
        got.append(unit)
    taken = {unit[:2] for unit in got}
    rest = [unit for unit in buyable if unit[:2] not in taken]
    return by_price(rest, dearest_first=True)[: buy * times], got


def most_sets(
    buyable: Sequence[Unit], gettable: Sequence[Unit], buy: int, get: int
) -> int:
    """Return how many sets use no unit twice (Hall's condition)."""
    able_to_buy = {unit[:2] for unit in buyable}
    able_to_get = {unit[:2] for unit in gettable}
    limits = [len(able_to_buy | able_to_get) // (buy + get)] if buy + get else [0]
    if buy:
        limits.append(len(able_to_buy) // buy)
    if get:
        limits.append(len(able_to_get) // get)
    return min(limits)


def first_of_each_line(units: Iterable[Unit], most: int) -> list[Unit]:
    """Return no more units of a line than so many, the first ones."""
    seen: dict[int, int] = {}
    kept = []
    for unit in units:
        seen[unit.position] = seen.get(unit.position, 0) + 1
        if seen[unit.position] <= most:
            kept.append(unit)
    return kept
