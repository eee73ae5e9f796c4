"""Gifts the program gives by itself: for birthdays, for new tiers, every period.

However many members, a chunk is the same few statements. Each gift has a source that
stands for its occasion; a second run finds it and gives nothing (T5).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection, transaction
from django.db.models import QuerySet
from django.utils.translation import gettext

from crm.shared.outbox import record_all
from crm.shared.public_ids import new_public_id
from loyalty.events import BenefitDue
from loyalty.models import Benefit, PointsAccount, PointsEntry
from loyalty.queries.benefits import Rights, rights_of, spans_of
from loyalty.queries.birthdays import born_on, days_to_celebrate
from loyalty.queries.program import program
from loyalty.rules.benefits import Right, Span
from loyalty.rules.birthdays import LEAST_APART
from loyalty.services.order_points import end_of_points
from loyalty.services.posting import book_of, open_accounts, post
from members.models import Member

_ACTOR = "loyalty.benefits"
_CHUNK = 1_000

#: What somebody had before they merged into the member was their gift, too.
_WRITE_USES = """
WITH given AS (
    INSERT INTO loyalty_benefituse (public_id, benefit_id, member_id, state,
           period_start, points, saved_minor, source, actor, reason, used_at)
    SELECT g.public_id, %(benefit)s, g.member_id, 'used', g.period_start, g.points, 0,
           g.source, %(actor)s, '', %(now)s
      FROM unnest(%(public_ids)s::text[], %(members)s::bigint[], %(starts)s::date[],
                  %(points)s::int[], %(sources)s::text[])
           AS g (public_id, member_id, period_start, points, source)
     WHERE NOT EXISTS (
           SELECT FROM loyalty_benefituse u
            WHERE u.benefit_id = %(benefit)s AND u.member_id = g.member_id
              AND starts_with(u.source, %(occasion)s)
              AND (u.used_at > %(since)s
                OR split_part(u.source, ':', -1) <> split_part(g.source, ':', -1)
               AND u.used_at >= g.period_start::timestamp AT TIME ZONE %(zone)s))
     ORDER BY g.member_id
    ON CONFLICT (benefit_id, source) DO NOTHING
    RETURNING id, member_id, period_start, points, source
), counted AS (
    INSERT INTO loyalty_benefittally AS t
           (benefit_id, member_id, period_start, used, bought)
    SELECT %(benefit)s, member_id, period_start, 1, 0 FROM given
    ON CONFLICT (member_id, benefit_id, period_start) DO UPDATE SET used = t.used + 1
)
SELECT id, member_id, points, source FROM given ORDER BY member_id
"""


@dataclass(frozen=True, slots=True)
class _Occasion:
    """What a gift is for, and the moment whose period it counts in.

    Nobody has two of them less than ``apart`` from one another, whatever the period.
    """

    name: str
    at: datetime
    apart: timedelta = timedelta(0)

    @property
    def beginning(self) -> str:
        """Return how the sources of its gifts begin, whoever had them."""
        return f"{self.name}:"

    def source(self, member: str, span: Span) -> str:
        """Return what makes it one gift: occasion, period and member."""
        return f"{self.beginning}{span.starts_on.isoformat()}:{member}"


@dataclass(frozen=True, slots=True)
class _Given:
    """A use that was just written."""

    use_id: int
    member_id: int
    points: int
    source: str


def give_birthday_gifts(*, now: datetime) -> int:
    """Give the birthday gifts of today and the days before, once a period each (T5).

    A birthday that is moved across the end of a period brings none twice.

    Returns:
        How many were given by this call.
    """
    benefits = list(_active(Benefit.Kind.BIRTHDAY_GIFT))
    if not benefits:
        return 0
    days = days_to_celebrate(now)
    given = 0
    for day, members in born_on(days).items():
        occasion = _Occasion("birthday", days[day], apart=LEAST_APART)
        for benefit in benefits:
            for start in range(0, len(members), _CHUNK):
                some = members[start : start + _CHUNK]
                given += _give(benefit, some, occasion, now=now)
    return given


def give_drips(*, now: datetime) -> int:
    """Give what comes every period to whoever has it and got none in this one.

    Returns:
        How many were given by this call.
    """
    given = 0
    for benefit in _active(Benefit.Kind.COUPON_DRIP):
        for member_ids in _chunks(Member.objects.may_earn()):
            given += _give(benefit, member_ids, _Occasion("drip", now), now=now)
    return given


def give_upgrade_gifts(*, member_id: int, tier_code: str, now: datetime) -> int:
    """Give what a new tier brings, once per tier and cycle, also after a fall (T5).

    It goes by the tier that was reached, whatever is held when the news arrive (X2).

    Returns:
        How many were given by this call.
    """
    mark = f"tier:{tier_code}"
    given = 0
    for benefit in _active(Benefit.Kind.UPGRADE_GIFT):
        # What it takes besides the tier, and sanctions, are asked as always.
        rights = rights_of([member_id], now, benefits=[benefit], reached=mark)
        given += _give(
            benefit, [member_id], _Occasion(mark, now), now=now, rights=rights
        )
    return given


def _active(kind: str) -> QuerySet[Benefit]:
    return Benefit.objects.filter(is_active=True, kind=kind).order_by("pk")


def _chunks(members: QuerySet[Member]) -> Iterator[list[int]]:
    last = 0
    rows = members.order_by("pk").values_list("pk", flat=True)
    while some := list(rows.filter(pk__gt=last)[:_CHUNK]):
        yield some
        last = some[-1]


@transaction.atomic
def _give(
    benefit: Benefit,
    member_ids: list[int],
    occasion: _Occasion,
    *,
    now: datetime,
    rights: Rights | None = None,
) -> int:
    if not member_ids:
        return 0
    found = rights or rights_of(member_ids, now, benefits=[benefit])
    meant = {
        member_id: found[member_id][benefit.pk]
        for member_id in member_ids
        if benefit.pk in found[member_id]
    }
    if not meant:
        return 0
    _lock(sorted(meant), now)
    given = _write_uses(benefit, meant, occasion, now)
    _post_points(benefit, [each for each in given if each.points], now)
    if benefit.template:
        record_all(
            BenefitDue(
                member_id=each.member_id,
                use_id=each.use_id,
                template=benefit.template,
                source=f"benefit:{each.use_id}",
            )
            for each in given
        )
    return len(given)


def _lock(member_ids: list[int], now: datetime) -> None:
    open_accounts(member_ids=member_ids, now=now)
    accounts = PointsAccount.objects.filter(pk__in=member_ids).order_by("pk")
    list(accounts.select_for_update(no_key=True).values_list("pk", flat=True))


def _write_uses(
    benefit: Benefit,
    rights: Mapping[int, Right],
    occasion: _Occasion,
    now: datetime,
) -> list[_Given]:
    members = dict(Member.objects.filter(pk__in=rights).values_list("pk", "public_id"))
    spans = spans_of(list(rights), occasion.at, period=benefit.period)
    ids = sorted(rights)
    with connection.cursor() as cursor:
        cursor.execute(
            _WRITE_USES,
            {
                "benefit": benefit.pk,
                "actor": _ACTOR,
                "now": now,
                "occasion": occasion.beginning,
                "since": occasion.at - occasion.apart,
                "zone": settings.SHOP_TIME_ZONE,
                "public_ids": [new_public_id("bus") for _ in ids],
                "members": ids,
                "starts": [spans[pk].starts_on for pk in ids],
                "points": [rights[pk].number for pk in ids],
                "sources": [occasion.source(members[pk], spans[pk]) for pk in ids],
            },
        )
        return [_Given(*row) for row in cursor.fetchall()]


def _post_points(benefit: Benefit, given: list[_Given], now: datetime) -> None:
    """Book the points of gifts in accounts that are locked, all at once."""
    if not given:
        return
    ends_at = end_of_points(active_at=now, terms=program())
    accounts = PointsAccount.objects.in_bulk([each.member_id for each in given])
    books = []
    for each in given:
        book = book_of(accounts[each.member_id])
        book.add(
            PointsEntry.Kind.GRANT,
            each.points,
            source=f"benefit:{each.use_id}",
            occurred_at=now,
            active_at=now,
            expires_at=ends_at,
            reason=gettext("Benefit: %(name)s") % {"name": benefit.name},
            actor=_ACTOR,
        )
        books.append(book)
    post(books)
