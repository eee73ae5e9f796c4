"""Unique codes by the million: how they are drawn, and how hard they are to guess.

Plain Python and NumPy; chance is passed in.
"""

import math
import os
import re
from collections.abc import Callable

import numpy as np

from campaigns.rules.coupons import ALPHABET, RANDOM_LENGTH, check_character

#: Short enough to read out, long enough to tell campaigns apart.
PREFIX = re.compile(f"[{ALPHABET}]{{2,6}}")
_SYMBOLS = np.frombuffer(ALPHABET.encode(), dtype=np.uint8)
#: 248 of the 256 bytes stand for a symbol, 8 for each of the 31; the rest is thrown
#: away, for otherwise some symbols would come more often than others.
_FAIR = 256 - 256 % len(ALPHABET)
_TO_DIGIT = bytes(value % len(ALPHABET) for value in range(256))
_UNFAIR = bytes(range(_FAIR, 256))
#: Draws enough in nearly all cases: one byte in 32 is thrown away.
_SURPLUS = 1.05


def draw_codes(
    prefix: str, count: int, chance: Callable[[int], bytes] = os.urandom
) -> bytes:
    """Return ``count`` sorted codes, one a line: prefix, 13 symbols, check character.

    All come from one call of ``chance``, now and then from a second one. Two of them
    may be the same, as likely as 64 bits make it.

    Args:
        prefix: 2 to 6 characters of the alphabet.
        chance: returns so many random bytes.

    Raises:
        ValueError: the prefix has other characters.
    """
    if not PREFIX.fullmatch(prefix):
        raise ValueError(f"{prefix!r} is no prefix of codes.")
    wanted = count * RANDOM_LENGTH
    drawn = b""
    while len(drawn) < wanted:
        missing = wanted - len(drawn)
        drawn += chance(int(missing * _SURPLUS) + 64).translate(_TO_DIGIT, _UNFAIR)
    digits = np.frombuffer(drawn[:wanted], dtype=np.uint8).reshape(count, RANDOM_LENGTH)
    start = np.frombuffer(prefix.encode(), dtype=np.uint8)
    lines = np.empty((count, len(prefix) + RANDOM_LENGTH + 2), dtype=np.uint8)
    lines[:, : len(prefix)] = start
    lines[:, len(prefix) : -2] = _SYMBOLS[digits]
    lines[:, -2] = _SYMBOLS[_checks(prefix, digits)]
    lines[:, -1] = ord("\n")
    rows = lines.reshape(-1).view(f"S{lines.shape[1]}")
    return np.sort(rows).tobytes()


def _checks(prefix: str, digits: np.ndarray) -> np.ndarray:
    """Return the check digit of each row; see ``coupons.check_character``."""
    before = ALPHABET.index(check_character(prefix))
    weights = np.arange(1, RANDOM_LENGTH + 1, dtype=np.uint32) + len(prefix)
    return (digits @ weights + before) % len(ALPHABET)


def code_bits() -> float:
    """Return how many random bits a code has beyond its prefix (C4)."""
    return RANDOM_LENGTH * math.log2(len(ALPHABET))


def guessing_chance(live_codes: int, tries: int = 1_000_000) -> float:
    """Return how likely so many guesses hit one of the live codes at all.

    Guesses with a wrong check character count as tries that the throttle never sees,
    so this is what a guesser who knows the check reaches.

    >>> guessing_chance(1_000_000) < 1e-7
    True
    """
    return min(1.0, tries * live_codes / len(ALPHABET) ** RANDOM_LENGTH)
