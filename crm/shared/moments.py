"""Points in time as pages write them, many on a page."""

from datetime import date, datetime, time
from functools import lru_cache

from django.utils import dateformat
from django.utils.formats import get_format, localize
from django.utils.timezone import template_localtime
from django.utils.translation import get_language


def moment_text(moment: datetime) -> str:
    """Return what Django's ``localize`` returns of a moment, in the zone of the page.

    A format is read anew for each moment there, which was a tenth of the time of a
    list. Rows of a list share days, and days have so many minutes: each is written
    once, where the format of a moment is that of a day, a gap and that of a time.
    """
    local = template_localtime(moment)
    language = get_language() or ""
    parts = _parts(*map(get_format, _FORMATS))
    if parts is None:
        return localize(local)
    of_day, gap, of_time = parts
    day = _day(local.date(), of_day, language)
    return f"{day}{gap}{_time(local.hour, local.minute, of_time, language)}"


_FORMATS = ("DATETIME_FORMAT", "DATE_FORMAT", "TIME_FORMAT")
#: Characters of a time's format that look at the hour and the minute alone.
_OF_MINUTES = frozenset("aAfgGhHiP: .")


@lru_cache
def _parts(of_moment: str, of_day: str, of_time: str) -> tuple[str, str, str] | None:
    """Return the format of a moment in parts; None where it has others."""
    gap = of_moment.removeprefix(of_day).removesuffix(of_time)
    is_whole = f"{of_day}{gap}{of_time}" == of_moment
    is_plain = not any(letter.isalpha() or letter == "\\" for letter in gap)
    return (
        (of_day, gap, of_time)
        if is_whole and is_plain and _OF_MINUTES.issuperset(of_time)
        else None
    )


@lru_cache(maxsize=4_000)
def _day(day: date, of_day: str, language: str) -> str:
    return dateformat.format(day, of_day)


@lru_cache(maxsize=4_000)
def _time(hour: int, minute: int, of_time: str, language: str) -> str:
    return dateformat.time_format(time(hour, minute), of_time)
