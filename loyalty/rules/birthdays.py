"""Whose birthday it is. Plain Python."""

from calendar import isleap
from datetime import date, timedelta

#: Whoever moves their birthday has the next one no sooner than this after the last.
LEAST_APART = timedelta(days=180)


def is_birthday(born: date, today: date) -> bool:
    """Whether a birthday is today; one of 29 February is on the 28th in other years.

    >>> is_birthday(date(2000, 2, 29), date(2027, 2, 28))
    True
    """
    month, day = born.month, born.day
    if (month, day) == (2, 29) and not isleap(today.year):
        day = 28
    return (today.month, today.day) == (month, day)
