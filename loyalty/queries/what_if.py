"""What a version of a ladder would do to the members of now, without doing it."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from crm.shared.money import WHOLE_BP
from loyalty.models import LadderVersion
from loyalty.queries.program import program
from loyalty.queries.tier_base import bought_by_class, classes
from loyalty.queries.tier_terms import (
    LadderInForce,
    ladder_in_force,
    start_of,
    terms_of_version,
)
from loyalty.rules.benefit_costs import (
    BenefitCost,
    BoughtOtherwise,
    EarnedOtherwise,
    benefit_cost,
)
from loyalty.rules.terms import LadderTerms, Look, Occasion, Start
from orders.queries.prices import prices_of_audiences
from orders.rules.prices import ANY_MEMBER
from orders.rules.unit_prices import best_price

#: The tier held and the one after it; None is none.
_Pair = tuple[str | None, str | None]


@dataclass(frozen=True, slots=True)
class Move:
    """Members who would go from one tier to another; None is no tier."""

    from_code: str | None
    to_code: str | None
    members: int
    #: What they ever spent, less refunds.
    spent_minor: int


@dataclass(frozen=True, slots=True)
class WhatIf:
    """Every move, the ones that stay included; places of tiers from low to high."""

    codes: tuple[str, ...]
    moves: tuple[Move, ...]
    #: Who holds a tier that they would not get: however gently the version treats
    #: them, at once, at the end of their terms or at a date.
    losing: int = 0
    #: What it costs the shop in a year like the last one.
    cost: BenefitCost = BenefitCost()

    @property
    def members(self) -> int:
        """Return how many were looked at."""
        return sum(move.members for move in self.moves)

    @property
    def spent_minor(self) -> int:
        """Return what all of them ever spent."""
        return sum(move.spent_minor for move in self.moves)

    @property
    def rising(self) -> int:
        """Return how many would go up."""
        return sum(m.members for m in self.moves if self._step(m) > 0)

    @property
    def falling(self) -> int:
        """Return how many would go down."""
        return sum(m.members for m in self.moves if self._step(m) < 0)

    @property
    def falling_spent_minor(self) -> int:
        """Return what those who go down ever spent."""
        return sum(m.spent_minor for m in self.moves if self._step(m) < 0)

    def _step(self, move: Move) -> int:
        place = {code: rank for rank, code in enumerate(self.codes)}
        return place.get(move.to_code or "", -1) - place.get(move.from_code or "", -1)


def what_if(version: LadderVersion, *, at: datetime) -> WhatIf:
    """Return who would hold what if a version began at ``at`` (T13).

    One statement counts all members by what the rules need to know of them; the rules
    that look at each of them later decide here for all of a kind, so the counts are
    those after publishing on the same data.
    """
    ladder = ladder_in_force(version.ladder)
    terms = terms_of_version(
        version, rungs=version.rungs.all(), tiers=ladder.tiers.values()
    )
    return what_if_of(ladder, terms, start=start_of(version), at=at)


def what_if_of(
    ladder: LadderInForce, terms: LadderTerms, *, start: Start, at: datetime
) -> WhatIf:
    """Return who would hold what by other terms, and what that costs a year."""
    look = Look(terms=terms, at=at, joined_at=at, occasion=Occasion.START, start=start)
    harsh = replace(look, start=Start(at_once=True))
    members: Counter[_Pair] = Counter()
    spent: Counter[_Pair] = Counter()
    earned: Counter[_Pair] = Counter()
    losing = 0
    for kind in classes(ladder, terms, at=at):
        key = kind.held.tier, look.outcome(kind.held, kind.measured).tier
        members[key] += kind.members
        spent[key] += kind.spent_minor
        earned[key] += kind.base_points
        worst = harsh.outcome(kind.held, kind.measured).tier
        if terms.rank(worst) < terms.rank(kind.held.tier):
            losing += kind.members
    cost = BenefitCost()
    if ladder.is_main:
        cost = benefit_cost(
            earned=_earned_otherwise(ladder, terms, earned),
            bought=_bought_otherwise(ladder, look),
            minor_per_100=program().redeem_minor_per_100,
        )
    return WhatIf(
        codes=tuple(rung.code for rung in terms.rungs),
        moves=tuple(
            Move(*key, members=count, spent_minor=spent[key])
            for key, count in sorted(members.items(), key=str)
        ),
        losing=losing,
        cost=cost,
    )


def _earned_otherwise(
    ladder: LadderInForce, terms: LadderTerms, earned: Mapping[_Pair, int]
) -> Iterator[EarnedOtherwise]:
    """Yield what was earned, with the multipliers of the tier before and after."""
    before = {rung.code: rung.multiplier_bp for rung in ladder.terms.rungs}
    after = {rung.code: rung.multiplier_bp for rung in terms.rungs}
    for (held, then), points in earned.items():
        yield EarnedOtherwise(
            points, before.get(held or "", WHOLE_BP), after.get(then or "", WHOLE_BP)
        )


def _bought_otherwise(ladder: LadderInForce, look: Look) -> Iterator[BoughtOtherwise]:
    """Yield what members who change their tier bought of what tiers price apart.

    At the prices of today: the two tiers', not those of the day of the order.
    """
    options = prices_of_audiences("tier:", at=look.at)
    if not options:
        return
    for each in bought_by_class(
        ladder, look.terms, at=look.at, variant_ids=options.keys()
    ):
        then = look.outcome(each.held, each.measured).tier
        if then != each.held.tier:
            listed, running = options[each.variant_id]
            before, after = (
                best_price(listed, running, {ANY_MEMBER, f"tier:{code}"}).amount_minor
                for code in (each.held.tier, then)
            )
            yield BoughtOtherwise(each.units, before, after)
