"""Count what rules gave against their caps (P24).

The rows of a rule, a member and a period are locked while points are found, written
in one statement that refuses to pass a cap, and never lowered: what is taken back
later stays counted (P21).
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import connection
from django.db.models import Q

from loyalty.models import EarningRule, EarningTally
from loyalty.rules.caps import EVER, first_day
from loyalty.rules.earning import Earned, capped

#: Rule, member (None is everybody), first day of the period.
_Key = tuple[int, int | None, date]

_WRITE = """
UPDATE loyalty_earningtally t SET points = t.points + c.points
  FROM unnest(%(ids)s::bigint[], %(points)s::bigint[], %(caps)s::bigint[])
    AS c (id, points, cap)
 WHERE t.id = c.id AND t.points + c.points <= c.cap
"""
_JOIN = """
INSERT INTO loyalty_earningtally (rule_id, member_id, period, points)
SELECT rule_id, %(winner)s, period, points FROM loyalty_earningtally
 WHERE member_id = %(loser)s ORDER BY rule_id, period
ON CONFLICT (rule_id, member_id, period)
DO UPDATE SET points = loyalty_earningtally.points + excluded.points
"""


@dataclass(slots=True)
class Tallies:
    """What caps have let through, locked until the transaction ends."""

    rows: tuple[EarningRule, ...] = ()
    used: dict[_Key, EarningTally] = field(default_factory=dict)
    added: Counter[_Key] = field(default_factory=Counter)

    def cap(self, earned: Earned, *, member_id: int) -> Earned:
        """Return points under the caps, and count them."""
        at = earned.occurrence.at
        left = {row.code: self._left(row, member_id, at) for row in self.rows}
        found = capped(earned, left) if left else earned
        given = {each.rule.code: each.points for each in found.counted}
        for row in self.rows:
            for key, _most in _keys(row, member_id, at):
                self.added[key] += max(0, given.get(row.code, 0))
        return found

    def write(self) -> None:
        """Write what was counted, in one statement."""
        keys = [key for key in sorted(self.used, key=str) if self.added[key]]
        if not keys:
            return
        caps = {row.pk: (row.member_cap, row.budget) for row in self.rows}
        with connection.cursor() as cursor:
            cursor.execute(
                _WRITE,
                {
                    "ids": [self.used[key].pk for key in keys],
                    "points": [self.added[key] for key in keys],
                    "caps": [caps[rule][member is None] for rule, member, _ in keys],
                },
            )
            # They are locked, so nobody else can have used up what was left.
            assert cursor.rowcount == len(keys)

    def _left(self, row: EarningRule, member_id: int, at: datetime) -> int:
        return max(
            0,
            min(
                most - self.used[key].points - self.added[key]
                for key, most in _keys(row, member_id, at)
            ),
        )


def open_tallies(
    *, rows: Sequence[EarningRule], asked: Iterable[tuple[int, datetime]]
) -> Tallies:
    """Lock what counts against the caps of rules, in two statements; none for none.

    Args:
        asked: members whose accounts are locked, and when they earn.
    """
    limited = tuple(row for row in rows if row.is_capped)
    keys = {
        key
        for member_id, at in asked
        for row in limited
        for key, _most in _keys(row, member_id, at)
    }
    if not keys:
        return Tallies()
    EarningTally.objects.bulk_create(
        (
            EarningTally(rule_id=rule, member_id=member, period=period)
            for rule, member, period in sorted(keys, key=_order)
        ),
        ignore_conflicts=True,
    )
    tallies = EarningTally.objects.select_for_update(of=["self"]).filter(
        rule__in=limited, period__in={key[2] for key in keys}
    )
    members = {key[1] for key in keys if key[1] is not None}
    tallies = tallies.filter(member__in=members) | tallies.filter(member=None)
    used = {
        (row.rule_id, row.member_id, row.period): row for row in tallies.order_by("pk")
    }
    return Tallies(limited, {key: used[key] for key in keys})


def left_under_caps(
    rows: Sequence[EarningRule], *, member_id: int | None, at: datetime
) -> dict[str, int]:
    """Return by rule code what its caps still allow, for whoever only asks.

    One statement, or none where no rule has a cap. Nothing is locked.
    """
    limited = [row for row in rows if row.is_capped]
    if not limited:
        return {}
    used = {
        (row.rule_id, row.member_id, row.period): row.points
        for row in EarningTally.objects.filter(
            Q(member_id=member_id) | Q(member=None), rule__in=limited
        )
    }
    return {
        row.code: max(
            0,
            min(
                most - used.get(key, 0) for key, most in _keys(row, member_id or 0, at)
            ),
        )
        for row in limited
    }


def join_tallies(*, loser_id: int, winner_id: int) -> None:
    """Add up what two members got who are one: they do not get a cap twice.

    It stays so when the merge is undone.
    """
    with connection.cursor() as cursor:
        cursor.execute(_JOIN, {"loser": loser_id, "winner": winner_id})


def _keys(row: EarningRule, member_id: int, at: datetime) -> Iterable[tuple[_Key, int]]:
    """Yield what a rule's points count against, with the most it may be."""
    if row.member_cap is not None:
        zone = ZoneInfo(settings.SHOP_TIME_ZONE)
        period = first_day(at, row.cap_period, zone=zone)
        yield (row.pk, member_id, period), row.member_cap
    if row.budget is not None:
        yield (row.pk, None, EVER), row.budget


def _order(key: _Key) -> tuple[int, int, date]:
    return key[0], key[1] or 0, key[2]
