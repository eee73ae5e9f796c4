from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm.shared.dates import add_months, bounds_of_day

DAYS = st.dates(date(1900, 1, 1), date(2200, 12, 31))


@pytest.mark.parametrize(
    ("day", "months", "result"),
    [
        (date(2023, 1, 31), 1, date(2023, 2, 28)),
        (date(2024, 1, 31), 1, date(2024, 2, 29)),
        (date(2024, 2, 29), 12, date(2025, 2, 28)),
        (date(2024, 2, 29), 48, date(2028, 2, 29)),
        (date(2024, 12, 31), 2, date(2025, 2, 28)),
        (date(2024, 3, 31), -1, date(2024, 2, 29)),
        (date(2024, 1, 15), -13, date(2022, 12, 15)),
        (date(2024, 5, 5), 0, date(2024, 5, 5)),
    ],
)
def test_x4_a_month_later(day, months, result):
    assert add_months(day, months) == result


@given(DAYS, st.integers(-600, 600))
def test_x4_no_period_skips_a_month(day, months):
    later = add_months(day, months)
    assert (later.year * 12 + later.month) - (day.year * 12 + day.month) == months
    assert later.day <= day.day


def test_x3_a_day_of_the_shop_in_utc():
    assert bounds_of_day(date(2026, 11, 21), ZoneInfo("Asia/Shanghai")) == (
        datetime(2026, 11, 20, 16, tzinfo=UTC),
        datetime(2026, 11, 21, 16, tzinfo=UTC),
    )


@pytest.mark.parametrize(
    ("_case", "day", "hours"),
    [
        ("clocks go forward", date(2026, 3, 29), 23),
        ("clocks go back", date(2026, 10, 25), 25),
        ("an ordinary day", date(2026, 10, 26), 24),
    ],
)
def test_x3_days_when_clocks_change(_case, day, hours):
    start, end = bounds_of_day(day, ZoneInfo("Europe/Berlin"))
    assert end - start == timedelta(hours=hours)


@pytest.mark.parametrize("zone", ["Asia/Shanghai", "America/Sao_Paulo", "Africa/Cairo"])
@given(day=st.dates(date(2000, 1, 1), date(2037, 1, 1)))
def test_x3_days_touch_and_never_overlap(zone, day):
    start, end = bounds_of_day(day, ZoneInfo(zone))
    assert start < end
    assert bounds_of_day(day + timedelta(days=1), ZoneInfo(zone))[0] == end
