import re
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm.reports.rules.charts import (
    Chart,
    Point,
    bar_chart,
    line_chart,
    step_chart,
    table,
    ticks,
)

SVG = "{http://www.w3.org/2000/svg}"
VALUES = st.lists(st.none() | st.integers(-(10**12), 10**12), max_size=40)


def chart(values, **fields):
    points = [
        Point(f"m{n}", v, "" if v is None else f"¥{v}") for n, v in enumerate(values)
    ]
    return Chart(
        uid="c1", title="Sales", description="By month", points=points, **fields
    )


def drawn(text):
    return ElementTree.fromstring(text)


@pytest.mark.parametrize(
    ("low", "high", "marks"),
    [
        (0, 930, [0, 500, 1000]),
        (0, 0, [0, 1]),
        (0, 4, [0, 1, 2, 3, 4]),
        (5, 9, [0, 5, 10]),
        (-300, 700, [-500, 0, 500, 1000]),
        (-9, -1, [-10, -5, 0]),
    ],
)
def test_ticks_are_round_and_span_zero_and_all(low, high, marks):
    assert ticks(low, high) == marks


@given(st.integers(-(10**13), 10**13), st.integers(-(10**13), 10**13))
def test_ticks_are_few_and_cover_everything(one, other):
    low, high = sorted((one, other))
    marks = ticks(low, high)
    assert marks[0] <= low
    assert marks[-1] >= high
    assert 0 in marks
    assert 2 <= len(marks) <= 7
    assert len({b - a for a, b in zip(marks, marks[1:], strict=False)}) == 1


