"""What the whole base of members has reached on a ladder: for nights and previews."""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection, transaction

from loyalty.queries.tier_dues import concerned
from loyalty.queries.tier_measures import joins_of, names_of, number_of, statement
from loyalty.queries.tier_terms import LadderInForce
from loyalty.rules.terms import Held, LadderTerms, Measured

_LIVING = "m.state = ANY(%(evaluated)s)"
#: Whose term ends soon, untold.
_ENDING = """
SELECT member_id FROM loyalty_tierstanding
 WHERE ladder_id = %(ladder)s AND valid_until > %(at)s AND valid_until <= %(until)s
   AND warned_of IS DISTINCT FROM valid_until"""
#: What the rules need to know of somebody in ``classed c``.
_KIND = """c.place, c.due, c.is_kept, c.fits, (c.valid_until > %(at)s) IS TRUE,
c.is_pinned AND (c.pinned_until > %(at)s) IS NOT FALSE, c.is_pinned"""
#: Points of a year's orders as they were before the multiplier, less what was taken
#: back of them; what knows no multiplier is no matter of tiers.
_EARNED = """
SELECT coalesce(m.merged_into_id, m.id) AS member_id,
       sum(p.points * 10000.0
           / (coalesce(first.trace, p.trace) ->> 'multiplier_bp')::bigint) AS points
  FROM loyalty_pointsentry p
  LEFT JOIN loyalty_pointsentry first ON first.id = p.reverses_id
  JOIN members_member m ON m.id = p.account_id
 WHERE p.kind IN ('earn', 'claw_back')
   AND p.occurred_at > %(at)s - interval '1 year' AND p.occurred_at <= %(at)s
   AND coalesce(first.occurred_at, p.occurred_at) > %(at)s - interval '1 year'
   AND coalesce(first.trace, p.trace) ->> 'multiplier_bp' <> '0'
 GROUP BY 1
"""


@dataclass(frozen=True, slots=True)
class Classed:
    """Members of whom the same can be said, how many, and what they ever spent."""

    held: Held
    measured: Measured
    members: int
    spent_minor: int
    #: What a year's orders earned them before any multiplier.
    base_points: int


@dataclass(frozen=True, slots=True)
class Bought:
    """Units of a SKU that members of whom the same can be said bought in a year."""

    held: Held
    measured: Measured
    variant_id: int
    units: int


@contextmanager
def _whole_base() -> Iterator[Any]:
    """Give a cursor whose statements read every member: room to hash, time to end."""
    with transaction.atomic(savepoint=False), connection.cursor() as cursor:
        cursor.execute(
            "SELECT set_config('work_mem', '64MB', true), "
            "set_config('statement_timeout', '120s', true)"
        )
        yield cursor


def unsettled(
    each: LadderInForce, *, at: datetime, since: datetime | None = None
) -> list[int]:
    """Return members of whom a look at ``at`` may change something, set-based.

    Who reaches another tier than they hold, does not keep theirs, or whose term, grace
    or pin is over. Who was looked at later than ``at`` is left out.

    Args:
        since: the look before, by the same terms on the same day of the shop: only
            those are read whom something happened to since. None reads everybody.
    """
    who = _LIVING
    if since is not None:
        who += f" AND a.member_id IN ({concerned(each)})"
    sql, params = statement(each, each.terms, at, who=who)
    with _whole_base() as cursor:
        cursor.execute(
            f"{sql}, {_classes(each.terms)} SELECT member_id FROM classed "  # noqa: S608
            "WHERE (since IS NULL OR since <= %(at)s) AND CASE "
            "WHEN is_pinned THEN pinned_until <= %(at)s "
            "WHEN due > place OR valid_until <= %(at)s THEN true "
            "ELSE valid_until IS NULL AND place >= 0 AND NOT is_kept END "
            "ORDER BY member_id",
            params | {"since": since},
        )
        return [member_id for (member_id,) in cursor.fetchall()]


def unwarned(each: LadderInForce, *, at: datetime, until: datetime) -> list[int]:
    """Return members whose term ends by ``until``, who do not keep it, untold (T17).

    Where nobody falls but from a tier that is gone (T14), only who holds such a one.
    """
    who = f"{_LIVING} AND a.member_id IN ({_ENDING})"
    falls = "true"
    if each.terms.downgrade == "never":
        places = (place for place, r in enumerate(each.terms.rungs) if r.is_removed)
        falls = f"place IN ({', '.join(map(str, (-1, *places)))})"
    sql, params = statement(each, each.terms, at, who=who)
    with _whole_base() as cursor:
        cursor.execute(
            f"{sql}, {_classes(each.terms)} SELECT member_id FROM classed "  # noqa: S608
            f"WHERE NOT is_pinned AND NOT is_kept AND due < place AND {falls} "
            "ORDER BY member_id",
            params | {"until": until},
        )
        return [member_id for (member_id,) in cursor.fetchall()]


