"""Ways in which points end."""

from datetime import UTC, datetime

import pytest

from loyalty.rules.expiry_modes import end_by_mode


@pytest.mark.parametrize(
    ("mode", "days", "ends"),
    [
        ("never", 0, None),
        ("after_days", 30, datetime(2028, 3, 11, 9, tzinfo=UTC)),
        ("end_of_month", 0, datetime(2028, 3, 1, tzinfo=UTC)),
        ("end_of_month", 20, datetime(2028, 4, 1, tzinfo=UTC)),
        ("end_of_year", 0, datetime(2029, 1, 1, tzinfo=UTC)),
    ],
)
def test_the_first_moment_without_them(mode, days, ends):
    earned = datetime(2028, 2, 10, 9, tzinfo=UTC)
    assert end_by_mode(earned, mode, days=days) == ends
