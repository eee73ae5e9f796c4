"""Paid, refunded, net: three bars whose heights add up. Plain Python, for an SVG."""

from collections.abc import Sequence
from dataclasses import dataclass

#: Size of the drawing: ``WIDTH`` across, ``ROW`` for each bar; labels come first.
WIDTH, ROW = 480, 24
_LEFT, _BAR = 240, 16
_LONGEST = WIDTH - _LEFT


@dataclass(frozen=True, slots=True)
class Bar:
    """One amount as a rectangle; ``x`` is where the one before ended."""

    label: str
    amount_minor: int
    x: int
    y: int
    width: int
    height: int = _BAR

    @property
    def baseline(self) -> int:
        """Return where its label stands."""
        return self.y + self.height - 4


def waterfall(steps: Sequence[tuple[str, int]], *, whole_minor: int) -> list[Bar]:
    """Return bars from top to bottom, each beginning where the sum so far ends.

    Args:
        steps: label and amount; a negative one goes back from the end of the last.
        whole_minor: the amount as long as the drawing is wide, > 0.

    >>> [(bar.x, bar.width) for bar in waterfall([("a", 100), ("b", -25)],
    ...                                          whole_minor=100)]
    [(240, 240), (420, 60)]
    """
    bars, total = [], 0
    for row, (label, amount) in enumerate(steps):
        begin, total = total, total + amount
        low, high = sorted(
            _LONGEST * max(0, edge) // whole_minor for edge in (begin, total)
        )
        bars.append(Bar(label, amount, _LEFT + low, row * ROW, high - low))
    return bars