def classes(each: LadderInForce, terms: LadderTerms, *, at: datetime) -> list[Classed]:
    """Return all members by what the rules need to know of them, in one statement.

    Terms are told apart only by whether they run; that decides who falls.
    """
    if not terms.rungs:
        return []
    sql, params = statement(each, terms, at, who=_LIVING)
    with _whole_base() as cursor:
        cursor.execute(
            f"{sql}, {_classes(terms)}, earned AS ({_EARNED}) SELECT {_KIND}, "  # noqa: S608
            "count(*), coalesce(sum(v.net_minor), 0), "
            "coalesce(round(sum(e.points)), 0) FROM classed c "
            "LEFT JOIN loyalty_membervalue v ON v.member_id = c.member_id "
            "LEFT JOIN earned e ON e.member_id = c.member_id "
            "GROUP BY 1, 2, 3, 4, 5, 6, 7",
            params,
        )
        return [
            Classed(*_found(terms, at, row), row[7], int(row[8]), int(row[9]))
            for row in cursor.fetchall()
        ]


def bought_by_class(
    each: LadderInForce,
    terms: LadderTerms,
    *,
    at: datetime,
    variant_ids: Collection[int],
) -> list[Bought]:
    """Return units of some SKUs that members bought at table prices in a year.

    By what the rules need to know of the members, as ``classes`` tells them apart.
    """
    sql, params = statement(each, terms, at, who=_LIVING)
    with _whole_base() as cursor:
        cursor.execute(
            f"{sql}, {_classes(terms)} SELECT {_KIND}, l.variant_id, "  # noqa: S608
            "sum(l.quantity - l.refunded_quantity) FROM classed c "
            "JOIN orders_order o ON o.member_id = c.member_id "
            "AND o.state = ANY(%(sold)s) AND o.exchange_of_id IS NULL "
            "AND o.paid_at > %(at)s - interval '1 year' AND o.paid_at <= %(at)s "
            "JOIN orders_orderline l ON l.order_id = o.id "
            "AND l.variant_id = ANY(%(variants)s) "
            "AND l.price_kind IN ('list', 'sale', 'member') "
            "GROUP BY 1, 2, 3, 4, 5, 6, 7, 8",
            params | {"variants": list(variant_ids)},
        )
        return [
            Bought(*_found(terms, at, row), row[7], int(row[8]))
            for row in cursor.fetchall()
        ]


def histogram(
    each: LadderInForce, terms: LadderTerms, *, at: datetime, top: int, bars: int
) -> list[int]:
    """Return how many members have how much of what is counted, in one statement.

    Bars of the same width from 0 to ``top``; the last one holds what is above.
    """
    sql, params = statement(each, terms, at, who=_LIVING)
    names = names_of(terms)
    with _whole_base() as cursor:
        cursor.execute(
            f"{sql} SELECT greatest(1, width_bucket({number_of(terms.metric)}, 0, "  # noqa: S608
            "%(top)s, %(bars)s)), count(*) FROM windowed w "
            f"{joins_of(names)} GROUP BY 1",
            params | {"top": top, "bars": bars},
        )
        counts = dict(cursor.fetchall())
    return [counts.get(bar, 0) for bar in range(1, bars + 2)]


def _found(
    terms: LadderTerms, at: datetime, row: tuple[Any, ...]
) -> tuple[Held, Measured]:
    """Return what ``_KIND`` says, as the rules take it."""
    place, due, is_kept, fits, runs, pins, had_pin = row[:7]
    code = {rank: rung.code for rank, rung in enumerate(terms.rungs)}.get
    held = Held(
        tier=code(place),
        valid_until=datetime.max.replace(tzinfo=at.tzinfo) if runs else None,
        is_pinned=had_pin,
        pinned_until=None if pins else at,
    )
    return held, Measured(code(due), is_kept, code(fits))


def _classes(terms: LadderTerms) -> str:
    """Return the CTE that says which place is held, which is due, and whether kept."""
    names = names_of(terms)
    places = range(len(terms.rungs))
    held = " ".join(f"WHEN %(id{rank})s THEN {rank}" for rank in places)
    due, fits = (
        " ".join(
            f"WHEN {_condition(terms, rank, 'climb', to_keep=to_keep)} THEN {rank}"
            for rank in reversed(places)
        )
        for to_keep in (False, True)
    )
    kept = " ".join(
        f"WHEN %(id{rank})s THEN {_condition(terms, rank, 'stay', to_keep=True)}"
        for rank in places
    )
    return (
        f"classed AS (SELECT w.*, CASE w.tier_id {held} ELSE -1 END AS place, "  # noqa: S608
        f"CASE {due} ELSE -1 END AS due, CASE {fits} ELSE -1 END AS fits, "
        f"CASE w.tier_id {kept} ELSE false END AS is_kept "
        f"FROM windowed w {joins_of(names)})"
    )


def _condition(terms: LadderTerms, rank: int, which: str, *, to_keep: bool) -> str:
    """Return whether a rung is reached, as ``loyalty.rules.terms.level_of`` has it."""
    rung = terms.rungs[rank]
    if rung.is_removed or terms.metric == "none":
        return "false"
    if terms.has_floor and rank == 0:
        return "true"
    first = f"{number_of(terms.metric, to_keep=to_keep)} >= %({which}{rank})s"
    if not rung.also_metric:
        return first
    joined = "AND" if rung.needs_both else "OR"
    second = number_of(rung.also_metric, to_keep=to_keep)
    return f"({first} {joined} {second} >= %(also{rank})s)"
