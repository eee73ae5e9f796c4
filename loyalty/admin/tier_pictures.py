"""The base of members drawn against the thresholds of a ladder."""

from dataclasses import dataclass
from datetime import datetime

from loyalty.queries.tier_base import histogram
from loyalty.queries.tier_terms import LadderInForce
from loyalty.rules.terms import LadderTerms

_BARS = 40
_WIDTH, _HEIGHT, _ROOM = 640, 120, 18


@dataclass(frozen=True, slots=True)
class Picture:
    """Bars and lines, measured from the upper left."""

    width: int
    height: int
    floor: int
    #: x, y, height, members.
    bars: tuple[tuple[float, float, float, int], ...]
    #: x and code of a tier.
    lines: tuple[tuple[float, str], ...]


def picture_of(
    ladder: LadderInForce, terms: LadderTerms, *, at: datetime
) -> Picture | None:
    """Return how many members have how much, with a line at every threshold.

    Bars grow with the square root of the count: few have much, and are to be seen.
    """
    rungs = [rung for rung in terms.rungs if not rung.is_removed]
    highest = max((rung.threshold_minor for rung in rungs), default=0)
    if terms.metric == "none" or not highest:
        return None
    top = highest * 5 // 4 + 1
    counts = histogram(ladder, terms, at=at, top=top, bars=_BARS)
    most = max(counts) ** 0.5 or 1
    step = _WIDTH / len(counts)
    bars = []
    for number, count in enumerate(counts):
        tall = round(count**0.5 / most * _HEIGHT, 1)
        bars.append(
            (round(number * step, 1), round(_ROOM + _HEIGHT - tall, 1), tall, count)
        )
    scale = _WIDTH * _BARS / (len(counts) * top)
    lines = [(round(rung.threshold_minor * scale, 1), rung.code) for rung in rungs]
    floor = _ROOM + _HEIGHT
    return Picture(_WIDTH, floor + 2, floor, tuple(bars), tuple(lines))
