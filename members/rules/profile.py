"""What members say about themselves: checked and tidied. Plain Python."""

import re
import unicodedata
from datetime import date

LONGEST_NAME = 120
LONGEST_NICKNAME = 40
LONGEST_CITY = 60
LONGEST_BIO = 500
MOST_INTERESTS = 20
_EARLIEST_YEAR = 1900
_EMAIL = re.compile(r"[^@\s]{1,64}@[^@\s.]+(\.[^@\s.]+)+")
_LONGEST_EMAIL = 254
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")


def tidy_name(text: str) -> str:
    """Return a name in one spelling (NFC) without space around or doubled in it.

    Raises:
        ValueError: it is too long or holds control characters.
    """
    return tidy_line(text, longest=LONGEST_NAME, field="name")


def has_control_characters(text: str) -> bool:
    """Return whether ``text`` holds what is no writing: NUL, lone surrogates."""
    return _CONTROL.search(text) is not None


def tidy_line(text: str, *, longest: int, field: str = "line") -> str:
    """Return one line of text in one spelling, without space around or doubled.

    Raises:
        ValueError: it is too long or holds control characters.
    """
    line = " ".join(unicodedata.normalize("NFC", text).split())
    if len(line) > longest or has_control_characters(line):
        raise ValueError(field)
    return line


def tidy_lines(text: str, *, longest: int) -> str:
    """Return a text of several lines, each as ``tidy_line`` leaves it.

    Raises:
        ValueError: it is too long or holds control characters.
    """
    lines = [tidy_line(line, longest=longest) for line in text.splitlines()]
    whole = "\n".join(lines).strip()
    if len(whole) > longest:
        raise ValueError("lines")
    return whole


def is_email(text: str) -> bool:
    """Return whether ``text`` has the shape of an address; only mail proves it."""
    return len(text) <= _LONGEST_EMAIL and _EMAIL.fullmatch(text) is not None


def read_birthday(text: str, *, today: date) -> date:
    """Return the day a text such as ``1990-02-28`` means.

    Raises:
        ValueError: no such day, before 1900, or after ``today``.
    """
    day = date.fromisoformat(text)
    if day.isoformat() != text or day.year < _EARLIEST_YEAR or day > today:
        raise ValueError("birthday")
    return day


def mask(text: str | None) -> str:
    """Return ``text`` with its middle hidden, as lists and exports show it.

    >>> mask("+8613800001234"), mask("wang@example.com"), mask("王静")
    ('+86*******1234', 'w***@example.com', '王*')
    """
    if not text:
        return ""
    if "@" in text:
        name, _at, domain = text.rpartition("@")
        return f"{name[:1]}***@{domain}"
    if text.startswith("+") and len(text) > 7:
        return f"{text[:3]}{'*' * (len(text) - 7)}{text[-4:]}"
    return text[0] + "*" * min(len(text) - 1, 6)
