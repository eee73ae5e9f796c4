"""Qualifying value and tiers of two members who become one, and their parting."""

from collections.abc import Collection, Sequence
from dataclasses import asdict, replace
from datetime import datetime
from typing import Any

from django.db import connection
from django.db.models import Max, Q
from django.utils.dateparse import parse_datetime

from loyalty.models import PointsAccount, QualifyingEntry
from loyalty.queries.tier_measures import counted
from loyalty.queries.tier_terms import LadderInForce, ladders_in_force
from loyalty.rules.lifts import Lift, lifts_of, plain_lifts
from loyalty.rules.terms import Held
from loyalty.services.tiering import Deed, look_at, write
from orders.models import Order, Refund

#: What of a standing is a moment.
_MOMENTS = ("since", "valid_until", "grace_until", "pinned_until")
#: The ledger only grows: each entry is taken off one member and given to the other at
#: the moment it counts from, so every window of time holds what it held (T1, T2).
_PAIRS = """
INSERT INTO loyalty_qualifyingentry
       (member_id, currency_id, value_minor, source, occurred_at)
SELECT side.member_id, e.currency_id, side.sign * e.value_minor,
       %(source)s || ':' || e.id, e.occurred_at
  FROM loyalty_qualifyingentry e
 CROSS JOIN (VALUES (%(giver)s::bigint, -1), (%(taker)s::bigint, 1))
    AS side (member_id, sign)
 WHERE e.id = ANY(%(entries)s)
"""


def join_value(*, loser_id: int, winner_id: int, source: str) -> int:
    """Give all qualifying value of one member to another, each at its date.

    Returns:
        The newest entry of both: later ones were booked since.
    """
    entries = QualifyingEntry.objects.filter(member_id=loser_id)
    _hand_over(entries.values_list("pk", flat=True), loser_id, winner_id, source)
    both = QualifyingEntry.objects.filter(member_id__in=(loser_id, winner_id))
    return both.aggregate(last=Max("pk"))["last"] or 0


def part_value(
    *,
    loser_id: int,
    winner_id: int,
    orders: Sequence[int],
    newest: int,
    source: str,
) -> None:
    """Give back the value a member brought, and what orders that go back added since.

    Args:
        newest: what ``join_value`` returned.
    """
    public_ids = Order.objects.filter(pk__in=orders).values_list("public_id", flat=True)
    refunds = Refund.objects.filter(order__in=orders).values_list(
        "public_id", flat=True
    )
    entries = QualifyingEntry.objects.filter(member_id=winner_id)
    brought = entries.filter(source__startswith=f"{source}:")
    sources = [
        *(f"order:{public_id}" for public_id in public_ids),
        *(f"refund:{public_id}" for public_id in refunds),
    ]
    # What was taken back since of an event of theirs goes along with it.
    since = entries.filter(
        Q(source__in=sources) | Q(reverses__member=loser_id), pk__gt=newest
    )
    ids = {
        *brought.values_list("pk", flat=True),
        *since.values_list("pk", flat=True),
    }
    _hand_over(ids, winner_id, loser_id, f"un{source}")


def join_tiers(
    *, loser: PointsAccount, winner: PointsAccount, source: str, now: datetime
) -> dict[str, Any]:
    """Put the winner, on every ladder, on the highest of both and the one reached.

    Of two standings of the same height the one that is good for longer stays, and a
    pin comes along with its tier. What lifted either of them comes along, too, and the
    rest of both counts again when that is given back (T9). Nobody is told: a gift of
    the tier was given to whoever reached it.

    Returns:
        By code of ladder what the winner held before and what was given.
    """
    moved = {}
    for ladder in ladders_in_force():
        found = counted(ladder, at=now, member_ids=[loser.pk, winner.pk])
        mine, theirs = found[winner.pk], found[loser.pk]
        reached = ladder.terms.reached(mine.numbers)
        lifted = Held(
            tier=reached,
            since=now,
            valid_until=ladder.terms.end_of_term(now, joined_at=mine.joined_at),
        )
        rank = ladder.terms.rank
        best = max(
            (mine.held, theirs.held, lifted),
            key=lambda held: (rank(held.tier), held.is_pinned, _end(held)),
        )
        best = replace(best, put_aside=_put_aside(ladder, mine.held, theirs.held, best))
        if best.tier != mine.held.tier:
            best = replace(best, since=now)
        if best != mine.held:
            write(ladder=ladder, moved=[(mine, best)], deed=_deed(source, now))
        moved[ladder.ladder.code] = {
            "before": _plain(mine.held),
            "after": _plain(best),
        }
    return moved


def part_tiers(
    *, winner: PointsAccount, tier: dict[str, Any], source: str, now: datetime
) -> None:
    """Put the winner back on what they held before, or on what is reached now.

    The latter where the tier has changed since the merge, or staff have pinned it.
    """
    for ladder in ladders_in_force():
        moved = tier.get(ladder.ladder.code, {})
        mine = counted(ladder, at=now, member_ids=[winner.pk])[winner.pk]
        deed = _deed(f"un{source}", now)
        if "after" not in moved or not _is_as(mine.held, _held(moved["after"])):
            look_at(ladder=ladder, member_ids=[winner.pk], deed=deed)
        else:
            before = _held(moved["before"])
            if before != mine.held:
                write(ladder=ladder, moved=[(mine, before)], deed=deed)


def _deed(source: str, now: datetime) -> Deed:
    return Deed(now=now, reason=source, tells=False)


def _put_aside(
    ladder: LadderInForce, mine: Held, theirs: Held, best: Held
) -> tuple[Lift, ...]:
    """Return what counts again, of both, when what lifted to ``best`` is undone."""
    if not _has_lifts(best) and not _has_lifts(mine) and not _has_lifts(theirs):
        return ()
    rank = ladder.terms.rank
    lifts = {*mine.lifts, *theirs.lifts} - {best.lifts[-1]}
    return tuple(
        sorted(lifts, key=lambda lift: (rank(lift.tier), _end(lift), lift.cause))
    )


def _has_lifts(held: Held) -> bool:
    return bool(held.lifted_by or held.put_aside)


def _is_as(held: Held, given: Held) -> bool:
    """Whether neither the numbers nor staff have decided anew since."""
    return (held.tier, held.is_pinned, held.pinned_until) == (
        given.tier,
        given.is_pinned,
        given.pinned_until,
    )


def _end(held: Held | Lift) -> float:
    return held.valid_until.timestamp() if held.valid_until else float("inf")


def _plain(held: Held) -> dict[str, Any]:
    """Return what a member held as JSON."""
    return {
        name: value.isoformat() if isinstance(value, datetime) else value
        for name, value in asdict(held).items()
    } | {"put_aside": plain_lifts(held.put_aside)}


def _held(plain: dict[str, Any]) -> Held:
    moments = {
        name: parse_datetime(value)
        for name, value in plain.items()
        if value and name in _MOMENTS
    }
    return Held(**plain | moments | {"put_aside": lifts_of(plain["put_aside"])})


def _hand_over(
    entries: Collection[int], giver_id: int, taker_id: int, source: str
) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            _PAIRS,
            {
                "entries": list(entries),
                "giver": giver_id,
                "taker": taker_id,
                "source": source,
            },
        )
