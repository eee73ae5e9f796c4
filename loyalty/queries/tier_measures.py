"""What members have reached on a ladder: one statement for some of them, or for all.

``loyalty.queries.tier_base`` asks it of the whole base. The rules
(``loyalty.rules.windows``, ``loyalty.rules.terms``) say what counts; this is the same
in SQL, and a test holds the two against each other.
"""

import json
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import connection

from loyalty.models import TierStanding
from loyalty.queries.tier_terms import LadderInForce
from loyalty.rules.lifts import lifts_of
from loyalty.rules.terms import Held, LadderTerms
from loyalty.rules.tiers import Rung
from orders.rules.lifecycle import SHIPPABLE, SOLD

#: Memberships that are looked at; frozen and closed ones are not (T15).
EVALUATED = ("pending", "active", "dormant")

_STANDING = (
    *("valid_until", "grace_until", "is_pinned", "pinned_until", "lifted_by"),
    "put_aside",
)
_HELD = """
SELECT a.member_id, m.joined_at, m.state, {tier} AS tier_id, {since} AS since,
       s.valid_until, s.grace_until, coalesce(s.is_pinned, false) AS is_pinned,
       s.pinned_until, coalesce(s.lifted_by, '') AS lifted_by,
       coalesce(s.put_aside, '[]') AS put_aside, s.warned_of, a.merged_with,
       CASE WHEN s.valid_until <= %(at)s THEN s.valid_until - interval '1 microsecond'
            ELSE %(at)s END AS moment,
       CASE WHEN s.valid_until <= %(at)s
            THEN least(%(at)s, s.valid_until + %(grace)s * interval '1 day'
                               - interval '1 microsecond')
            ELSE %(at)s END AS last
  FROM loyalty_pointsaccount a
  JOIN members_member m ON m.id = a.member_id
  LEFT JOIN loyalty_tierstanding s
    ON s.member_id = a.member_id AND s.ladder_id = %(ladder)s
 WHERE {who}
"""
#: The last moment that does not count at ``{moment}``, by window. Midnight is the
#: shop's. A term that is over is judged by its own window and the days of grace
#: (``w.after`` to ``w.last``); what lifts, by that of the moment (``w.now_after``): two
#: periods are not added up (T6).
_AFTER = {
    "days": "{moment} - %(days)s * interval '1 day'",
    "month": "{midnight} date_trunc('month', {local}) {utc}",
    "quarter": "{midnight} date_trunc('quarter', {local}) {utc}",
    "half": "{midnight} date_trunc('year', {local})"
    " + CASE WHEN extract(month FROM {local}) > 6 THEN interval '6 months'"
    " ELSE interval '0' END {utc}",
    "year": "{midnight} date_trunc('year', {local}) {utc}",
    "anniversary": "{midnight} {joined} + ({years} - CASE WHEN {joined} + {years}"
    " * interval '1 year' > date_trunc('day', {local}) THEN 1 ELSE 0 END)"
    " * interval '1 year' {utc}",
}
#: An order on its way does not count where delivery lifts.
_WAITING = "SELECT 1 FROM orders_order o WHERE o.public_id = substr(e.source, 7)"
#: A counted currency, by its code; the first is qualifying value.
_OF_CURRENCY = """
SELECT w.member_id, {sums} FROM windowed w
  JOIN loyalty_qualifyingentry e ON e.member_id = w.member_id
   AND e.currency_id = '{name}'
   AND e.occurred_at > w.after AND e.occurred_at <= %(at)s {undelivered_entries}
 GROUP BY w.member_id"""
