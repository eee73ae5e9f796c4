"""Rungs of a ladder, and which was held when. Plain Python."""

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
