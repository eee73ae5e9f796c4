from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from loyalty.rules.expiry import end_of_term, is_spent_time, keeps_its_end

SHANGHAI = ZoneInfo("Asia/Shanghai")
NOW = datetime(2026, 11, 21, 4, tzinfo=UTC)


@pytest.mark.parametrize(
    ("_case", "active_at", "months", "end"),
    [
        (
            "two years to the end of the day",
            datetime(2026, 11, 21, 4, tzinfo=UTC),
            24,
            datetime(2028, 11, 21, 16, tzinfo=UTC),
        ),
        (
            "late in the evening in Shanghai it is still that day",
            datetime(2026, 11, 21, 15, 59, 59, tzinfo=UTC),
            1,
            datetime(2026, 12, 21, 16, tzinfo=UTC),
        ),
        (
            "a second later it is the next day",
            datetime(2026, 11, 21, 16, tzinfo=UTC),
            1,
            datetime(2026, 12, 22, 16, tzinfo=UTC),
        ),
        (
            "X4: the last day of a shorter month",
            datetime(2026, 1, 31, 4, tzinfo=UTC),
            1,
            datetime(2026, 2, 28, 16, tzinfo=UTC),
        ),
    ],
)
def test_p10_points_last_to_the_end_of_the_day(_case, active_at, months, end):
    assert end_of_term(active_at, months=months, zone=SHANGHAI) == end


def test_points_may_never_end():
    assert end_of_term(NOW, months=None, zone=SHANGHAI) is None
    assert not is_spent_time(None, NOW)


def test_p10_not_one_moment_longer():
    assert not is_spent_time(NOW, NOW - timedelta(microseconds=1))
    assert is_spent_time(NOW, NOW)


@pytest.mark.parametrize(
    ("_case", "end", "keeps"),
    [
        ("never ends", None, True),
        ("exactly the grace", NOW + timedelta(days=30), True),
        ("nearer than the grace", NOW + timedelta(days=29, hours=23), False),
        ("past", NOW - timedelta(days=1), False),
    ],
)
def test_p20_an_end_nearer_than_the_grace_is_put_off(_case, end, keeps):
    assert keeps_its_end(end, now=NOW, grace=timedelta(days=30)) is keeps