_COUNTED = {
    "spend": """
SELECT w.member_id, {sums} FROM windowed w
  JOIN orders_order o ON o.member_id = w.member_id AND o.paid_at > w.after
   AND o.paid_at <= %(at)s AND o.state = ANY(%(sold)s) {undelivered}
  LEFT JOIN LATERAL (SELECT sum(r.amount_minor) AS refunded FROM orders_refund r
     WHERE r.order_id = o.id AND r.state = 'completed') back ON true
 GROUP BY w.member_id""",
    "orders": """
SELECT w.member_id, {sums} FROM windowed w
  JOIN orders_order o ON o.member_id = w.member_id AND o.paid_at > w.after
   AND o.paid_at <= %(at)s AND o.state = ANY(%(sold)s) AND o.state <> 'refunded'
   AND o.exchange_of_id IS NULL {undelivered}
 GROUP BY w.member_id""",
    # Entries stay where they were written, in one of the accounts that were one once;
    # they count for who has the order. What was to be taken back counts, wherever it
    # was taken from, on the day it was earned (T1, T2).
    "points": """
SELECT w.member_id, {sums} FROM windowed w
 CROSS JOIN LATERAL unnest(w.merged_with || w.member_id) AS k (account_id)
  JOIN loyalty_pointsentry p ON p.account_id = k.account_id
   AND p.kind IN ('earn', 'claw_back')
  LEFT JOIN loyalty_pointsentry first ON first.id = p.reverses_id
  JOIN orders_order o ON o.member_id = w.member_id
   AND o.public_id = substr(coalesce(first.source, p.source), 7)
 WHERE coalesce(first.kind, p.kind) = 'earn'
   AND coalesce(first.occurred_at, p.occurred_at) > w.after
   AND coalesce(first.occurred_at, p.occurred_at) <= %(at)s {undelivered}
 GROUP BY w.member_id""",
}
#: What is summed, and when it happened.
_SUMMED = {
    "spend": ("o.paid_minor - coalesce(back.refunded, 0)", "o.paid_at"),
    "orders": ("1", "o.paid_at"),
    "points": (
        "CASE WHEN first.id IS NULL THEN p.points"
        " ELSE - coalesce((p.trace ->> 'due')::bigint, 0)"
        " - coalesce((p.trace ->> 'deducted')::bigint, 0) END",
        "coalesce(first.occurred_at, p.occurred_at)",
    ),
}
_SUMS = (
    "sum({what}) FILTER (WHERE {when} > w.now_after) AS {name}, "
    "sum({what}) FILTER (WHERE {when} <= w.last) AS {name}_kept"
)


@dataclass(frozen=True, slots=True)
class Counted:
    """One member on one ladder: what is held, and what is counted."""

    member_id: int
    joined_at: datetime
    is_evaluated: bool
    held: Held
    warned_of: datetime | None
    #: By the window of the moment: what lifts, and what members are told.
    numbers: dict[str, int]
    #: By the window of a term that is over: what keeps the tier (T8).
    to_keep: dict[str, int]
    #: The account, and those that were one with it.
    accounts: tuple[int, ...]


def counted(
    each: LadderInForce,
    *,
    at: datetime,
    member_ids: Collection[int],
    terms: LadderTerms | None = None,
) -> dict[int, Counted]:
    """Return what members hold and have reached at ``at``, by member.

    Args:
        terms: count as these say; default is the ladder in force.
    """
    terms = terms or each.terms
    sql, params = statement(each, terms, at, who="a.member_id = ANY(%(members)s)")
    names = names_of(terms)
    with connection.cursor() as cursor:
        cursor.execute(
            f"{sql} SELECT w.member_id, w.joined_at, w.state, w.tier_id, w.since, "  # noqa: S608
            f"w.warned_of, w.merged_with, {', '.join(f'w.{n}' for n in _STANDING)}"
            f"{''.join(f', {number_of(n)}' for n in names)}"
            f"{''.join(f', {number_of(n, to_keep=True)}' for n in names)} "
            f"FROM windowed w {joins_of(names)}",
            params | {"members": list(member_ids)},
        )
        rows = cursor.fetchall()
    return {row[0]: _counted(each, row, names) for row in rows}


def _counted(each: LadderInForce, row: tuple[Any, ...], names: list[str]) -> Counted:
    member_id, joined_at, state, tier_id, since, warned_of, merged_with = row[:7]
    first = 7 + len(_STANDING)
    standing = dict(zip(_STANDING, row[7:first], strict=True))
    standing["put_aside"] = lifts_of(json.loads(standing["put_aside"]))
    numbers, to_keep = (
        {name: int(number) for name, number in zip(names, some, strict=True)}
        for some in (row[first : first + len(names)], row[first + len(names) :])
    )
    return Counted(
        member_id=member_id,
        joined_at=joined_at,
        is_evaluated=state in EVALUATED,
        held=Held(tier=each.code_of(tier_id), since=since, **standing),
        warned_of=warned_of,
        numbers=numbers,
        to_keep=to_keep,
        accounts=(member_id, *merged_with),
    )


