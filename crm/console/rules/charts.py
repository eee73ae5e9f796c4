"""Small charts as SVG text: no script, prints, reads aloud. Plain Python."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar: where it stands, and what it says."""

    x: float
    y: float
    width: float
    height: float
    label: str
    value: str


def bars(
    values: Sequence[int],
    labels: Sequence[str],
    shown: Sequence[str],
    *,
    width: int,
    height: int,
    gap: float = 2.0,
) -> list[Bar]:
    """Lay out one bar per value; negative values count as nothing.

    Args:
        values: heights, in any unit.
        labels: what each bar is, such as a month.
        shown: each value in words.
        width: of the drawing, in pixels.
        height: of the drawing, in pixels.
        gap: between bars, in pixels.

    >>> [(b.x, b.height) for b in bars([1, 2], "ab", "12", width=20, height=10, gap=0)]
    [(0.0, 5.0), (10.0, 10.0)]
    """
    if not values:
        return []
    top = max(1, *values)
    step = width / len(values)
    placed = []
    for place, (value, label, text) in enumerate(
        zip(values, labels, shown, strict=True)
    ):
        tall = round(max(value, 0) / top * height, 1)
        placed.append(
            Bar(
                x=round(place * step + gap / 2, 1),
                y=round(height - tall, 1),
                width=round(step - gap, 1),
                height=tall,
                label=label,
                value=text,
            )
        )
    return placed
