"""Codes by the million: in form, unbiased, unlike one another, hard to guess."""

from collections import Counter

import pytest

from campaigns.rules.coupon_codes import code_bits, draw_codes, guessing_chance
from campaigns.rules.coupons import ALPHABET, RANDOM_LENGTH, is_plausible


def test_c4_codes_are_sorted_plausible_and_have_their_prefix():
    lines = draw_codes("VP2", 500).decode().splitlines()
    assert lines == sorted(lines)
    assert len(set(lines)) == 500
    assert all(is_plausible(code) and code.startswith("VP2") for code in lines)
    assert {len(code) for code in lines} == {3 + RANDOM_LENGTH + 1}


@pytest.mark.parametrize("prefix", ["V", "SEVENCH", "V0", "vp", "V-P", ""])
def test_a_prefix_is_a_few_characters_of_the_alphabet(prefix):
    with pytest.raises(ValueError, match="no prefix"):
        draw_codes(prefix, 1)


def test_c4_every_symbol_comes_as_often_as_any_other():
    """All 256 bytes, evenly: each symbol has 8 of them, 8 bytes are thrown away."""
    even = bytes(range(256))

    def chance(count: int) -> bytes:
        return (even * (count // 256 + 1))[: count // 256 * 256 + 256]

    # 31 codes use 13 x 31 symbols: 13 rounds of the alphabet, each symbol once a round.
    lines = draw_codes("AB", 31, chance).decode().splitlines()
    drawn = Counter("".join(code[2:-1] for code in lines))
    assert drawn == dict.fromkeys(ALPHABET, 13)


def test_what_is_thrown_away_is_drawn_again():
    asked = []

    def chance(count: int) -> bytes:
        asked.append(count)
        # The first answer is worth nothing, the second one everything.
        return bytes([255 if len(asked) == 1 else 0]) * count

    assert draw_codes("AB", 1, chance) == b"AB2222222222222V\n"
    assert len(asked) == 2


def test_the_same_chance_gives_the_same_codes():
    def chance(count: int) -> bytes:
        return bytes(n % 251 for n in range(count))

    assert draw_codes("AB", 50, chance) == draw_codes("AB", 50, chance)


def test_c4_a_code_has_at_least_forty_bits_and_guessing_is_hopeless():
    assert 64 < code_bits() < 65
    assert guessing_chance(0) == 0
    assert guessing_chance(1_000_000) == pytest.approx(4.1e-8, rel=0.01)
    assert guessing_chance(10**30) == 1
