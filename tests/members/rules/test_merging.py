from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from members.rules.merging import ANY, may_undo, stricter_words, words_back
from tests.cast import NOON

SMS, MAIL, ALL = ("m", "sms"), ("m", "email"), ("m", ANY)


@pytest.mark.parametrize(
    ("_case", "winner", "loser", "written"),
    [
        ("both silent", {}, {}, {}),
        ("both yes", {SMS: True}, {SMS: True}, {}),
        ("no of the loser counts", {SMS: True}, {SMS: False}, {SMS: False}),
        ("no of the winner counts", {SMS: False}, {SMS: True}, {}),
        ("one was silent", {}, {SMS: True}, {SMS: True}),
        ("no to all", {SMS: True}, {ALL: False}, {ALL: False, SMS: False}),
        ("no to all of the winner", {ALL: False}, {SMS: True}, {SMS: False}),
        ("no to one", {ALL: True}, {MAIL: False}, {MAIL: False}),
        ("other purpose", {SMS: True}, {("p", ANY): False}, {("p", ANY): False}),
    ],
)
def test_the_stricter_word_holds(_case, winner, loser, written):
    assert stricter_words(winner, loser) == written


def says(words, purpose, channel):
    return words.get((purpose, channel), words.get((purpose, ANY)))


WORDS = st.dictionaries(
    st.tuples(st.sampled_from("mp"), st.sampled_from(["sms", "email", ANY])),
    st.booleans(),
)


@given(WORDS, WORDS)
def test_nobody_is_written_to_against_either_word(winner, loser):
    after = winner | stricter_words(winner, loser)
    for purpose in "mp":
        for channel in ("sms", "email", "in_app"):
            both = {says(winner, purpose, channel), says(loser, purpose, channel)}
            if False in both:
                assert says(after, purpose, channel) is False
    assert stricter_words(after, loser) == {}


@given(WORDS, WORDS)
def test_after_undoing_nothing_is_allowed_that_was_not_before(winner, loser):
    written = stricter_words(winner, loser)
    merged = winner | written
    parted = merged | words_back(winner, written, merged)
    for purpose in "mp":
        for channel in ("sms", "email", ANY):
            before, now = (
                says(winner, purpose, channel),
                says(parted, purpose, channel),
            )
            assert bool(now) == bool(before)


def test_what_was_said_since_stays():
    assert words_back({SMS: True}, {SMS: False}, {SMS: True}) == {}


def test_thirty_days():
    assert may_undo(NOON, NOON + timedelta(days=30, microseconds=-1))
    assert not may_undo(NOON, NOON + timedelta(days=30))
