"""When the demo shop sells: seasons, festivals, weekdays and hours."""

from bisect import bisect
from datetime import UTC, date, datetime, time, timedelta
from itertools import accumulate
from random import Random
from zoneinfo import ZoneInfo

#: Spring Festival by year: the shop is quiet for ten days from two days before.
SPRING_FESTIVAL = {
    2024: date(2024, 2, 10),
    2025: date(2025, 1, 29),
    2026: date(2026, 2, 17),
    2027: date(2027, 2, 6),
    2028: date(2028, 1, 26),
    2029: date(2029, 2, 13),
}
#: Monday to Sunday.
WEEKDAYS = (0.9, 0.9, 0.95, 1.0, 1.15, 1.3, 1.25)
HOURS = (2, 1, 1, 1, 1, 1, 2, 4, 6, 8, 10, 10, 12, 9, 8, 8, 8, 9, 11, 14, 17, 18, 14, 7)


def weight_of(day: date) -> float:
    """Return how much a day sells, 1.0 being an ordinary Thursday."""
    weight = WEEKDAYS[day.weekday()]
    if (day.month, day.day) >= (6, 1) and (day.month, day.day) <= (6, 18):
        weight *= 2.2
    if day.month == 11 and day.day <= 11:
        weight *= 3.0 if day.day == 11 else 1.8
    if day.month == 12 and 10 <= day.day <= 12:
        weight *= 2.0
    festival = SPRING_FESTIVAL.get(day.year)
    if festival and -2 <= (day - festival).days <= 7:
        weight *= 0.3
    return weight


class Rhythm:
    """Draws moments of a period so that the shop's seasons show."""

    def __init__(self, *, first: date, last: date, zone: ZoneInfo):
        """Weigh every day from ``first`` to ``last``, both included."""
        self.first = first
        self.zone = zone
        days = (last - first).days + 1
        weights = (weight_of(first + timedelta(days=each)) for each in range(days))
        self.upto = list(accumulate(weights))

    def moment(self, chance: Random, *, since: date) -> datetime:
        """Draw a moment on or after ``since``, in UTC."""
        start = max(0, (since - self.first).days)
        low = self.upto[start - 1] if start else 0.0
        at = bisect(self.upto, chance.uniform(low, self.upto[-1]))
        day = self.first + timedelta(days=min(at, len(self.upto) - 1))
        hour = chance.choices(range(24), HOURS)[0]
        clock = time(hour, chance.randrange(60), chance.randrange(60))
        return datetime.combine(day, clock, tzinfo=self.zone).astimezone(UTC)
