"""The limit: the least that gives the same answer, written for these deals alone.

Deals by what they need in plain dictionaries, whole numbers in lists, and nothing but
the total: no reasons, no shares to store, no limits, no taxes. Two rules: ``stacked``
is the shop's (each takes off what is left, sets use their units up), ``one_a_unit``
that of the peers (a unit serves one deal, whichever comes first).
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import pairwise

from benchmarks.promotions.deals import DEPARTMENTS, TIER, Deal

#: Product, quantity, leaf category, price in minor units.
Row = tuple[int, int, int, int]


class Limit:
    """Deals by what they need."""

    def __init__(self, deals: Iterable[Deal]) -> None:
        self.by_need: dict[tuple[str, object], list[Deal]] = defaultdict(list)
        for deal in deals:
            for need in _needs(deal):
                self.by_need[need].append(deal)

    def candidates(self, rows: Sequence[Row], code: str) -> list[Deal]:
        """Return the deals that may take something, in order."""
        found: dict[int, Deal] = {}
        needs: set[tuple[str, object]] = {("code", code), ("all", "")}
        for product, _quantity, leaf, _price in rows:
            needs |= {
                ("product", product),
                ("leaf", leaf),
                ("department", leaf % DEPARTMENTS),
            }
        for need in needs:
            for deal in self.by_need.get(need, ()):
                found[deal.number] = deal
        return sorted(found.values(), key=lambda each: (-each.priority, each.number))


def _needs(deal: Deal) -> list[tuple[str, object]]:
    if deal.kind == "code":
        return [("code", deal.code)]
    if deal.kind == "products":
        return [("product", each) for each in deal.products]
    if deal.kind == "spend":
        return [("all", "")]
    if deal.kind == "tier" and deal.tier != TIER:
        return [("tier", deal.tier)]
    return [("department" if deal.is_wide else "leaf", deal.category)]


def _places(deal: Deal, rows: Sequence[Row]) -> list[int]:
    if deal.kind in {"code", "spend"}:
        return list(range(len(rows)))
    if deal.kind == "products":
        return [at for at, row in enumerate(rows) if row[0] in deal.products]
    if deal.is_wide:
        return [
            at for at, row in enumerate(rows) if row[2] % DEPARTMENTS == deal.category
        ]
    return [at for at, row in enumerate(rows) if row[2] == deal.category]


def one_a_unit(limit: Limit, rows: Sequence[Row], code: str) -> int:
    """Return the total where a unit serves one deal; only of ``COMMON``."""
    left = [row[1] for row in rows]
    off = 0
    for deal in limit.candidates(rows, code):
        places = [at for at in _places(deal, rows) if left[at]]
        if not places:
            continue
        if deal.kind == "multibuy":
            units = sorted(rows[at][3] for at in places for _ in range(left[at]))
            sets = len(units) // 3
            off += sum(units[:sets])
            _use_up(rows, left, places, sets)
            continue
        worth = sum(rows[at][3] * left[at] for at in places)
        if deal.kind == "threshold":
            if worth < deal.threshold_minor:
                continue
            off += min(deal.value, worth)
        else:
            off += worth * deal.value // 100
        for at in places:
            left[at] = 0
    return sum(row[1] * row[3] for row in rows) - off


def _use_up(rows: Sequence[Row], left: list[int], places: list[int], sets: int) -> None:
    """Use up the cheapest unit of each set, and the two dearest of the others."""
    in_order = sorted(places, key=lambda at: rows[at][3])
    for some, count in ((in_order, sets), (in_order[::-1], 2 * sets)):
        for at in some:
            taken = min(left[at], count)
            left[at] -= taken
            count -= taken


def stacked(limit: Limit, rows: Sequence[Row], code: str) -> int:
    """Return the total by the shop's rules."""
    found = limit.candidates(rows, code)
    cart = _Cart(rows)
    for deal in found:
        if deal.kind in {"multibuy", "nth"}:
            cart.take_from_sets(deal, _places(deal, rows))
        elif deal.kind == "threshold":
            places = _places(deal, rows)
            if sum(cart.entering[at] for at in places) >= deal.threshold_minor:
                cart.take(deal.value, places)
        elif deal.kind in {"percent", "products", "tier"}:
            cart.take_percent(deal.value, _places(deal, rows))
    everything = list(range(len(rows)))
    worth = sum(cart.left)
    steps = [
        deal.value
        for deal in found
        if deal.kind == "spend" and deal.threshold_minor <= worth
    ]
    # They are one group: the best of them applies.
    cart.take(max(steps, default=0), everything)
    for deal in found:
        if deal.kind == "code":
            cart.take_percent(deal.value, everything)
    return sum(cart.left)


class _Cart:
    """What is left of each line, and of single units where sets took from them."""

    def __init__(self, rows: Sequence[Row]) -> None:
        self.rows = rows
        self.left = [row[1] * row[3] for row in rows]
        self.entering = list(self.left)
        self.units: dict[int, list[int]] = {}
        self.used: set[tuple[int, int]] = set()

    def take_percent(self, percent: int, places: list[int]) -> None:
        whole = sum(self.left[at] for at in places)
        self.take((2 * whole * percent + 100) // 200, places)

    def take(self, amount: int, places: list[int]) -> None:
        lefts = [self.left[at] for at in places]
        for at, part in zip(
            places, _shared(min(amount, sum(lefts)), lefts), strict=True
        ):
            self.left[at] -= part

    def take_from_sets(self, deal: Deal, places: list[int]) -> None:
        units = sorted(
            (
                (left, at, place)
                for at in places
                for place, left in enumerate(self.units_at(at))
                if (at, place) not in self.used
            ),
            key=lambda unit: unit[0],
        )
        size, paid = (3, 2) if deal.kind == "multibuy" else (2, 1)
        sets = len(units) // size
        cheap, rest = units[:sets], units[sets:]
        lefts = [left for left, _at, _place in cheap]
        whole = sum(lefts)
        takes = lefts if deal.kind == "multibuy" else _shared((whole + 1) // 2, lefts)
        if not sum(takes):
            return
        # Of units that cost the same those that came first are used up.
        dear = sorted(rest, key=lambda unit: (-unit[0], unit[1], unit[2]))
        for (_left, at, place), part in zip(cheap, takes, strict=True):
            if not part:
                continue
            single = list(self.units_at(at))
            single[place] -= part
            self.units[at] = single
            self.left[at] -= part
        self.used.update(
            (at, place) for _l, at, place in (*cheap, *dear[: sets * paid])
        )

    def units_at(self, at: int) -> list[int]:
        left, units = self.left[at], self.units.get(at)
        if units is not None:
            return units if sum(units) == left else _shared(left, units)
        count = self.rows[at][1]
        marks = [
            (2 * left * taken + count) // (2 * count) for taken in range(count + 1)
        ]
        return [after - before for before, after in pairwise(marks)]


def _shared(total: int, weights: Sequence[int]) -> list[int]:
    """Split by largest remainder; of equals the heavier first, then the earlier."""
    whole = sum(weights)
    if not whole:
        weights, whole = [1] * len(weights), len(weights)
    parts = [total * weight // whole for weight in weights]
    missing = total - sum(parts)
    if missing:
        order = sorted(
            range(len(parts)),
            key=lambda at: (parts[at] * whole - total * weights[at], -weights[at]),
        )
        for at in order[:missing]:
            parts[at] += 1
    return parts
