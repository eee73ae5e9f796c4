"""Member numbers: ``M``, at least eight digits, a check digit. Plain Python.

The check digit is Damm's: it finds every single wrong digit and every swap of
neighbours, the two mistakes people make when they read a number aloud.
"""

import re

_SHAPE = re.compile(r"M[0-9]{9,18}")
_SERIAL_DIGITS = 8
#: Damm's quasigroup of order 10 (H. M. Damm, 2004).
_TABLE = (
    "0317598642",
    "7092154863",
    "4206871359",
    "1750983426",
    "6123045978",
    "3674209581",
    "5869720134",
    "8945362017",
    "9438617205",
    "2581436790",
)


def member_number(serial: int) -> str:
    """Return the public number of the ``serial``-th member; ``serial`` > 0.

    >>> member_number(1)
    'M000000013'
    """
    if serial < 1:
        raise ValueError(f"{serial} is no serial number.")
    digits = f"{serial:0{_SERIAL_DIGITS}d}"
    return f"M{digits}{_damm(digits)}"


def is_member_number(text: str) -> bool:
    """Return whether ``text`` is a member number whose check digit is right."""
    return _SHAPE.fullmatch(text) is not None and _damm(text[1:]) == 0


def _damm(digits: str) -> int:
    check = 0
    for digit in digits:
        check = int(_TABLE[check][int(digit)])
    return check
