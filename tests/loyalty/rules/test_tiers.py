from datetime import UTC, datetime, timedelta

import pytest

from loyalty.rules.tiers import (
    Step,
    held_before,
)
from loyalty.rules.windows import counts_from

NOW = datetime(2026, 11, 21, 4, tzinfo=UTC)


def test_t6_a_rolling_window_excludes_its_first_moment():
    assert counts_from(NOW, window_days=30) == NOW - timedelta(days=30)
    assert counts_from(NOW, window_days=None) is None


STEPS = [
    Step(NOW, 1, 2),
    Step(NOW + timedelta(days=1), 2, 3),
]


@pytest.mark.parametrize(
    ("_case", "steps", "at", "tier"),
    [
        ("P7: the order that lifts earns at the old rate", STEPS, NOW, 1),
        ("after the first step", STEPS, NOW + timedelta(seconds=1), 2),
        ("after the last step", STEPS, NOW + timedelta(days=2), 3),
        ("long before", STEPS, NOW - timedelta(days=900), 1),
        ("no step on record", [], NOW, 7),
    ],
)
def test_p7_the_tier_held_just_before(_case, steps, at, tier):
    assert held_before(steps, at, now_id=7) == tier
