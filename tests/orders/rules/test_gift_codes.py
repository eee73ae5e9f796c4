"""Codes that find their own mistakes."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orders.rules.gift_codes import ALPHABET, LENGTH, is_well_formed, new_code, tidy

SEEDS = st.integers(0, 2**32).map(random.Random)


@given(SEEDS)
def test_what_is_given_out_is_well_formed(chance):
    code = new_code(chance.choice)
    assert len(code) == LENGTH
    assert is_well_formed(code)
    assert tidy(code) == code


@given(SEEDS, st.integers(0, LENGTH - 1), st.sampled_from(ALPHABET))
def test_one_wrong_character_is_found(chance, place, other):
    code = new_code(chance.choice)
    wrong = code[:place] + other + code[place + 1 :]
    assert is_well_formed(wrong) is (wrong == code)


@given(SEEDS, st.integers(0, LENGTH - 3))
def test_two_swapped_characters_are_found(chance, place):
    code = new_code(chance.choice)
    wrong = code[:place] + code[place + 1] + code[place] + code[place + 2 :]
    assert is_well_formed(wrong) is (wrong == code)


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("0123-4567-89ab-cdee", "0123456789ABCDEE"),
        (" o1 23 ", "0123"),
        ("iILl", "1111"),
        ("", ""),
    ],
)
def test_codes_are_read_as_people_type_them(typed, kept):
    assert tidy(typed) == kept


@pytest.mark.parametrize("text", ["", "0", "0123456789ABCDE", "U123456789ABCDEE", "茶"])
def test_what_is_no_code_is_none(text):
    assert not is_well_formed(text)
