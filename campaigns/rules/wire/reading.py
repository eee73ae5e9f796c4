"""Reading the wire format: strict words, amounts, dates. Plain Python.

What cannot be said in the engine's terms raises ``NotExpressible``; nothing is guessed
and no key is passed over.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from typing import Any

from crm.shared.money import InvalidAmount, format_amount, minor_digits, parse_amount


class NotExpressible(ValueError):
    """The case says something the engine has no words for; the text names it."""


def known_keys(what: str, given: Mapping[str, Any], known: Iterable[str]) -> None:
    """Refuse keys nobody reads."""
    more = sorted(set(given) - set(known))
    if more:
        raise NotExpressible(f"{what}: {', '.join(more)}")


def chosen(what: str, value: Any, values: Iterable[str]) -> str:
    """Return a value that must be one of some."""
    if value not in set(values):
        raise NotExpressible(f"{what} {value}")
    return str(value)


@dataclass(frozen=True, slots=True)
class Money:
    """Amounts of one currency, which may be used without its minor unit."""

    currency: str = ""
    whole_units: bool = False

    @property
    def digits_of(self) -> str:
        """Return a currency with as many digits after the point as are used here."""
        if self.whole_units:
            return "JPY"
        return self.currency or "EUR"

    def read(self, value: Any) -> int:
        """Return an amount in minor units."""
        try:
            plain = _plain(value, minor_digits(self.digits_of))
            return parse_amount(plain, self.digits_of)
        except (InvalidAmount, InvalidOperation, ValueError) as bad:
            raise NotExpressible(f"amount {_short(value)}") from bad

    def write(self, minor: int) -> str:
        """Return an amount as the wire writes it."""
        return format_amount(minor, self.digits_of)

    def price(self, value: Any) -> int:
        """Return an amount that is not below nothing, in minor units (X7)."""
        minor = self.read(value)
        if minor < 0:
            raise NotExpressible(f"amount {value}")
        return minor


def _plain(value: Any, digits: int) -> str:
    """Return a decimal without zeros that say nothing: ``10.00`` yen are 10."""
    read = Decimal(str(value))
    if read == read.quantize(Decimal(1).scaleb(-digits)):
        return f"{read:.{digits}f}"
    return str(value)


def number(value: Any, what: str = "number") -> Fraction:
    """Return a number as it is written, exactly.

    Raises:
        NotExpressible: it is none, or of a size that nobody means: to write out the
            digits of ``1e3000000`` would take minutes.
    """
    try:
        read = Decimal(str(value))
    except InvalidOperation as bad:
        raise NotExpressible(f"{what} {_short(value)}") from bad
    finest = read.as_tuple().exponent
    if isinstance(finest, str) or finest < -_DIGITS or read.adjusted() > _DIGITS:
        raise NotExpressible(f"{what} {_short(value)}")
    return Fraction(read)


#: Digits before the point, and behind it, that a number may have.
_DIGITS = 30


def _short(value: Any) -> str:
    """Return the beginning of what was said: a reason has room for a line."""
    return str(value)[:40]


def rate(value: Any) -> Fraction:
    """Return a percentage as a fraction of one."""
    part = number(value, "percentage") / 100
    if part < 0:
        raise NotExpressible(f"percentage {_short(value)}")
    return part


def whole(value: Any) -> int:
    """Return a whole number."""
    read = number(value)
    if read.denominator != 1:
        raise NotExpressible(f"number {_short(value)}")
    return int(read)


def moment(value: Any, *, ends: bool = False) -> datetime:
    """Return a moment; a bare date is its first, or its last, instant (inclusive)."""
    try:
        if len(str(value)) == len("2026-01-31"):
            at = time.max if ends else time.min
            return datetime.combine(date.fromisoformat(value), at, UTC)
        read = datetime.fromisoformat(str(value))
    except ValueError as bad:
        raise NotExpressible(f"date {_short(value)}") from bad
    return read if read.tzinfo else read.replace(tzinfo=UTC)


def date_of(value: Any) -> date:
    """Return a day; one without a year is of a leap year."""
    text = str(value).lstrip("-")
    return moment(f"2000-{text}" if len(text) == len("05-17") else text).date()


def written(at: datetime) -> str:
    """Return a moment as the wire writes it: midnight is a bare date."""
    if at.time() == time.min:
        return at.date().isoformat()
    return at.isoformat().replace("+00:00", "Z")


def time_of(step: Mapping[str, Any], default: datetime) -> datetime:
    """Return when a step happens; one that does not say it happens with the last."""
    told = next((step[key] for key in TIMES if step.get(key)), None)
    return default if told is None else moment(told)


#: Ways in which a step says when it happens.
TIMES = ("at", "on", "date", "now")


def window(what: str, given: Any) -> tuple[datetime | None, datetime | None]:
    """Return both ends of a window, either of which may be open."""
    if not given:
        return None, None
    if isinstance(given, list):
        first, last = given
    else:
        known_keys(what, given, [*STARTS, *ENDS])
        first = next((given[key] for key in STARTS if key in given), None)
        last = next((given[key] for key in ENDS if key in given), None)
    return (
        moment(first) if first else None,
        moment(last, ends=True) if last else None,
    )


STARTS = ("from", "start", "starts", "starts_at", "valid_from", "date_from", "date")
ENDS = ("to", "until", "end", "ends", "ends_at", "valid_to", "date_to")


def once(what: str, names: Iterable[Any]) -> None:
    """Refuse a name that two go by: nobody could tell their figures apart."""
    seen: set[str] = set()
    for name in map(str, names):
        if name in seen:
            raise NotExpressible(f"{what} {_short(name)} twice")
        seen.add(name)


def person(name: Any) -> str:
    """Return a name of somebody as it is compared: an address without its case."""
    text = str(name)
    return text.casefold() if "@" in text else text


def texts(value: Any) -> tuple[str, ...]:
    """Return one text or several as several."""
    if value is None:
        return ()
    return tuple(map(str, value)) if isinstance(value, list) else (str(value),)


def count(value: Any, *, least: int = 0) -> int:
    """Return how many of something there are, never fewer than none (X7)."""
    number = whole(value)
    if number < least:
        raise NotExpressible(f"number {value}")
    return number
