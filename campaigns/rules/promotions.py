"""Promotions as the pricing function sees them. Plain Python.

``Promotion`` is any offer: conditions, a scope, a selection and a benefit.
``SpendAndSave`` (满减) is the one most shops live from, kept small because a thousand
of them may be on: steps over the goods of the cart, and nothing else.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from campaigns.rules.benefits import (
    Amount,
    Benefit,
    BuyGet,
    FreeItem,
    Percent,
    SetPrice,
    Tiered,
    scopes_taken,
)
from campaigns.rules.conditions import (
    NOBODY,
    Every,
    Facts,
    Quantity,
    Situation,
    Worth,
    kind_of,
    least_spend,
    marks_needed,
    scopes_asked,
)
from campaigns.rules.consuming import units_brought
from campaigns.rules.cuts import Cut, View, capped, merged
from campaigns.rules.policies import SHOP, Policies
from campaigns.rules.rungs import spend_and_save
from campaigns.rules.scopes import (
    ALL,
    UNDISCOUNTABLE,
    Scope,
    fewest,
    places_by_mark,
)
from campaigns.rules.selections import EVERY_UNIT, Selection, has_units, units_of
from orders.rules.lines import ON_SALE, StageLine, StageLines, eligible
from orders.rules.offers import Offer, Reduction, Refused, Stage
from orders.rules.taxes import NO_TAXES, Taxes

#: Kinds of lines an order promotion looks at; freight and fees are never reduced.
ELIGIBLE_KINDS = frozenset({"goods"})
#: Why an offer whose units are gone takes nothing.
NO_UNITS_LEFT = "no_units_left"


@dataclass(frozen=True, slots=True)
class SpendAndSave(Offer):
    """A live promotion as the pricing function sees it."""

    source_id: str
    name: str
    rungs: tuple[tuple[int, int], ...]
    repeats: bool = False
    max_times: int = 1
    priority: int = 0
    exclusive_group: str = ""
    #: Of two equal offers the older goes first (S3).
    starts_at: datetime | None = None
    on_return: str = "keep"
    source_kind: str = "promotion"
    stage: Stage = Stage.ORDER

    @property
    def least_minor(self) -> int:
        """Return the goods below which it takes nothing."""
        return self.rungs[0][0]

    def reduce(self, lines: Sequence[StageLine]) -> Reduction | Refused:
        """Take the reached step off the goods, or say how much is missing (S25)."""
        goods = eligible(lines, ELIGIBLE_KINDS)
        basis = goods.amount_minor
        off = spend_and_save(
            basis, self.rungs, repeats=self.repeats, max_times=self.max_times
        )
        if off == 0:
            missing = self.rungs[0][0] - basis
            return Refused("threshold_not_met", {"missing_minor": missing})
        return Reduction(
            amount_minor=min(off, goods.left_minor),
            positions=goods.positions,
            trace={"basis_minor": basis},
        )

    def terms(self) -> dict[str, Any]:
        """Return what makes the same offer again."""
        return {
            "rungs": [list(rung) for rung in self.rungs],
            "repeats": self.repeats,
            "max_times": self.max_times,
            "priority": self.priority,
            "exclusive_group": self.exclusive_group,
        }


@dataclass(frozen=True, slots=True)
class Promotion(Offer):
    """Any offer: when it applies, to what, what it gives, and what ends it."""

    source_id: str
    name: str
    benefit: Benefit
    stage: Stage = Stage.ITEM
    scope: Scope = ALL
    conditions: Every = Every()
    selection: Selection = EVERY_UNIT
    #: On the order as a whole: rounded once and shared over the lines in scope.
    is_whole: bool = False
    #: Most that it takes off an order; and what is left of its budget (S21).
    cap_minor: int | None = None
    budget_minor: int | None = None
    #: Which budget that is, where somebody has to look it up.
    budget_id: int | None = None
    #: How many units it has left to give at its price; None is no limit (S21).
    units_left: int | None = None
    #: How often an amount per application is given; None is as often as it fits.
    most_times: int | None = 1
    #: Lines that something has already lowered are passed by (C17).
    skips_discounted: bool = False
    #: Given by staff (S26): also where no promotion may lower a line.
    is_by_hand: bool = False
    policies: Policies = SHOP
    taxes: Taxes = NO_TAXES
    facts: Facts = NOBODY
    priority: int = 0
    rank: int = 0
    lane: int = 0
    starts_at: datetime | None = None
    exclusive_group: str = ""
    group_scope: str = "order"
    is_alone: bool = False
    forbids: frozenset[str] = frozenset()
    on_return: str = "keep"
    #: Lines it lowers are closed to other offers on goods (S2).
    closes: bool = False
    #: What makes the same offer again: its kind and its recipe, as JSON.
    recipe: Mapping[str, Any] = field(default_factory=dict)
    source_kind: str = "promotion"
    #: The goods below which it takes nothing, as far as that is certain.
    least_minor: int = field(init=False, compare=False, repr=False)
    #: Whether a unit it looks at is used up, by its policy.
    uses_units: bool = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        """Find out once what every cart asks of it."""
        object.__setattr__(self, "least_minor", self._least_spend())
        object.__setattr__(self, "uses_units", self._takes_units())

    def told(self, facts: Facts) -> "Promotion":
        """Return it for one buyer and moment; itself where it asks for neither."""
        asks = not all(isinstance(each, _COUNTS) for each in self.conditions.of)
        told: dict[str, Any] = {"facts": facts} if asks or self.has_gifts else {}
        if self.budget_id is not None and self.budget_id in facts.budgets_left:
            told["budget_minor"] = max(0, facts.budgets_left[self.budget_id])
        if self.units_left is not None and self.source_id in facts.units_left:
            told["units_left"] = max(0, facts.units_left[self.source_id])
        return replace(self, **told) if told else self

    def reduce(self, lines: Sequence[StageLine]) -> Reduction | Refused:
        """Take the benefit off the lines in scope, or say what is missing (S25)."""
        if not isinstance(lines, StageLines):
            lines = StageLines.over(lines)
        situation = Situation(lines, self.facts, self.policies, self.taxes)
        unmet = self.conditions.unmet(situation)
        if unmet is not None:
            return unmet
        found = self.eligible(lines)
        nothing = self._nothing_in(found)
        if nothing is not None:
            return nothing
        view = View(
            lines=found,
            situation=situation,
            selection=self.selection,
            times=self._times(situation, found),
            is_whole=self.is_whole,
            unused_only=self.uses_units,
            sets_of=self._sets_of(),
            units_left=self.units_left,
        )
        cut = self._cut(view)
        if isinstance(cut, Refused):
            return cut
        if self.cap_minor is not None:
            cut = capped(view, cut, self.cap_minor, self.policies.cap_tax_basis)
        left = self._budget_left(lines)
        if left is not None and cut.amount_minor > left:
            if self.policies.budget_overrun == "reject_whole" or not left:
                return Refused("budget_exceeded")
            cut = capped(view, cut, left)
        return self._reduction(view, cut)

    def _nothing_in(self, found: Sequence[StageLine]) -> Refused | None:
        """Say why it lowers none of the lines it found, where that is seen at once."""
        if not found:
            return Refused("products_not_in_cart")
        if self.units_left == 0:
            return Refused(NO_UNITS_LEFT, {"left": 0})
        if not self.uses_units:
            return None
        if has_units(found, self.selection.group_size or 1):
            return None
        code = self._code_if_used_up
        return Refused(code) if code else None

    @property
    def _code_if_used_up(self) -> str:
        """Return why it refuses where offers before it used up its units (S15).

        "" where its benefit does not look at units.
        """
        benefit = self.benefit
        if isinstance(benefit, BuyGet):
            return "set_not_complete"
        is_amount = isinstance(benefit, Amount) and benefit.per == "order"
        return "no_effect" if is_amount or isinstance(benefit, Percent) else ""

    def _budget_left(self, lines: StageLines) -> int | None:
        """Return what offers before it leave of its budget; None is no budget (S21)."""
        if self.budget_minor is None:
            return None
        return max(0, self.budget_minor - lines.spent.get(self.budget_id, 0))

    def eligible(self, lines: StageLines) -> tuple[StageLine, ...]:
        """Return the lines it may lower."""
        found = self.scope.of(lines)
        if not self.is_by_hand and UNDISCOUNTABLE in places_by_mark(lines):
            found = tuple(e for e in found if UNDISCOUNTABLE not in e.line.marks)
        if not self.skips_discounted:
            return found
        return tuple(
            each
            for each in found
            if each.left_minor >= each.opening_minor
            and each.line.unit_price_minor >= each.line.list_price_minor
            and ON_SALE not in each.line.marks
        )

    @property
    def is_of_sets(self) -> bool:
        """Tell whether it makes sets of units (S15, S18)."""
        return isinstance(self.benefit, _OF_SETS) or bool(self.selection.group_size)

    def _takes_units(self) -> bool:
        how = self.policies.units_consumption
        if how == "each_unit_counts_for_one_promotion":
            return True
        is_limited = self.selection.most_units is not None
        return self.is_of_sets or (how == "limited_coupons_move_on" and is_limited)

    def _least_spend(self) -> int:
        if self.taxes.rates:
            return 0
        least = 0
        for each in self.conditions.of:
            least = max(least, least_spend(each, self.policies))
        return least

    @property
    def handles(self) -> frozenset[str] | None:
        """Return marks of which some line must carry one; None if any cart will do."""
        found = [self.scope.handles]
        if isinstance(self.benefit, BuyGet):
            found = [self.benefit.buy_scope.handles, self.benefit.get_scope.handles]
        elif not self.conditions.of:
            return self.scope.handles
        found += [marks_needed(each) for each in self.conditions.of]
        return fewest(found)

    def concerns(self, lines: StageLines) -> frozenset[int] | None:
        """Return the positions of the lines that matter to it; None is any (S6)."""
        if self.policies.discount_clamp == "payable_total":
            return None
        positions = {each.line.position for each in self.scope.of(lines)}
        asked = (scopes_asked(each, self.policies) for each in self.conditions.of)
        for scopes in (scopes_taken(self.benefit), *asked):
            if scopes is None:
                return None
            positions.update(e.line.position for s in scopes for e in s.of(lines))
        return frozenset(positions)

    @property
    def has_gifts(self) -> bool:
        """Tell whether it may give goods."""
        return isinstance(self.benefit, (FreeItem, Tiered))

    def terms(self) -> dict[str, Any]:
        """Return what an order keeps of it."""
        limit = {} if self.units_left is None else {"units_left": self.units_left}
        return {
            "priority": self.priority,
            "exclusive_group": self.exclusive_group,
            **limit,
            **self.recipe,
        }

    def _cut(self, view: View) -> Cut | Refused:
        """Ask the benefit; of units that must be of one kind, kind by kind."""
        counts = [each for each in self.conditions.of if isinstance(each, Quantity)]
        alike = next((each for each in counts if each.same), None) if counts else None
        if alike is None or isinstance(self.benefit, _OF_SETS):
            return self.benefit.cut(view)
        kinds: dict[str, list[StageLine]] = {}
        for each in view.lines:
            kinds.setdefault(kind_of(each, alike.same), []).append(each)
        enough = [
            replace(view, lines=tuple(some))
            for some in kinds.values()
            if len(units_of(some, unused_only=view.unused_only)) >= alike.value
        ]
        if not isinstance(self.benefit, Percent):
            lines = tuple(line for each in enough for line in each.lines)
            return self.benefit.cut(replace(view, lines=lines))
        cuts = [self.benefit.cut(each) for each in enough]
        return merged([each for each in cuts if isinstance(each, Cut)])

    def _sets_of(self) -> Quantity | None:
        """Return the condition whose sets of different goods alone are reduced."""
        if self.policies.group_distinct != "sets_may_grow" or self.is_of_sets:
            return None
        counts = (each for each in self.conditions.of if isinstance(each, Quantity))
        return next((each for each in counts if each.distinct), None)

    def _times(self, situation: Situation, found: Sequence[StageLine]) -> int:
        if self.most_times == 1:
            return 1
        counts = [
            each.times(situation)
            for each in self.conditions.of
            if isinstance(each, _COUNTS)
        ]
        if self.selection.group_size:
            units = units_of(found, unused_only=True)
            counts.append(len(units) // self.selection.group_size)
        times = max(1, min(counts, default=1))
        return times if self.most_times is None else min(times, self.most_times)

    def _reduction(self, view: View, cut: Cut) -> Reduction:
        left = {} if self.units_left is None else {"left": self.units_left}
        units = cut.units or _touched(view, cut)
        return Reduction(
            amount_minor=cut.amount_minor,
            positions=tuple([each.line.position for each in view.lines]),
            shares=cut.shares,
            unit_shares=cut.unit_shares,
            uses=self._uses(view, cut) if view.unused_only else (),
            gifts=cut.gifts,
            closes=self.closes,
            budget=None if self.budget_minor is None else self.budget_id,
            moves_excess=self.policies.floor_excess == "redistributed_to_other_lines",
            by_first_units=self.policies.allocation_remainder == "first_units",
            units_left=self.units_left,
            trace={"times": cut.times, "units": units, **left},
        )

    def _uses(self, view: View, cut: Cut) -> tuple[tuple[int, int], ...]:
        """Return the units used up: those that got it, and those that brought it."""
        uses = list(cut.uses) or [(at, place) for at, place, _part in cut.unit_shares]
        if self.policies.units_consumption != "each_unit_counts_for_one_promotion":
            return tuple(uses)
        if self.policies.application_repeat == "once_consumes_all":
            return tuple((unit.position, unit.place) for unit in view.units())
        if not uses:
            lowered = {position for position, _part in cut.shares}
            uses = [unit[:2] for unit in view.units() if unit.position in lowered]
        used = set(uses)
        for condition in self.conditions.of:
            # What is bought is what was counted.
            if not isinstance(condition, Quantity) or not isinstance(
                self.benefit, BuyGet
            ):
                brought = units_brought(condition, view.situation, used)
                uses += brought
                used.update(brought)
        return tuple(uses)


def _touched(view: View, cut: Cut) -> int:
    """Return how many units the lines have that were lowered."""
    lowered = {each[0] for each in cut.unit_shares or cut.shares}
    lines = [each.line for each in view.lines]
    return sum([line.quantity for line in lines if line.position in lowered])


#: Benefits of sets, and conditions that count lines and nothing else.
_OF_SETS = (BuyGet, SetPrice)
_COUNTS = (Quantity, Worth)
