"""What members have reached on a ladder: one statement for some of them, or for all.

``loyalty.queries.tier_base`` asks it of the whole base. The rules
(``loyalty.rules.windows``, ``loyalty.rules.terms``) say what counts; this is the same
in SQL, and a test holds the two against each other.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import connection

from loyalty.models import TierStanding
from loyalty.queries.tier_terms import LadderInForce
from loyalty.rules.terms import Held, LadderTerms
from loyalty.rules.tiers import Rung
from orders.rules.lifecycle import SHIPPABLE, SOLD

#: Memberships that are looked at; frozen and closed ones are not (T15).
EVALUATED = ("pending", "active", "dormant")

_STANDING = (
    *("valid_until", "grace_until", "is_pinned", "pinned_until", "lifted_by"),
    *("lifted_from_id", "lifted_from_until"),
)
_HELD = """
SELECT a.member_id, m.joined_at, m.state, {tier} AS tier_id, {since} AS since,
       s.valid_until, s.grace_until, coalesce(s.is_pinned, false) AS is_pinned,
       s.pinned_until, coalesce(s.lifted_by, '') AS lifted_by, s.lifted_from_id,
       s.lifted_from_until, s.warned_of,
       CASE WHEN s.valid_until <= %(at)s THEN s.valid_until - interval '1 microsecond'
            ELSE %(at)s END AS moment
  FROM loyalty_pointsaccount a
  JOIN members_member m ON m.id = a.member_id
  LEFT JOIN loyalty_tierstanding s
    ON s.member_id = a.member_id AND s.ladder_id = %(ladder)s
 WHERE {who}
"""
#: The last moment that does not count, by window. Midnight is the shop's.
_AFTER = {
    "days": "w.moment - %(days)s * interval '1 day'",
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
SELECT w.member_id, sum(e.value_minor) AS {name} FROM windowed w
  JOIN loyalty_qualifyingentry e ON e.member_id = w.member_id
   AND e.currency_id = '{name}'
   AND e.occurred_at > w.after AND e.occurred_at <= %(at)s {undelivered_entries}
 GROUP BY w.member_id"""
_COUNTED = {
    "spend": """
SELECT w.member_id, sum(o.paid_minor - coalesce(back.refunded, 0)) AS spend
  FROM windowed w
  JOIN orders_order o ON o.member_id = w.member_id AND o.paid_at > w.after
   AND o.paid_at <= %(at)s AND o.state = ANY(%(sold)s) {undelivered}
  LEFT JOIN LATERAL (SELECT sum(r.amount_minor) AS refunded FROM orders_refund r
     WHERE r.order_id = o.id AND r.state = 'completed') back ON true
 GROUP BY w.member_id""",
    "orders": """
SELECT w.member_id, count(*) AS orders FROM windowed w
  JOIN orders_order o ON o.member_id = w.member_id AND o.paid_at > w.after
   AND o.paid_at <= %(at)s AND o.state = ANY(%(sold)s) AND o.state <> 'refunded'
   AND o.exchange_of_id IS NULL {undelivered}
 GROUP BY w.member_id""",
    # Entries stay where they were written: those of whom a member absorbed count too.
    # What is taken back counts on the day it was earned (T2).
    "points": """
SELECT w.member_id, sum(p.points) AS points FROM windowed w
  JOIN (SELECT id AS member_id, id AS account_id FROM members_member UNION ALL
        SELECT merged_into_id, id FROM members_member
         WHERE merged_into_id IS NOT NULL) k ON k.member_id = w.member_id
  JOIN loyalty_pointsentry p ON p.account_id = k.account_id
   AND p.kind IN ('earn', 'claw_back')
  LEFT JOIN loyalty_pointsentry first ON first.id = p.reverses_id
 WHERE coalesce(first.occurred_at, p.occurred_at) > w.after
   AND coalesce(first.occurred_at, p.occurred_at) <= %(at)s
 GROUP BY w.member_id""",
}


@dataclass(frozen=True, slots=True)
class Counted:
    """One member on one ladder: what is held, and what is counted."""

    member_id: int
    joined_at: datetime
    is_evaluated: bool
    held: Held
    warned_of: datetime | None
    numbers: dict[str, int]


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
            f"w.warned_of, {', '.join(f'w.{name}' for name in _STANDING)}"
            f"{''.join(f', coalesce(c_{n}.{n}, 0)' for n in names)} FROM windowed w "
            f"{joins_of(names)}",
            params | {"members": list(member_ids)},
        )
        rows = cursor.fetchall()
    return {row[0]: _counted(each, row, names) for row in rows}


def _counted(each: LadderInForce, row: tuple[Any, ...], names: list[str]) -> Counted:
    member_id, joined_at, state, tier_id, since, warned_of = row[:6]
    standing = dict(zip(_STANDING, row[6:], strict=False))
    standing["lifted_from"] = each.code_of(standing.pop("lifted_from_id"))
    held = Held(tier=each.code_of(tier_id), since=since, **standing)
    numbers = {
        name: int(row[6 + len(_STANDING) + place]) for place, name in enumerate(names)
    }
    return Counted(member_id, joined_at, state in EVALUATED, held, warned_of, numbers)


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
        f"windowed AS (SELECT w.*, {_after(terms)} AS after FROM held w)",  # noqa: S608
        *(f"c_{name} AS ({_counting(name).format(**waits)})" for name in names),
    ]
    params = {
        "at": at,
        "ladder": each.ladder.pk,
        "days": terms.window_days,
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


def _counting(name: str) -> str:
    return _COUNTED.get(name) or _OF_CURRENCY.replace("{name}", name)


def _after(terms: LadderTerms) -> str:
    if terms.window == "days" and terms.window_days is None:
        return "'-infinity'::timestamptz"
    local = "(w.moment AT TIME ZONE %(zone)s)"
    joined = "date_trunc('day', w.joined_at AT TIME ZONE %(zone)s)"
    years = f"(extract(year FROM {local}) - extract(year FROM {joined}))::int"
    return _AFTER[terms.window].format(
        midnight="(",
        utc=") AT TIME ZONE %(zone)s - interval '1 microsecond'",
        local=local,
        joined=joined,
        years=years,
    )


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
