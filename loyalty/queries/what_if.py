"""What a version of a ladder would do to the members of now, without doing it."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime

from loyalty.models import LadderVersion
from loyalty.queries.tier_measures import classes
from loyalty.queries.tier_terms import ladder_in_force, start_of, terms_of_version
from loyalty.rules.terms import Look, Occasion


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
    members: Counter[tuple[str | None, str | None]] = Counter()
    spent: Counter[tuple[str | None, str | None]] = Counter()
    look = Look(
        terms=terms,
        at=at,
        joined_at=at,
        occasion=Occasion.START,
        start=start_of(version),
    )
    for kind in classes(ladder, terms, at=at):
        key = kind.held.tier, look.outcome(kind.held, kind.measured).tier
        members[key] += kind.members
        spent[key] += kind.spent_minor
    return WhatIf(
        codes=tuple(rung.code for rung in terms.rungs),
        moves=tuple(
            Move(*key, members=count, spent_minor=spent[key])
            for key, count in sorted(members.items(), key=str)
        ),
    )
