"""Tell a card number where none may be. Plain Python.

A primary account number (ISO/IEC 7812) has 12 to 19 digits, begins like a network
that exists, and ends in Luhn's check digit. One in ten other numbers of that length
and beginning looks the same and is refused too: better a token asked for again than
a card number kept.
"""

import re
import unicodedata
from collections.abc import Iterator

_SHORTEST, _LONGEST = 12, 19
#: Digits in a row, or in groups as people and printers write them.
_RUN = re.compile(r"\d(?:[\s.\-_/]?\d)*")


def looks_like_card_number(text: str) -> bool:
    """Return whether a card number stands anywhere in ``text``, however written.

    >>> looks_like_card_number("no 4242-4242 4242.4242"), looks_like_card_number("4242")
    (True, False)
    """
    runs = _RUN.findall(unicodedata.normalize("NFKC", text))
    return any(_is_card_number(digits) for run in runs for digits in _readings(run))


def _readings(run: str) -> Iterator[str]:
    """Return every way to read groups of digits that stand together as one number."""
    groups = re.findall(r"\d+", run)
    for first in range(len(groups)):
        digits = ""
        for group in groups[first:]:
            # Digits of every script have a value.
            digits += "".join(str(unicodedata.decimal(c)) for c in group)
            if len(digits) > _LONGEST:
                break
            yield digits


def _is_card_number(digits: str) -> bool:
    return len(digits) >= _SHORTEST and _of_a_network(digits) and _luhn(digits)


def _of_a_network(digits: str) -> bool:
    """Whether a network issues numbers that begin so (3, 4, 5, 6 and 2221 to 2720)."""
    return digits[0] in "3456" or 2221 <= int(digits[:4]) <= 2720


def _luhn(digits: str) -> bool:
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (1 + place % 2)
        total += value - 9 if value > 9 else value
    return total % 10 == 0
