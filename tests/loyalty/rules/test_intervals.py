"""How often somebody buys, by table."""

from datetime import date, timedelta

import pytest

from loyalty.rules.intervals import (
    days_late,
    expected_next,
    overdue_bp,
    usual_interval,
)

START = date(2026, 1, 1)


def on(*days):
    return [START + timedelta(days=each) for each in days]


@pytest.mark.parametrize(
    ("_case", "days", "interval"),
    [
        ("never", [], None),
        ("two gaps say nothing", [0, 10, 20], None),
        ("three gaps", [0, 10, 20, 50], 10),
        ("any order", [50, 0, 20, 10], 10),
        ("an even number, half up", [0, 10, 21, 51, 60], 11),
        ("one long pause", [0, 7, 14, 21, 300], 7),
    ],
)
def test_the_usual_interval_is_the_middle_gap(_case, days, interval):
    assert usual_interval(on(*days)) == interval


def test_late_is_counted_from_the_expected_day():
    expected = expected_next(START, 32)
    assert expected == date(2026, 2, 2)
    assert days_late(expected, date(2026, 2, 14)) == 12
    assert days_late(expected, date(2026, 2, 1)) == -1
    assert overdue_bp(START, 32, date(2026, 2, 14)) == 13_750
