"""Months of the points books, as people write them."""

from datetime import date

import pytest

from loyalty.rules.closing import month_of


def test_a_month_is_its_first_day():
    assert month_of("2026-10") == date(2026, 10, 1)


@pytest.mark.parametrize(
    "text", ["", "2026", "2026-13", "2026-1", "2026-10-05", "10/26"]
)
def test_what_is_no_month_is_refused(text):
    with pytest.raises(ValueError):
        month_of(text)
