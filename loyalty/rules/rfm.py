"""Recency, frequency, money: five scores each, and what a pair of them is called.

Scores are fifths of the shop's own buyers. The four bounds between them are kept for a
month (``RfmBounds``), so a score changes because the member did, not the others. Who is
alike gets the same score.
"""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass

#: Scores are 1 to 5; 5 is the best.
BEST = 5

#: Recency 5 down to 1, each by frequency and money 1 to 5 (their mean, half up).
SEGMENTS: dict[int, tuple[str, str, str, str, str]] = {
    5: ("new", "potential", "potential", "champions", "champions"),
    4: ("promising", "potential", "potential", "loyal", "loyal"),
    3: ("fading", "fading", "attention", "loyal", "loyal"),
    2: ("lost", "lost", "at_risk", "at_risk", "cannot_lose"),
    1: ("lost", "lost", "at_risk", "at_risk", "cannot_lose"),
}
#: Best first, as lists show them.
SEGMENT_CODES = (
    *("champions", "loyal", "potential", "new", "promising"),
    *("attention", "fading", "at_risk", "cannot_lose", "lost"),
)


@dataclass(frozen=True, slots=True)
class RfmBounds:
    """The four bounds between five scores, ascending: the last value of each fifth.

    ``recency`` is in days since the last order, ``money`` in minor units.
    """

    recency: Sequence[int]
    frequency: Sequence[int]
    money: Sequence[int]


@dataclass(frozen=True, slots=True)
class Rfm:
    """The scores of one buyer, each 1 to 5."""

    recency: int
    frequency: int
    money: int

    @property
    def worth(self) -> int:
        """Frequency and money as one score: their mean, half up."""
        return (self.frequency + self.money + 1) // 2

    @property
    def segment(self) -> str:
        """The code of the segment, from the table above."""
        return SEGMENTS[self.recency][self.worth - 1]


def bounds_of(values: Sequence[int]) -> list[int]:
    """Return the last value of the first four fifths; none where there are no values.

    The same as ``percentile_disc`` of PostgreSQL.

    >>> bounds_of([1, 2, 3, 4, 5, 6, 7, 8, 9, 10])
    [2, 4, 6, 8]
    """
    ordered = sorted(values)
    if not ordered:
        return []
    return [ordered[-(-len(ordered) * n // 5) - 1] for n in range(1, 5)]


def score(*, days_since: int, orders: int, net_minor: int, bounds: RfmBounds) -> Rfm:
    """Return the scores of one buyer: one more than the bounds that lie below it.

    Recency counts down, so the most recent fifth has 5.

    >>> fifths = RfmBounds([7, 30, 90, 180], [1, 1, 2, 4], [1000, 2000, 5000, 9000])
    >>> score(days_since=7, orders=1, net_minor=9001, bounds=fifths)
    Rfm(recency=5, frequency=1, money=5)
    """
    return Rfm(
        recency=BEST - bisect_left(bounds.recency, days_since),
        frequency=1 + bisect_left(bounds.frequency, orders),
        money=1 + bisect_left(bounds.money, net_minor),
    )


def segment_table() -> list[str]:
    """Return 25 codes: recency 1 to 5, within each frequency and money 1 to 5."""
    return [code for recency in range(1, 6) for code in SEGMENTS[recency]]


def amount_bands(highest: int, *, unit: int) -> list[int]:
    """Return where bands of amounts begin: 10, 20, 50, 100 … units, up to the highest.

    >>> amount_bands(60_00, unit=100)
    [1000, 2000, 5000]
    """
    bands: list[int] = []
    scale = 10 * unit
    while True:
        for step in (1, 2, 5):
            if bands and step * scale > highest:
                return bands
            bands.append(step * scale)
        scale *= 10