@pytest.mark.parametrize("most", [9, 930, 1_000_000, 98_765_432_100])
def test_the_words_of_the_scale_stand_on_the_paper(most):
    values = [0, -most // 3, most]
    texts = {mark: f"¥{mark:,}" for mark in ticks(min(values), most)}
    for draw in (bar_chart, line_chart):
        paper = drawn(draw(chart(values), tick_texts=texts))
        scale = [e for e in paper.iter("text") if e.get("text-anchor") == "end"]
        assert [each.text for each in scale] == list(texts.values())
        # Letters and digits of 11 px are some 6 px wide.
        assert all(float(e.get("x")) >= 6 * len(e.text) for e in scale)


@given(VALUES)
@pytest.mark.parametrize("draw", [bar_chart, line_chart])
def test_everything_drawn_lies_on_the_paper(draw, values):
    root = drawn(draw(chart(values)))
    for name in ("x", "y", "cx", "cy", "x1", "x2", "y1", "y2"):
        for element in root.iter():
            if name in element.attrib:
                limit = 220 if name.strip("12c") == "y" else 780
                assert 0 <= float(element.get(name)) <= limit
    for rect in root.iter("rect"):
        assert float(rect.get("height")) >= 0


@given(VALUES)
def test_there_is_one_mark_per_known_value(values):
    known = sum(v is not None for v in values)
    assert len(list(drawn(bar_chart(chart(values))).iter("rect"))) == known
    assert len(list(drawn(line_chart(chart(values))).iter("circle"))) == known


def test_bars_are_as_high_as_their_values():
    up, double, down = list(drawn(bar_chart(chart([100, 200, -100]))).iter("rect"))
    height = float(up.get("height"))
    assert float(double.get("height")) == pytest.approx(2 * height, abs=0.2)
    assert float(down.get("height")) == pytest.approx(height, abs=0.2)
    assert float(down.get("y")) == pytest.approx(float(up.get("y")) + height, abs=0.2)


def test_a_line_breaks_where_nothing_is_known():
    lines = list(drawn(line_chart(chart([1, 2, None, 3, 4, None, 5]))).iter("polyline"))
    assert [len(line.get("points").split()) for line in lines] == [2, 2]


@pytest.mark.parametrize("draw", [bar_chart, line_chart])
def test_a_chart_speaks(draw):
    root = drawn(draw(chart([1234])))
    assert root.get("role") == "img"
    named = root.get("aria-labelledby").split()
    texts = {e.get("id"): e.text for e in root if e.get("id")}
    assert [texts[uid] for uid in named] == ["Sales", "By month"]
    assert "m0: ¥1234" in [title.text for title in root.iter("title")]


def test_the_table_says_the_same():
    assert table(chart([1, None])) == [("m0", "¥1"), ("m1", "")]


@pytest.mark.parametrize("draw", [bar_chart, line_chart])
def test_no_text_becomes_markup(draw):
    evil = '"><script>&'
    point = Point(evil, 1, evil)
    text = draw(Chart(evil, evil, evil, [point]), tick_texts={0: evil})
    assert "<script" not in text
    assert drawn(text).find("title").text == evil


def test_colours_come_from_the_page():
    text = bar_chart(chart([1, 2])) + line_chart(chart([1, 2]))
    assert set(re.findall(r'(?:fill|stroke)="([^"]*)"', text)) == {
        "currentColor",
        "none",
        "var(--chart-1, currentColor)",
    }
    assert "style=" not in text


def test_labels_that_would_touch_are_thinned():
    points = [Point(f"2026年{n}月", n, str(n)) for n in range(1, 14)]
    drawn = bar_chart(Chart("u", "t", "d", points))
    shown = [point.label for point in points if f">{point.label}</text>" in drawn]
    assert shown == [point.label for point in points[::2]]


def test_many_labels_are_thinned():
    texts = [t.text for t in drawn(bar_chart(chart(range(40)))).iter("text")]
    assert [t for t in texts if t.startswith("m")] == [f"m{n}" for n in range(0, 40, 4)]


def corners(values, spans):
    root = drawn(step_chart(chart(values), spans))
    (line,) = root.iter("polyline")
    return [tuple(map(float, p.split(","))) for p in line.attrib["points"].split()]


def test_a_step_lasts_for_its_share_of_the_width():
    xs = [x for x, _y in corners([100, 50], [3, 1])]
    left, right = xs[0], xs[-1]
    assert xs == [
        left,
        left + (right - left) * 3 / 4,
        left + (right - left) * 3 / 4,
        right,
    ]
    (_a, high), (_b, still), (_c, low), _end = corners([100, 50], [3, 1])
    assert high == still < low


@given(st.lists(st.integers(0, 10**9), min_size=1, max_size=40), st.data())
def test_steps_lie_on_the_paper_and_labels_have_room(values, data):
    spans = data.draw(
        st.lists(st.integers(1, 10**9), min_size=len(values), max_size=len(values))
    )
    for x, y in corners(values, spans):
        assert 0 <= x <= 780
        assert 0 <= y <= 220
    root = drawn(step_chart(chart(values), spans))
    labels = [
        float(each.attrib["x"])
        for each in root.iter("text")
        if each.attrib["y"] == "212"
    ]
    assert labels
    assert all(0 <= x <= 780 for x in labels)


def test_a_chart_without_steps_is_an_empty_one():
    assert corners([], []) == []


def test_a_marked_point_has_a_line_across_and_words_on_the_roomy_side():
    early, late = (
        drawn(bar_chart(chart([1, 2, 3, 4], mark=place, mark_words="<used up>")))
        for place in (0, 3)
    )
    for picture, anchor in ((early, "start"), (late, "end")):
        (line,) = [e for e in picture.iter("line") if "stroke-dasharray" in e.attrib]
        assert line.get("x1") == line.get("x2")
        (said,) = [e for e in picture.iter("text") if e.text == "<used up>"]
        assert said.get("text-anchor") == anchor
    assert "dasharray" not in bar_chart(chart([1, 2]))


def test_what_comes_after_the_mark_of_a_step_chart_is_dashed():
    svg = drawn(step_chart(chart([5, 8, 3], mark=2, mark_words="today"), [1, 2, 1]))
    lines = list(svg.iter("polyline"))
    assert [bool(line.get("stroke-dasharray")) for line in lines] == [False, True]
    ends = [line.get("points").split() for line in lines]
    assert ends[0][-1] == ends[1][0]
    mark = list(svg.iter("line"))[-1]
    assert mark.get("x1") == ends[1][1].split(",")[0]
    assert "today" in [text.text for text in svg.iter("text")]
