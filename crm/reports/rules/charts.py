"""Line, bar and step charts as SVG text. Plain Python.

No script and no colour of its own: strokes and fills are ``currentColor`` or the CSS
variables ``--chart-1`` and ``--chart-2``, so a page themes, prints and tests them.
Every chart has a title and a description, and ``table`` gives the same numbers as
rows for the table beside it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from itertools import accumulate, pairwise
from math import ceil

_LEFT, _RIGHT, _TOP, _BOTTOM = 64, 8, 12, 28
#: Between the words of the scale and the drawing.
_SCALE_GAP = 8
#: Labels below the axis at most; between them every n-th is left out.
_MOST_LABELS = 13
#: What a label of an uneven scale needs, in units of the drawing.
_LABEL_WIDTH = 90
#: Between two labels below the axis.
_GAP = 6
_STEPS = (1, 2, 5, 10)


@dataclass(frozen=True, slots=True)
class Point:
    """One value of a chart; None where nothing is known (not zero)."""

    label: str
    value: int | None
    #: The value in words, such as ``¥1,234.50``.
    shown: str


@dataclass(frozen=True, slots=True)
class Chart:
    """What is drawn. ``uid`` is unique on the page and safe in an id attribute."""

    uid: str
    title: str
    description: str
    points: Sequence[Point]
    width: int = 780
    height: int = 220
    #: A point to be marked by a line across, and what that says.
    mark: int | None = None
    mark_words: str = ""

    @property
    def is_flat(self) -> bool:
        """Whether there is nothing to see but the line at zero."""
        return not any(point.value for point in self.points)


def table(chart: Chart) -> list[tuple[str, str]]:
    """Return the rows of the table that says the same as the drawing."""
    return [(point.label, point.shown) for point in chart.points]


def ticks(low: int, high: int, *, wanted: int = 4) -> list[int]:
    """Return round values that span ``[low, high]``, about ``wanted`` steps apart.

    >>> ticks(0, 930)
    [0, 500, 1000]
    """
    low, high = min(low, 0), max(high, 0)
    rough = max((high - low) / wanted, 1)
    scale = 10 ** (len(str(int(rough))) - 1)
    step = next(n * scale for n in _STEPS if n * scale >= rough)
    first, last = low // step, -(-high // step)
    return [n * step for n in range(first, max(last, first + 1) + 1)]


def bar_chart(chart: Chart, *, tick_texts: dict[int, str] | None = None) -> str:
    """Return bars that stand on zero; negative ones hang below it.

    Args:
        chart: the points.
        tick_texts: words for the values of ``ticks``; the bare number when left out.
    """
    frame = _Frame.around(chart, tick_texts or {})
    step = frame.step
    drawn = []
    for place, point in enumerate(chart.points):
        if point.value is None:
            continue
        top, bottom = sorted((frame.y(point.value), frame.y(0)))
        x = frame.left + place * step + step * 0.15
        drawn.append(
            f'<rect x="{x:.1f}" y="{top:.1f}" width="{step * 0.7:.1f}" '
            f'height="{bottom - top:.1f}" fill="var(--chart-1, currentColor)">'
            f"{_tip(point)}</rect>"
        )
    return _svg(chart, frame, drawn)


def line_chart(chart: Chart, *, tick_texts: dict[int, str] | None = None) -> str:
    """Return a line through the points; it breaks where a value is missing."""
    frame = _Frame.around(chart, tick_texts or {})
    runs: list[list[str]] = [[]]
    dots = []
    for place, point in enumerate(chart.points):
        if point.value is None:
            runs.append([])
            continue
        x, y = frame.left + (place + 0.5) * frame.step, frame.y(point.value)
        runs[-1].append(f"{x:.1f},{y:.1f}")
        dots.append(
            f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" '
            f'fill="var(--chart-1, currentColor)">{_tip(point)}</circle>'
        )
    lines = [
        f'<polyline points="{" ".join(run)}" fill="none" '
        'stroke="var(--chart-1, currentColor)" stroke-width="2"/>'
        for run in runs
        if len(run) > 1
    ]
    return _svg(chart, frame, lines + dots)


@dataclass(frozen=True, slots=True)
class _Frame:
    """Where values stand on the paper."""

    #: Marks of the scale, and what stands at each.
    marks: dict[int, str]
    height: int
    left: float
    inner: float
    step: float

    @classmethod
    def around(cls, chart: Chart, words: dict[int, str]) -> "_Frame":
        values = [p.value for p in chart.points if p.value is not None] or [0]
        marks = {
            mark: words.get(mark, f"{mark:,}")
            for mark in ticks(min(values), max(values))
        }
        left = max(_LEFT, _SCALE_GAP + max(map(_text_width, marks.values())))
        inner = chart.width - left - _RIGHT
        return cls(
            marks=marks,
            height=chart.height - _TOP - _BOTTOM,
            left=left,
            inner=inner,
            step=inner / max(len(chart.points), 1),
        )

    def y(self, value: int) -> float:
        low, high = min(self.marks), max(self.marks)
        return _TOP + self.height * (high - value) / (high - low)


def _svg(
    chart: Chart,
    frame: _Frame,
    drawn: list[str],
    *,
    places: Sequence[float | None] | None = None,
    mark_at: float | None = None,
) -> str:
    """Put a drawing on its paper; labels and mark have ``places`` if uneven."""
    uid = escape(chart.uid)
    # Not "chart": the console's theme takes what bears that name for a canvas.
    return "".join(
        [
            f'<svg viewBox="0 0 {chart.width} {chart.height}" role="img" '
            f'aria-labelledby="{uid}-title {uid}-desc" class="cs-chart">',
            f'<title id="{uid}-title">{escape(chart.title)}</title>',
            f'<desc id="{uid}-desc">{escape(chart.description)}</desc>',
            *_grid(chart, frame),
            *drawn,
            *_mark(chart, frame, mark_at),
            *(_labels(chart, frame) if places is None else _labels_at(chart, places)),
            "</svg>",
        ]
    )


def _grid(chart: Chart, frame: _Frame) -> list[str]:
    parts = []
    for mark, words in frame.marks.items():
        y = frame.y(mark)
        opacity = ".5" if mark == 0 else ".15"
        parts.append(
            f'<line x1="{frame.left:g}" y1="{y:.1f}" '
            f'x2="{chart.width - _RIGHT}" y2="{y:.1f}" '
            f'stroke="currentColor" stroke-opacity="{opacity}"/>'
            f'<text x="{frame.left - _SCALE_GAP:g}" y="{y + 4:.1f}" text-anchor="end" '
            f'font-size="11" fill="currentColor">{escape(words)}</text>'
        )
    return parts


def _mark(chart: Chart, frame: _Frame, at: float | None) -> list[str]:
    """Draw the line of the marked point; its words stand where there is room."""
    if chart.mark is None:
        return []
    x = frame.left + (chart.mark + 0.5) * frame.step if at is None else at
    is_late = x > chart.width / 2
    return [
        f'<line x1="{x:.1f}" y1="{_TOP}" x2="{x:.1f}" y2="{chart.height - _BOTTOM}" '
        'stroke="currentColor" stroke-width="2" stroke-dasharray="4 3"/>'
        f'<text x="{x + (-6 if is_late else 6):.1f}" y="{_TOP + 10}" font-size="11" '
        f'text-anchor="{"end" if is_late else "start"}" fill="currentColor">'
        f"{escape(chart.mark_words)}</text>"
    ]


def _labels(chart: Chart, frame: _Frame) -> list[str]:
    widest = max((_text_width(point.label) for point in chart.points), default=0)
    every = max(
        -(-len(chart.points) // _MOST_LABELS), ceil((widest + _GAP) / frame.step)
    )
    return [
        f'<text x="{frame.left + (place + 0.5) * frame.step:.1f}" '
        f'y="{chart.height - 8}" '
        'text-anchor="middle" font-size="11" fill="currentColor">'
        f"{escape(point.label)}</text>"
        for place, point in enumerate(chart.points)
        if place % every == 0
    ]


def _text_width(text: str) -> float:
    """Return about how wide a label is: Chinese letters are square."""
    return sum(11.0 if ord(letter) > 0x2E80 else 6.5 for letter in text)


def _labels_at(chart: Chart, places: Sequence[float | None]) -> list[str]:
    return [
        f'<text x="{min(place, chart.width - _LABEL_WIDTH):.1f}" '
        f'y="{chart.height - 8}" font-size="11" fill="currentColor">'
        f"{escape(point.label)}</text>"
        for point, place in zip(chart.points, places, strict=True)
        if place is not None
    ]


def _tip(point: Point) -> str:
    return f"<title>{escape(point.label)}: {escape(point.shown)}</title>"


def step_chart(
    chart: Chart, spans: Sequence[int], *, tick_texts: dict[int, str] | None = None
) -> str:
    """Return a line that holds each value for its share of the width, then steps.

    From the marked point on it is dashed: that is to come.

    Args:
        spans: how long each point holds, in any one unit, > 0.
        tick_texts: words for the values of ``ticks``.
    """
    frame = _Frame.around(chart, tick_texts or {})
    share = frame.inner / max(sum(spans), 1)
    edges = [frame.left + share * each for each in accumulate(spans, initial=0)]
    corners, dots = [], []
    for point, (start, end) in zip(chart.points, pairwise(edges), strict=True):
        y = frame.y(point.value or 0)
        corners += [f"{start:.1f},{y:.1f}", f"{end:.1f},{y:.1f}"]
        dots.append(
            f'<rect x="{start:.1f}" y="{y - 4:.1f}" width="{end - start:.1f}" '
            f'height="8" fill="transparent">{_tip(point)}</rect>'
        )
    parts = [(corners, "")]
    if chart.mark is not None:
        known, ahead = corners[: 2 * chart.mark], corners[max(2 * chart.mark - 1, 0) :]
        parts = [(known, ""), (ahead, ' stroke-dasharray="4 3"')]
    lines = [
        f'<polyline points="{" ".join(part)}" fill="none" '
        f'stroke="var(--chart-1, currentColor)" stroke-width="2"{dashes}/>'
        for part, dashes in parts
    ]
    return _svg(
        chart,
        frame,
        lines + dots,
        places=_thinned(edges[:-1]),
        mark_at=None if chart.mark is None else edges[chart.mark],
    )


def _thinned(starts: Sequence[float]) -> list[float | None]:
    """Return where labels stand; None where there is no room for one."""
    places: list[float | None] = []
    free_from = 0.0
    for start in starts:
        fits = start >= free_from
        places.append(start if fits else None)
        free_from = start + _LABEL_WIDTH if fits else free_from
    return places
