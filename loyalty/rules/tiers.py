"""Which tier a qualifying value reaches. Plain Python."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Rung:
    """A tier: reached at ``threshold_minor`` exactly (T3)."""

    id: int
    code: str
    threshold_minor: int
    multiplier_bp: int
    #: What keeps the tier; None is the threshold.
    keep_minor: int | None = None
    #: A second number, and whether both must be reached or either.
    also_metric: str = ""
    also_threshold: int = 0
    needs_both: bool = True
    #: Taken off the ladder: nobody reaches it, who holds it leaves it (T14).
    is_removed: bool = False


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a value stands on the ladder (T12)."""

    reached: Rung | None
    following: Rung | None
    #: Value still missing to ``following``; 0 at the top.
    missing_minor: int


@dataclass(frozen=True, slots=True)
class Step:
    """A change of tier on record."""

    occurred_at: datetime
    from_id: int | None
    to_id: int | None


def held_before(
    steps: Sequence[Step], at: datetime, *, now_id: int | None
) -> int | None:
    """Return the tier held just before ``at`` (P7).

    Before the first step it is the tier which that step left; without steps it is
    ``now_id``, the present one.

    Args:
        steps: in order of time.
    """
    before = [step for step in steps if step.occurred_at < at]
    if before:
        return before[-1].to_id
    return steps[0].from_id if steps else now_id


def rung_for(value_minor: int, rungs: Sequence[Rung]) -> Rung | None:
    """Return the highest rung reached; rungs may be skipped (T3, T4).

    Below every threshold the lowest rung counts, so that a member whose returns
    outweigh the purchases still has a tier. None only without rungs.
    """
    if not rungs:
        return None
    by_height = sorted(rungs, key=lambda rung: rung.threshold_minor)
    reached = [rung for rung in by_height if rung.threshold_minor <= value_minor]
    return reached[-1] if reached else by_height[0]


def progress(value_minor: int, rungs: Sequence[Rung]) -> Progress:
    """Return the rung reached, the next one and what is missing to it."""
    reached = rung_for(value_minor, rungs)
    above = [rung for rung in rungs if rung.threshold_minor > value_minor]
    if reached is not None:
        above = [rung for rung in above if rung is not reached]
    following = min(above, key=lambda rung: rung.threshold_minor, default=None)
    missing = following.threshold_minor - value_minor if following else 0
    return Progress(reached, following, missing)
