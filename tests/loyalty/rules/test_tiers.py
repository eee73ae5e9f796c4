from datetime import UTC, datetime, timedelta

import pytest

from loyalty.rules.tiers import (
    Rung,
    Step,
    held_before,
    progress,
    rung_for,
)
from loyalty.rules.windows import counts_from

NOW = datetime(2026, 11, 21, 4, tzinfo=UTC)
MEMBER, SILVER, GOLD = (
    Rung(1, "member", 0, 10_000),
    Rung(2, "silver", 50_000, 12_000),
    Rung(3, "gold", 100_000, 15_000),
)
LADDER = [GOLD, MEMBER, SILVER]


@pytest.mark.parametrize(
    ("_case", "value", "rung"),
    [
        ("nothing yet", 0, MEMBER),
        ("a cent short", 49_999, MEMBER),
        ("T3: the threshold exactly", 50_000, SILVER),
        ("T4: rungs may be skipped", 250_000, GOLD),
        ("more returned than bought", -1, MEMBER),
    ],
)
def test_t3_the_highest_threshold_reached_counts(_case, value, rung):
    assert rung_for(value, LADDER) is rung


def test_without_rungs_there_is_no_tier():
    assert rung_for(1, []) is None


@pytest.mark.parametrize(
    ("_case", "value", "following", "missing"),
    [
        ("from below", 20_000, SILVER, 30_000),
        ("on a threshold the next one counts", 50_000, GOLD, 50_000),
        ("at the top", 100_000, None, 0),
        ("more returned than bought", -500, SILVER, 50_500),
    ],
)
def test_t12_progress_names_the_next_tier_and_what_is_missing(
    _case, value, following, missing
):
    stand = progress(value, LADDER)
    assert (stand.following, stand.missing_minor) == (following, missing)


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
