"""Ladders with conditions of their own."""

from fractions import Fraction

import pytest

from loyalty.rules.ladders import (
    DOWNGRADES,
    Ladder,
    Level,
    Metric,
    Several,
    Standing,
    review_is_due,
)

LEVELS = (
    Level("base"),
    Level("silver", Metric("points", Fraction(100))),
    Level("gold", Metric("points", Fraction(500)), Metric("points", Fraction(400))),
)


def points(count):
    return lambda _name, _days: Fraction(count)


@pytest.mark.parametrize(
    ("mode", "tier"),
    [
        ("never", "gold"),
        ("only_on_return", "gold"),
        ("to_matching_tier", "base"),
        ("one_below", "silver"),
        ("lowest", "base"),
    ],
)
def test_where_each_way_down_leads(mode, tier):
    assert mode in DOWNGRADES
    assert Ladder(LEVELS, mode).reviewed("gold", points(99)).tier == tier


def test_what_keeps_a_tier_is_less_than_what_gives_it():
    ladder = Ladder(LEVELS, "lowest")
    assert ladder.climbed("silver", points(400)).tier == "silver"
    assert ladder.reviewed("gold", points(400)) == Standing("gold", renewed=True)
    assert ladder.reviewed("gold", points(399)) == Standing("base", changed=True)


@pytest.mark.parametrize("mode", DOWNGRADES)
def test_nobody_falls_below_a_tier_given_by_hand(mode):
    found = Ladder(LEVELS, mode).reviewed("silver", points(0), manual="silver")
    assert found.tier == "silver"


def test_a_return_brings_down_who_climbed_by_it():
    ladder = Ladder(LEVELS, "only_on_return")
    assert ladder.reviewed("gold", points(0), is_return=True).tier == "base"


def test_of_nothing_all_holds_and_none_does():
    assert Several(()).holds(points(0))
    assert not Several((), needs_all=False).holds(points(0))


def test_an_unknown_tier_is_no_place():
    with pytest.raises(KeyError):
        Ladder(LEVELS).climbed("bronze", points(0))


def test_without_a_term_every_review_is_due():
    assert review_is_due(None, None, every_days=None)
