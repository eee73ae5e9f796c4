"""How fast promotions go, in whole days."""

from datetime import date

import pytest

from campaigns.rules.burning import run_out_day

TODAY = date(2026, 6, 1)


@pytest.mark.parametrize(
    ("_case", "left", "taken", "expected"),
    [
        ("nothing left", 0, [1], TODAY),
        ("nothing taken", 5, [0, 0], None),
        ("no full day yet", 5, [], None),
        ("to the day", 8, [3, 5], date(2026, 6, 3)),
        ("rounded up", 9, [3, 5], date(2026, 6, 4)),
        ("a million uses, one a week", 1_000_000, [0, 0, 0, 0, 0, 0, 1], None),
        ("more than days can be counted", 2 * 10**9, [0, 0, 0, 0, 0, 0, 1], None),
    ],
)
def test_1_8_the_day_on_which_it_is_gone(_case, left, taken, expected):
    assert run_out_day(left, taken, today=TODAY) == expected
