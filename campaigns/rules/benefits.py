"""What an offer gives: one small class a kind, each a pure function. Plain Python.

A benefit looks at a ``View`` and answers with a ``Cut``, or why there is none. Rates
are fractions of one (``Fraction(1, 5)`` is 20 %), amounts minor units.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import ceil
from operator import sub
from typing import Literal, Protocol

from campaigns.rules.conditions import kind_of
from campaigns.rules.cuts import (
    Cut,
    View,
    amount_off,
    amount_off_each_unit,
    amount_off_units,
    amounts_off_lines,
    by_lines,
    by_units,
    costs_of,
    percent_off,
    shares_of_units,
)
from campaigns.rules.rounding import rounded_part, split
from campaigns.rules.scopes import Scope
from campaigns.rules.selections import (
    Unit,
    bundles,
    buy_and_get,
    by_price,
    first_of_each_line,
    has_units,
    most_sets,
    sets_of_each,
    units_of,
)
from orders.rules.gifts import GIFT_OUT_OF_STOCK, Gift
from orders.rules.lines import StageLine
from orders.rules.offers import Refused

WHOLE = Fraction(1)


class Benefit(Protocol):
    """What is given once the conditions hold."""

    def cut(self, view: View) -> Cut | Refused:
        """Return what is taken off."""
        ...


@dataclass(frozen=True, slots=True)
class Percent:
    """A share of the price; 1 is free."""

    rate: Fraction

    def cut(self, view: View) -> Cut | Refused:
        """Take it off what the policies call the price (S8)."""
        return percent_off(view, self.rate)


@dataclass(frozen=True, slots=True)
class Amount:
    """An amount of money, per what it says."""

    value_minor: int
    per: Literal["order", "line", "unit", "application", "method"]

    def cut(self, view: View) -> Cut | Refused:
        """Take it off as often as ``per`` says; no line falls below zero (C15)."""
        if self.per == "unit":
            return amount_off_each_unit(view, self.value_minor)
        is_by_line = self.per == "application" and view.repeats_by_line
        if is_by_line or self.per in {"line", "method"}:
            return amounts_off_lines(view, [self.value_minor] * len(view.lines))
        times = view.times if self.per == "application" else 1
        cut = amount_off(view, self.value_minor * times)
        return Cut(cut.shares, cut.unit_shares, cut.uses, times=times)


@dataclass(frozen=True, slots=True)
class FixedPrice:
    """Everything together for one price, where it is lower."""

    value_minor: int

    def cut(self, view: View) -> Cut | Refused:
        """Take off what the lines cost more."""
        worth = sum(view.in_basis(*costs_of(view.lines)))
        if worth <= self.value_minor:
            return Refused("no_effect")
        return amount_off(view, worth - self.value_minor)


@dataclass(frozen=True, slots=True)
class UnitPrice:
    """Each unit for one price, where it costs more."""

    value_minor: int

    def cut(self, view: View) -> Cut | Refused:
        """Take off what each line costs more; a cheaper one keeps its price."""
        dear = [e for e in view.lines if e.left_minor > self._all_of(e)]
        count = sum(each.line.quantity for each in dear)
        if view.units_left is not None and count > view.units_left:
            return self._some_of(view, dear, view.units_left)
        return by_lines(
            (
                (each.line.position, max(0, each.left_minor - self._all_of(each)))
                for each in view.lines
            ),
        )

    def _some_of(self, view: View, dear: list[StageLine], most: int) -> Cut:
        """Take it off so many units: of the dearest lines, since that saves most (S6).

        Of a line they are the last ones: those before them stay open (S2).
        """
        chosen: list[Unit] = []
        for each in sorted(dear, key=_unit_price, reverse=True):
            chosen += units_of([each])[::-1][: most - len(chosen)]
        chosen = [unit for unit in chosen if unit.left_minor > self.value_minor]
        parts = [unit.left_minor - self.value_minor for unit in chosen]
        return by_units(view, chosen, parts)

    def _all_of(self, each: StageLine) -> int:
        return self.value_minor * each.line.quantity


def _unit_price(each: StageLine) -> Fraction:
    return Fraction(each.left_minor, each.line.quantity)


@dataclass(frozen=True, slots=True)
class SetPrice:
    """So many units for one price; ``distinct`` wants them to differ in something.

    ``parts`` says what a bundle is made of instead: so many units of each scope. The
    price is allocated to the units by list price, whatever each costs today (S18).
    """

    value_minor: int
    size: int
    repeats: int | None = None
    distinct: str = ""
    dearest_first: bool = False
    parts: tuple[tuple[Scope, int], ...] = ()

    def cut(self, view: View) -> Cut | Refused:
        """Form sets and take off what each costs more than its price."""
        units = by_price(view.units(), dearest_first=self.dearest_first)
        sets = self._sets(view, units)
        if self.repeats is not None:
            sets = sets[: self.repeats]
        if not sets:
            return Refused("quantity_not_met", {"missing": self.size - len(units)})
        chosen: list[Unit] = []
        parts: list[int] = []
        for each in sets:
            saved = self._saved(view, each)
            if saved:
                chosen += each
                parts += saved
        cut = by_units(view, chosen, parts)
        return Cut(unit_shares=cut.unit_shares, uses=cut.uses, times=len(sets))

    def _saved(self, view: View, units: Sequence[Unit]) -> list[int]:
        """Return what each unit of a set saves, if any; none gets dearer than it is."""
        positions = [unit.position for unit in units]
        lefts = [unit.left_minor for unit in units]
        sizes = view.in_basis(positions, lefts)
        if sum(sizes) <= self.value_minor:
            return []
        lists = [unit.list_minor for unit in units]
        prices = split(self.value_minor, lists, view.policies, sizes)
        return view.as_priced(positions, lefts, sizes, list(map(sub, sizes, prices)))

    def _sets(self, view: View, units: Sequence[Unit]) -> list[list[Unit]]:
        lines = {each.line.position: each for each in view.lines}
        if self.parts:

            def fits(scope: Scope) -> Callable[[Unit], bool]:
                return lambda unit: scope.matches(lines[unit.position])

            return bundles(units, [(fits(scope), count) for scope, count in self.parts])
        if self.distinct:
            return sets_of_each(
                units, lambda u: kind_of(lines[u.position], self.distinct), self.size
            )
        return [
            list(units[start : start + self.size])
            for start in range(0, len(units) - self.size + 1, self.size)
        ]


@dataclass(frozen=True, slots=True)
class BuyGet:
    """Who buys so many units gets so many others at a share off (S15)."""

    buy: int
    get: int
    buy_scope: Scope
    get_scope: Scope
    rate: Fraction = WHOLE
    #: As often as there are full sets, at most so many times; None for any.
    repeats: int | None = 1

    def cut(self, view: View) -> Cut | Refused:
        """Make sets whose cheapest units are reduced; incomplete ones get nothing."""
        buy = self.buy
        policies, lines = view.policies, view.situation.lines
        if policies.buy_get_group_includes_target == "true":
            buy -= self.get
        allowed = {each.line.position for each in view.lines}
        bought_of = self.buy_scope.of(lines)
        least = buy if self.buy_scope != self.get_scope else buy + self.get
        if not has_units(bought_of, least, unused_only=view.unused_only):
            return Refused("set_not_complete")
        buyable = units_of(bought_of, unused_only=view.unused_only)
        got_of = [e for e in self.get_scope.of(lines) if e.line.position in allowed]
        gettable = buyable
        if got_of != list(bought_of):
            gettable = units_of(got_of, unused_only=view.unused_only)
        dearest = policies.target_order == "most_expensive_first"
        gettable = by_price(gettable, dearest_first=dearest)
        bounds = view.selection
        if bounds.most_per_line is not None:
            gettable = first_of_each_line(gettable, bounds.most_per_line)
        times = most_sets(buyable, gettable, buy, self.get)
        if self.repeats is not None:
            times = min(times, self.repeats)
        if bounds.most_units is not None and self.get:
            # The last set may give fewer units.
            times = min(times, ceil(bounds.most_units / self.get))
        if not times:
            return Refused("set_not_complete")
        bought, got = buy_and_get(buyable, gettable, buy, self.get, times)
        got = got[: bounds.most_units]
        bases = view.unit_bases(got)
        parts = [rounded_part(base, self.rate, policies) for base in bases]
        return Cut(
            unit_shares=shares_of_units(got, parts),
            uses=tuple([unit[:2] for unit in (*got, *bought)]),
            times=times,
            units=len(got),
        )


@dataclass(frozen=True, slots=True)
class FreeItem:
    """Goods on top that cost nothing (S16); the first choice that is in stock (S17)."""

    choices: tuple[Gift, ...]
    #: One gift for so many units of the scope; 0 is once.
    every: int = 0
    most: int | None = None

    def cut(self, view: View) -> Cut | Refused:
        """Add the gift, as often as the conditions hold or for every so many units."""
        times = view.times
        if self.every:
            times = sum(each.line.quantity for each in view.lines) // self.every
            if self.most is not None:
                times = min(times, self.most)
        if not times:
            return Refused("quantity_not_met", {"missing": self.every})
        facts, promised = view.situation.facts, view.situation.lines.promised
        missing = ""
        for gift in self.choices:
            quantity = gift.quantity * times
            stock = facts.stock.get(gift.sku)
            if stock is None or stock - promised.get(gift.sku, 0) >= quantity:
                article = facts.articles.get(gift.sku)
                given = gift.given(quantity, article, instead_of=missing)
                return Cut(gifts=(given,), times=times)
            missing = missing or gift.sku
        return Refused(GIFT_OUT_OF_STOCK)


@dataclass(frozen=True, slots=True)
class Tiered:
    """Steps that rise with value or quantity; the highest reached counts (S13)."""

    #: From so much on -> what is given: a rate, or an amount in minor units.
    steps: tuple[tuple[int, Benefit], ...]
    #: What is given below the first step.
    base: Benefit | None = None
    by: Literal["value", "quantity", "order_value", "line_value", "line_quantity"] = (
        "value"
    )

    def cut(self, view: View) -> Cut | Refused:
        """Find the step and give it, for each line where the measure is a line's."""
        if self.by in {"line_value", "line_quantity"}:
            return self._by_line(view)
        return self._given(view, self._measure(view))

    def _by_line(self, view: View) -> Cut | Refused:
        situation = view.situation
        taxes, tax_basis = situation.taxes, situation.policies.threshold_tax_basis
        parts: list[tuple[int, int]] = []
        for each in view.lines:
            one = View((each,), situation, view.selection, view.times)
            size = each.line.quantity
            if self.by == "line_value":
                at, left = each.line.position, each.left_minor
                size = taxes.as_basis(at, left, tax_basis)
            cut = self._given(one, size)
            if isinstance(cut, Cut):
                parts.append((each.line.position, cut.amount_minor))
        return by_lines(parts) if parts else Refused("threshold_not_met")

    def _measure(self, view: View) -> int:
        if self.by == "quantity":
            return sum(each.line.quantity for each in view.lines)
        situation = view.situation
        basis = situation.policies.threshold_basis
        if self.by == "order_value":
            return situation.worth(Scope(), basis)
        return situation.worth_of(view.lines, basis)

    def _given(self, view: View, size: int) -> Cut | Refused:
        reached = [benefit for least, benefit in self.steps if size >= least]
        benefit = reached[-1] if reached else self.base
        if benefit is None:
            return Refused(
                "threshold_not_met", {"missing_minor": self.steps[0][0] - size}
            )
        return benefit.cut(view)


