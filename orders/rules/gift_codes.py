"""Codes of gift cards: base 32 after Douglas Crockford, with his check. Plain Python.

Sixteen characters: fifteen at random (75 bits) and a check character, which finds
every single wrong character and swapped neighbours before anybody looks for the
card. His check is modulo 37 and has five signs that are no letters; a code that would
need one of those is not given out.
"""

from collections.abc import Callable

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
LENGTH = 16
#: What people read in place of what is meant.
_MISREAD = str.maketrans({"O": "0", "I": "1", "L": "1"})
_SEPARATORS = str.maketrans({" ": None, "-": None})
_MODULUS = 37


def tidy(text: str) -> str:
    """Return a code as it is kept: upper case, no separators, nothing misread.

    >>> tidy("oi23-4567 abcd-efgh")
    '01234567ABCDEFGH'
    """
    return text.strip().upper().translate(_SEPARATORS).translate(_MISREAD)


def is_well_formed(code: str) -> bool:
    """Whether a tidy code has the right length, characters and check.

    >>> is_well_formed("0123456789ABCDEE"), is_well_formed("0123456789ABCDEF")
    (True, False)
    """
    return (
        len(code) == LENGTH
        and all(sign in ALPHABET for sign in code)
        and _check_of(code[:-1]) == ALPHABET.index(code[-1])
    )


def new_code(choice: Callable[[str], str]) -> str:
    """Return a code that was drawn.

    Args:
        choice: draws one character, such as ``secrets.choice``.
    """
    while True:
        drawn = "".join(choice(ALPHABET) for _ in range(LENGTH - 1))
        check = _check_of(drawn)
        if check < len(ALPHABET):
            return drawn + ALPHABET[check]


def in_groups(code: str) -> str:
    """Write a code as people read it.

    >>> in_groups("01234567ABCDEFGH")
    '0123-4567-ABCD-EFGH'
    """
    return "-".join(code[place : place + 4] for place in range(0, len(code), 4))


def _check_of(drawn: str) -> int:
    number = 0
    for sign in drawn:
        number = number * len(ALPHABET) + ALPHABET.index(sign)
    return number % _MODULUS
