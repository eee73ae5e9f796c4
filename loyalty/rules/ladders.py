"""Ladders of tiers with conditions of their own for going up and for staying.

A level is reached by conditions on any metrics, kept by others, and lost in one of
five ways; the shop's tiers add their terms to it (``loyalty.rules.terms``). Plain
Python.
"""

import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from typing import Literal, get_args

DowngradeMode = Literal[
    "never", "only_on_return", "to_matching_tier", "one_below", "lowest"
]
DOWNGRADES: tuple[str, ...] = get_args(DowngradeMode)
#: What a metric is at the moment, within so many days (None is ever).
Metrics = Callable[[str, int | None], Fraction]

_COMPARISONS: dict[str, Callable[[Fraction, Fraction], bool]] = {
    "gte": operator.ge,
    "gt": operator.gt,
    "lte": operator.le,
    "lt": operator.lt,
    "eq": operator.eq,
}
COMPARISONS = tuple(_COMPARISONS)


def compare(how: str, value: Fraction, bound: Fraction) -> bool:
    """Compare two numbers: ``gte``, ``gt``, ``lte``, ``lt`` or ``eq``."""
    return _COMPARISONS[how](value, bound)


@dataclass(frozen=True, slots=True)
class Metric:
    """That a metric reaches a value, ever or within a window of days."""

    name: str
    value: Fraction
    how: str = "gte"
    window_days: int | None = None

    def holds(self, metrics: Metrics) -> bool:
        """Whether it is reached."""
        return compare(self.how, metrics(self.name, self.window_days), self.value)


@dataclass(frozen=True, slots=True)
class Several:
    """That all of some conditions hold, or any of them."""

    parts: tuple["Metric | Several", ...]
    needs_all: bool = True

    def holds(self, metrics: Metrics) -> bool:
        """Whether enough of them hold; of none, all do."""
        held = (part.holds(metrics) for part in self.parts)
        return all(held) if self.needs_all else any(held)


LevelCondition = Metric | Several


@dataclass(frozen=True, slots=True)
class Level:
    """A tier. One without conditions is where everybody starts."""

    id: str
    upgrade_when: LevelCondition | None = None
    #: What keeps it at a review; as ``upgrade_when`` where nothing is said.
    renew_when: LevelCondition | None = None

    def is_reached(self, metrics: Metrics) -> bool:
        """Whether its conditions for going up hold."""
        return self.upgrade_when is None or self.upgrade_when.holds(metrics)

    def is_renewed(self, metrics: Metrics) -> bool:
        """Whether its conditions for staying hold."""
        kept = self.renew_when or self.upgrade_when
        return kept is None or kept.holds(metrics)


@dataclass(frozen=True, slots=True)
class Standing:
    """The tier after a look at it. ``renewed`` is told of a tier that was kept."""

    tier: str | None
    changed: bool = False
    upgraded: bool = False
    renewed: bool = False


@dataclass(frozen=True, slots=True)
class Ladder:
    """Levels from the lowest to the highest."""

    levels: tuple[Level, ...]
    downgrade: DowngradeMode = "never"

    def climbed(
        self, held: str | None, metrics: Metrics, *, manual: str | None = None
    ) -> Standing:
        """Look whether somebody goes up; nobody goes down by this.

        Args:
            manual: a tier given by hand: the least there is.
        """
        return self._standing(held, max(self._rank(held), self._due(metrics, manual)))

    def reviewed(
        self,
        held: str | None,
        metrics: Metrics,
        *,
        manual: str | None = None,
        is_return: bool = False,
    ) -> Standing:
        """Look at a tier at its review, or when what caused it came back.

        Who qualifies for more goes up; who meets the conditions for staying stays;
        anybody else goes down as the ladder says, never below a tier given by hand.
        """
        rank, due = self._rank(held), self._due(metrics, manual)
        if due > rank:
            return self._standing(held, due)
        may_fall = self.downgrade != "never" and (
            is_return or self.downgrade != "only_on_return"
        )
        if rank < 0 or self.levels[rank].is_renewed(metrics):
            return Standing(held, renewed=rank >= 0)
        if not may_fall:
            return Standing(held)
        floor = max(self._rank(manual), -1)
        return self._standing(held, max(fallen(rank, due, self.downgrade), floor))

    def _due(self, metrics: Metrics, manual: str | None) -> int:
        reached = (
            rank for rank, each in enumerate(self.levels) if each.is_reached(metrics)
        )
        return max(max(reached, default=-1), self._rank(manual))

    def _rank(self, tier: str | None) -> int:
        """Return the place of a tier; below all of them for none.

        Raises:
            KeyError: the ladder has no such tier.
        """
        if tier is None:
            return -1
        return {each.id: rank for rank, each in enumerate(self.levels)}[tier]

    def _standing(self, held: str | None, rank: int) -> Standing:
        tier = self.levels[rank].id if rank >= 0 else None
        return Standing(
            tier, changed=tier != held, upgraded=rank > self._rank(held), renewed=False
        )


def fallen(rank: int, due: int, mode: DowngradeMode) -> int:
    """Return where somebody lands who does not keep a tier, and reaches ``due``."""
    return {"one_below": rank - 1, "lowest": min(0, rank), "never": rank}.get(mode, due)


def review_is_due(
    last_change: datetime | None, at: datetime, *, every_days: int | None
) -> bool:
    """Whether a tier is looked at: always, or so many days after its last change."""
    if every_days is None or last_change is None:
        return True
    return (at - last_change).days >= every_days


def ordered(levels: Sequence[tuple[Fraction, Level]]) -> tuple[Level, ...]:
    """Return levels from the lowest threshold to the highest."""
    return tuple(level for _at, level in sorted(levels, key=lambda each: each[0]))
