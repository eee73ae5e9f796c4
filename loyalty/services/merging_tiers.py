"""Qualifying value and tiers of two members who become one, and their parting."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from django.db import connection
from django.db.models import Max
from django.utils.dateparse import parse_datetime

from loyalty.models import PointsAccount, QualifyingEntry, TierChange
from loyalty.queries.tier_terms import rung_of
from loyalty.queries.tiers import qualifying_minor, tiers
from loyalty.rules.tiers import rung_for
from loyalty.services.tiering import settle_tiers
from orders.models import Order, Refund

#: The ledger only grows: each entry is taken off one member and given to the other at
#: the moment it counts from, so every window of time holds what it held (T1, T2).
_PAIRS = """
INSERT INTO loyalty_qualifyingentry (member_id, value_minor, source, occurred_at)
SELECT side.member_id, side.sign * e.value_minor, %(source)s || ':' || e.id,
       e.occurred_at
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
    since = entries.filter(
        pk__gt=newest,
        source__in=[
            *(f"order:{public_id}" for public_id in public_ids),
            *(f"refund:{public_id}" for public_id in refunds),
        ],
    )
    ids = {
        *brought.values_list("pk", flat=True),
        *since.values_list("pk", flat=True),
    }
    _hand_over(ids, winner_id, loser_id, f"un{source}")


def join_tiers(
    *, loser: PointsAccount, winner: PointsAccount, source: str, now: datetime
) -> dict[str, Any]:
    """Put the winner on the highest of both tiers and the one reached together.

    Nobody is told: a gift of the tier was given to whoever reached it.

    Returns:
        The tier before and the one given, with the moment it began.
    """
    before = {"tier": winner.tier_id, "since": _text(winner.tier_since)}
    rungs = tiers()
    if not rungs:
        return {"before": before, "given": winner.tier_id}
    value = qualifying_minor(
        member_id=winner.pk, window_days=rungs[0].ladder.window_days, at=now
    )
    heights = {tier.pk: tier.threshold_minor for tier in rungs}
    reached = rung_for(value, [rung_of(tier) for tier in rungs]).id
    held = [pk for pk in (winner.tier_id, loser.tier_id, reached) if pk in heights]
    best = max(held, key=lambda pk: heights[pk])
    if best != winner.tier_id:
        _change(winner, best, value=value, source=source, since=now, now=now)
    return {"before": before, "given": best}


def part_tiers(
    *, winner: PointsAccount, tier: dict[str, Any], source: str, now: datetime
) -> None:
    """Put the winner back on the tier from before, or on the one reached now.

    The latter where the tier has changed since the merge.
    """
    before = tier["before"]
    if winner.tier_id != tier["given"]:
        settle_tiers(accounts=[winner], reason=f"un{source}", now=now)
    elif before["tier"] != tier["given"]:
        since = parse_datetime(before["since"]) if before["since"] else None
        rungs = tiers()
        value = qualifying_minor(
            member_id=winner.pk, window_days=rungs[0].ladder.window_days, at=now
        )
        _change(
            winner,
            before["tier"],
            value=value,
            source=f"un{source}",
            since=since,
            now=now,
        )


def _change(
    account: PointsAccount,
    tier_id: int | None,
    *,
    value: int,
    source: str,
    since: datetime | None,
    now: datetime,
) -> None:
    TierChange.objects.create(
        member_id=account.pk,
        from_tier_id=account.tier_id,
        to_tier_id=tier_id,
        value_minor=value,
        reason=source,
        occurred_at=now,
    )
    PointsAccount.objects.filter(pk=account.pk).update(
        tier_id=tier_id, tier_since=since
    )


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


def _text(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None
