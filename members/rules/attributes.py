"""What a custom attribute may hold, by its type. Plain Python.

A value is read once, at the door, into one canonical JSON value; equal values are
written alike. Numbers become decimal text, so that none is rounded on its way.
"""

import unicodedata
from collections.abc import Callable, Collection, Sequence
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

from members.rules.profile import has_control_characters

TEXT, NUMBER, DATE, BOOLEAN = "text", "number", "date", "boolean"
CHOICE, CHOICES = "choice", "choices"

#: The purpose of what the service itself needs, and of staff who look after somebody.
SERVICE = ""

LONGEST_TEXT = 500
_MOST_DIGITS = 15
_MOST_PLACES = 6
_YEARS = range(1900, 2201)

Value = str | bool | list[str]


def may_use(collected_for: str, use: str, agreed: Collection[str]) -> bool:
    """Return whether a reader may use a value.

    What the service needs serves the service alone. The rest serves the purpose it
    was collected for, and staff may see it, as long as the member agrees.

    Args:
        collected_for: ``SERVICE`` or the purpose of a consent.
        use: what the reader wants it for, the same way.
        agreed: purposes the member agrees to now (``rules.consent.agreed_purposes``).

    >>> may_use(SERVICE, SERVICE, ()), may_use(SERVICE, "marketing", ["marketing"])
    (True, False)
    >>> may_use("marketing", SERVICE, ["marketing"]), may_use("marketing", SERVICE, [])
    (True, False)
    """
    if collected_for == SERVICE:
        return use == SERVICE
    return collected_for in agreed and use in (SERVICE, collected_for)


def read_value(kind: str, given: Any, choices: Sequence[str] = ()) -> Value:
    """Return what is kept of a value given for an attribute.

    Args:
        kind: text, number, date, boolean, choice or choices.
        given: a JSON value; a number may also come as text, as amounts do.
        choices: codes to choose from, in their order.

    Raises:
        ValueError: it cannot be such a value.

    >>> read_value("number", "012.50"), read_value("choices", ["b", "a"], ["a", "b"])
    ('12.5', ['a', 'b'])
    """
    return _READERS[kind](given, choices)


def _text(given: Any, choices: Sequence[str]) -> str:
    if not isinstance(given, str):
        raise ValueError("text")
    text = unicodedata.normalize("NFC", given).strip()
    if not text or len(text) > LONGEST_TEXT or has_control_characters(text):
        raise ValueError("text")
    return text


def _number(given: Any, choices: Sequence[str]) -> str:
    if isinstance(given, bool) or not isinstance(given, int | float | Decimal | str):
        raise ValueError("number")
    written = str(given).strip()
    # Python also reads digits of other scripts and underscores; people do not mean it.
    if not written.isascii() or "_" in written:
        raise ValueError("number")
    try:
        number = Decimal(written)
    except InvalidOperation as error:
        raise ValueError("number") from error
    if not number.is_finite() or abs(number.adjusted()) > _MOST_DIGITS:
        raise ValueError("number")
    plain = f"{number:f}"
    if "." in plain:
        plain = plain.rstrip("0").rstrip(".")
    whole, _dot, places = plain.lstrip("-").partition(".")
    if len(places) > _MOST_PLACES or len(whole.lstrip("0") + places) > _MOST_DIGITS:
        raise ValueError("number")
    whole = whole.lstrip("0") or "0"
    bare = f"{whole}.{places}" if places else whole
    return f"-{bare}" if plain.startswith("-") and bare != "0" else bare


def _date(given: Any, choices: Sequence[str]) -> str:
    if not isinstance(given, str):
        raise ValueError("date")
    day = date.fromisoformat(given)
    if day.isoformat() != given or day.year not in _YEARS:
        raise ValueError("date")
    return given


def _boolean(given: Any, choices: Sequence[str]) -> bool:
    if not isinstance(given, bool):
        raise ValueError("boolean")
    return given


def _choice(given: Any, choices: Sequence[str]) -> str:
    if not isinstance(given, str) or given not in choices:
        raise ValueError("choice")
    return given


def _choices(given: Any, choices: Sequence[str]) -> list[str]:
    if not isinstance(given, list) or not given:
        raise ValueError("choices")
    wanted = [_choice(code, choices) for code in given]
    if len(set(wanted)) != len(wanted):
        raise ValueError("choices")
    return [code for code in choices if code in wanted]


_READERS: dict[str, Callable[[Any, Sequence[str]], Value]] = {
    TEXT: _text,
    NUMBER: _number,
    DATE: _date,
    BOOLEAN: _boolean,
    CHOICE: _choice,
    CHOICES: _choices,
}