def statement(
    each: LadderInForce, terms: LadderTerms, at: datetime, *, who: str
) -> tuple[str, dict[str, Any]]:
    """Return the WITH that counts, and its parameters."""
    names = names_of(terms)
    source = "a.tier_id", "a.tier_since"
    if not each.is_main:
        source = "s.tier_id", "s.since"
    waits = {"undelivered": "", "undelivered_entries": ""}
    if terms.lifts_on == "delivery":
        on_its_way = "o.state = ANY(%(on_its_way)s)"
        waits = {
            "undelivered": f"AND NOT {on_its_way}",
            "undelivered_entries": f"AND NOT EXISTS ({_WAITING} AND {on_its_way})",
        }
    parts = [
        f"held AS ({_HELD.format(tier=source[0], since=source[1], who=who)})",
        f"windowed AS (SELECT w.*, {_after(terms, 'w.moment')} AS after, "  # noqa: S608
        f"{_after(terms, '%(at)s::timestamptz')} AS now_after FROM held w)",
        *(f"c_{name} AS ({_counting(name, waits)})" for name in names),
    ]
    params = {
        "at": at,
        "ladder": each.ladder.pk,
        "days": terms.window_days,
        "grace": terms.grace_days,
        "zone": settings.SHOP_TIME_ZONE,
        "evaluated": list(EVALUATED),
        "sold": list(SOLD),
        "on_its_way": [*SHIPPABLE, "shipped"],
        **{f"id{rank}": rung.id for rank, rung in enumerate(terms.rungs)},
        **{
            f"{name}{rank}": value
            for rank, rung in enumerate(terms.rungs)
            for name, value in _thresholds(rung)
        },
    }
    return f"WITH {', '.join(parts)}", params


def names_of(terms: LadderTerms) -> list[str]:
    """Return what is counted, in order; codes of currencies are plain identifiers."""
    names = sorted(terms.metrics - {"none"})
    assert all(name.isidentifier() for name in names)
    return names


def _counting(name: str, waits: dict[str, str]) -> str:
    what, when = _SUMMED.get(name, ("e.value_minor", "e.occurred_at"))
    sums = _SUMS.format(what=what, when=when, name=name)
    return _COUNTED.get(name, _OF_CURRENCY).format(name=name, sums=sums, **waits)


def _after(terms: LadderTerms, moment: str) -> str:
    if terms.window == "days" and terms.window_days is None:
        return "'-infinity'::timestamptz"
    local = f"({moment} AT TIME ZONE %(zone)s)"
    joined = "date_trunc('day', w.joined_at AT TIME ZONE %(zone)s)"
    years = f"(extract(year FROM {local}) - extract(year FROM {joined}))::int"
    return _AFTER[terms.window].format(
        midnight="(",
        utc=") AT TIME ZONE %(zone)s - interval '1 microsecond'",
        moment=moment,
        local=local,
        joined=joined,
        years=years,
    )


def number_of(name: str, *, to_keep: bool = False) -> str:
    """Return what is counted of ``windowed w`` now, or what keeps the tier held."""
    return f"coalesce(c_{name}.{name}{'_kept' if to_keep else ''}, 0)"


def joins_of(names: list[str]) -> str:
    """Return the joins that bring what is counted to the rows of ``windowed w``."""
    return " ".join(f"LEFT JOIN c_{n} ON c_{n}.member_id = w.member_id" for n in names)


def _thresholds(rung: Rung) -> list[tuple[str, int]]:
    keep = rung.threshold_minor if rung.keep_minor is None else rung.keep_minor
    return [
        ("climb", rung.threshold_minor),
        ("stay", keep),
        ("also", rung.also_threshold),
    ]


def standings_of(member_id: int) -> list[TierStanding]:
    """Return where a member stands on every ladder that says something of them."""
    return list(
        TierStanding.objects.filter(member_id=member_id).select_related(
            "ladder", "tier"
        )
    )