@dataclass(frozen=True, slots=True)
class FirstNext:
    """One amount for the first unit and another for each further one."""

    first_minor: int
    next_minor: int
    #: Units beyond get nothing; 0 is no end.
    max_units: int = 0

    def cut(self, view: View) -> Cut | Refused:
        """Count units of each line, or of all lines where the order is reduced."""
        if view.is_whole:
            units = sum(each.line.quantity for each in view.lines)
            return amount_off(view, self._worth(units))
        asked = [self._worth(each.line.quantity) for each in view.lines]
        return amounts_off_lines(view, asked)

    def _worth(self, units: int) -> int:
        if self.max_units:
            units = min(units, self.max_units)
        return self.first_minor + self.next_minor * (units - 1) if units else 0


@dataclass(frozen=True, slots=True)
class QuantityGroup:
    """A benefit for the units of full groups, found in line order."""

    size: int
    #: Off each unit; or a share of it.
    amount_minor: int = 0
    rate: Fraction | None = None

    def cut(self, view: View) -> Cut | Refused:
        """Take it off the units of full groups, those of the first lines first."""
        units = view.units()
        full = len(units) // self.size * self.size
        if not full:
            return Refused("quantity_not_met", {"missing": self.size - len(units)})
        chosen = view.selection.bounded(units[:full])
        if self.rate is None:
            return amount_off_units(view, chosen, self.amount_minor)
        bases = view.unit_bases(chosen)
        total = rounded_part(sum(bases), self.rate, view.policies)
        return by_units(view, chosen, split(total, bases, view.policies))


def scopes_taken(benefit: Benefit) -> tuple[Scope, ...] | None:
    """Return which lines it looks at beyond its offer's; None where it may be any."""
    if isinstance(benefit, BuyGet):
        return (benefit.buy_scope, benefit.get_scope)
    return () if isinstance(benefit, _OF_ITS_LINES) else None


_OF_ITS_LINES = (
    *(Percent, Amount, FixedPrice, SetPrice, FreeItem, FirstNext),
    QuantityGroup,
)
