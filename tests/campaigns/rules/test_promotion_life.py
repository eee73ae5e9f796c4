"""Which moves promotions make, and where they stand."""

from datetime import timedelta

import pytest

from campaigns.rules.promotion_life import MOVES, ONE, TWO, may_move, needs_two, phase
from campaigns.rules.recipes_reading import read
from tests.cast import NOON

HOUR = timedelta(hours=1)


def test_every_move_leads_to_a_state_and_what_ended_stays():
    assert {to for moves in MOVES.values() for to in moves} <= set(MOVES)
    assert MOVES["ended"] == {}


def test_what_waits_goes_live_by_two_people_only():
    assert may_move("waiting", "live", TWO)
    assert not may_move("waiting", "live", ONE)
    assert [s for s in MOVES if may_move(s, "live", TWO)] == ["waiting"]


@pytest.mark.parametrize(
    ("state", "starts", "ends", "expected"),
    [
        ("live", 0, None, "live"),
        ("live", 1, None, "scheduled"),
        ("live", -2, 1, "live"),
        ("live", -2, 0, "ended"),
        ("paused", -2, 0, "ended"),
        ("paused", 1, None, "paused"),
        ("draft", -2, -1, "draft"),
        ("waiting", -2, -1, "waiting"),
        ("ended", 1, 2, "ended"),
    ],
)
def test_scheduled_and_over_follow_from_the_clock(state, starts, ends, expected):
    ends_at = None if ends is None else NOON + ends * HOUR
    found = phase(state, starts_at=NOON + starts * HOUR, ends_at=ends_at, at=NOON)
    assert found == expected


@pytest.mark.parametrize(
    ("percent_bp", "budget_minor", "expected"),
    [
        (5_000, None, False),
        (5_001, None, True),
        (100, 1_000, False),
        (100, 1_001, True),
    ],
)
def test_a_large_share_or_a_large_budget_needs_two(percent_bp, budget_minor, expected):
    recipe = read("percent", {"gives": {"percent_bp": percent_bp}})
    how = {"most_budget_minor": 1_000, "most_share_bp": 5_000}
    assert needs_two(recipe, budget_minor=budget_minor, **how) is expected


@pytest.mark.parametrize(
    ("kind", "gives", "least_spend_minor", "alone"),
    [
        ("one_price", {"price_minor": 0}, 0, False),
        ("flash_price", {"price_minor": 0}, 0, False),
        ("bundle", {"units": 2, "price_minor": 1}, 0, False),
        ("gift", {"skus": ["MUG"]}, 9_900, False),
        ("amount", {"off_minor": 1_000_000}, 0, False),
        ("amount", {"off_minor": 500, "per": "unit"}, 1_000, False),
        ("amount", {"off_minor": 500}, 1_000, True),
        ("amount", {"off_minor": 501}, 1_000, False),
        ("amount", {"off_minor": 500}, 1, False),
        ("free_freight", {}, 0, True),
        ("percent", {"percent_bp": 5_000}, 0, True),
    ],
)
def test_1_8_what_has_no_end_anybody_can_tell_needs_two(
    kind, gives, least_spend_minor, alone
):
    when = {"least_spend_minor": least_spend_minor}
    recipe = read(kind, {"gives": gives, "when": when})
    how = {"most_budget_minor": 1_000, "most_share_bp": 5_000}
    assert needs_two(recipe, budget_minor=None, **how) is not alone
    if recipe.share_bp is None:
        assert not needs_two(recipe, budget_minor=1_000, **how)
