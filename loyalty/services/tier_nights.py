"""Look at the tiers of everybody, and tell who is about to lose one (T8, T17)."""

import logging
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta

from django.db import transaction
from django.utils.timezone import localdate

from crm.shared.outbox import record_all
from loyalty.events import TierAtRisk
from loyalty.models import Ladder, PointsAccount, TierStanding
from loyalty.queries.tier_base import unsettled, unwarned
from loyalty.queries.tier_measures import Counted, counted
from loyalty.queries.tier_terms import LadderInForce, ladders_in_force
from loyalty.rules.terms import missing
from loyalty.services.tiering import Deed, look_at

log = logging.getLogger(__name__)

#: Members of one transaction.
_CHUNK = 500
#: Ladder, members whose accounts are locked -> how many it concerned.
Work = Callable[[LadderInForce, Sequence[int]], int]


def review_tiers(*, now: datetime) -> int:
    """Look at every member of whom a look may change something; return changes.

    Whose term, grace or pin is over, whose window lost value, who reaches more. Done
    again, or for a moment that is past, it changes nothing more (T11). Once a day of
    the shop, and after new terms, all members are asked; in between those alone whom
    something happened to since the last look.
    """
    deed = Deed(now=now, reason="night")
    changes = 0
    for ladder in ladders_in_force():
        before = ladder.ladder.looked_until
        changes += in_chunks(
            ladder=ladder,
            member_ids=unsettled(ladder, at=now, since=_looked_today(before, now)),
            work=lambda ladder, some: len(
                look_at(ladder=ladder, member_ids=some, deed=deed)
            ),
        )
        if before is None or before < now:
            # New terms that began meanwhile have put it back to None.
            asked = Ladder.objects.filter(pk=ladder.ladder.pk, looked_until=before)
            asked.update(looked_until=now)
    return changes


def _looked_today(before: datetime | None, now: datetime) -> datetime | None:
    """Return the last look if it was on this day: periods begin at midnight."""
    if before is None or before > now or localdate(before) != localdate(now):
        return None
    return before


def warn_of_falls(*, now: datetime) -> int:
    """Tell members whose term ends soon and is not earned again; return how many.

    Once a term, with what is missing (T17). Who qualified meanwhile is not told.
    """
    told = 0
    for ladder in ladders_in_force():
        days = ladder.terms.notice_days
        if days:
            until = now + timedelta(days=days)
            told += in_chunks(
                ladder=ladder,
                member_ids=unwarned(ladder, at=now, until=until),
                work=lambda ladder, some: _warn(ladder, some, now=now),
            )
    return told


def _warn(ladder: LadderInForce, member_ids: Sequence[int], *, now: datetime) -> int:
    found = counted(ladder, at=now, member_ids=member_ids).values()
    TierStanding.objects.bulk_create(
        (
            TierStanding(
                member_id=each.member_id,
                ladder=ladder.ladder,
                warned_of=each.held.valid_until,
            )
            for each in found
        ),
        update_conflicts=True,
        unique_fields=["ladder", "member"],
        update_fields=["warned_of"],
    )
    record_all(_notice(ladder, each) for each in found)
    return len(found)


def _notice(ladder: LadderInForce, each: Counted) -> TierAtRisk:
    terms = ladder.terms
    rung = terms.rungs[terms.rank(each.held.tier)]
    first, second = missing(rung, terms.metric, each.to_keep)
    return TierAtRisk(
        member_id=each.member_id,
        ladder=ladder.ladder.code,
        tier_code=rung.code,
        metric=terms.metric,
        missing_minor=first,
        valid_until=each.held.valid_until,
        also_missing=second,
    )


def in_chunks(*, ladder: LadderInForce, member_ids: Sequence[int], work: Work) -> int:
    """Do ``work`` for members in transactions of some hundred; return what it did.

    Where a chunk fails its members are done one by one: who fails is logged, and
    stops nobody else (P29).
    """
    done = 0
    for some in _chunks(member_ids):
        try:
            done += _locked(ladder, some, work)
        except Exception:
            log.exception("a chunk of tiers failed; its members are done one by one")
            done += sum(_alone(ladder, member_id, work) for member_id in some)
    return done


def _chunks(member_ids: Sequence[int]) -> Iterator[Sequence[int]]:
    for start in range(0, len(member_ids), _CHUNK):
        yield member_ids[start : start + _CHUNK]


def _alone(ladder: LadderInForce, member_id: int, work: Work) -> int:
    try:
        return _locked(ladder, [member_id], work)
    except Exception:
        log.exception("the tier of member %s could not be looked at", member_id)
        return 0


@transaction.atomic
def _locked(ladder: LadderInForce, member_ids: Sequence[int], work: Work) -> int:
    accounts = PointsAccount.objects.select_for_update(no_key=True)
    accounts = accounts.filter(pk__in=member_ids).order_by("pk")
    return work(ladder, list(accounts.values_list("pk", flat=True)))
