"""When and where an offer applies: hours of the week, channels. Plain Python."""

from dataclasses import dataclass
from datetime import datetime, time
from zoneinfo import ZoneInfo

from campaigns.rules.conditions import Situation
from orders.rules.offers import Refused


@dataclass(frozen=True, slots=True)
class AtHours:
    """On some days of the week, and from one time of the day to another.

    Days are 1 for Monday to 7 for Sunday, none means all of them. ``until`` is not
    within; one that is not later than ``since`` is of the next morning, and its hours
    belong to the day on which they began.
    """

    zone: ZoneInfo
    days: frozenset[int] = frozenset()
    since: time = time.min
    until: time | None = None

    def unmet(self, situation: Situation) -> Refused | None:
        """Say that it is not the time; a price without a moment has none."""
        now = situation.facts.now
        if now is not None and self.holds_at(now):
            return None
        return Refused("not_at_this_time")

    def holds_at(self, moment: datetime) -> bool:
        """Tell whether a moment, aware, is within."""
        local = moment.astimezone(self.zone)
        day, at = local.isoweekday(), local.time()
        if self.until is None:
            return self._is_on(day) and at >= self.since
        if self.until > self.since:
            return self._is_on(day) and self.since <= at < self.until
        if at >= self.since:
            return self._is_on(day)
        return at < self.until and self._is_on((day - 2) % 7 + 1)

    def _is_on(self, day: int) -> bool:
        return not self.days or day in self.days


@dataclass(frozen=True, slots=True)
class InChannel:
    """The cart is of one of some channels."""

    codes: frozenset[str]

    def unmet(self, situation: Situation) -> Refused | None:
        """Compare."""
        if situation.facts.channel in self.codes:
            return None
        return Refused("not_in_this_channel")
