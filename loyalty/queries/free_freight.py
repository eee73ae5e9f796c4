"""Free deliveries a buyer has left, of what a price has read of the buyer already."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings

from crm.shared.bilingual import in_request_language
from loyalty.models import Benefit
from loyalty.queries.benefits import rights_of
from loyalty.queries.program import Purse
from loyalty.rules.benefits import Right, Span, left_of, span_of, union

#: Audiences that the purse knows; others are asked for.
_KNOWN = ("tier:", "plan:")


@dataclass(frozen=True, slots=True)
class FreeDeliveries:
    """A benefit of free delivery that a member has, in the period that runs."""

    public_id: str
    code: str
    name: str
    right: Right
    span: Span
    #: None is as often as wanted.
    left: int | None


def free_deliveries(
    held: Purse, *, member_id: int, at: datetime
) -> list[FreeDeliveries]:
    """Return the free deliveries of a member, the one to use first in front.

    What has no quota is used first, then what ends first; what is used up is last. No
    statement, unless a grant asks more of the member than tier and plan.
    """
    if not held.free_freight or held.joined_at is None:
        return []
    zone = ZoneInfo(settings.SHOP_TIME_ZONE)
    today, joined = (moment.astimezone(zone).date() for moment in (at, held.joined_at))
    rights = _rights(held, member_id, at)
    found = []
    for row in held.free_freight:
        span = span_of(row["period"], today, joined=joined)
        used, bought = _counted(row, span)
        right = rights.get(row["id"]) or (Right(0) if bought else None)
        if right is not None:
            name = in_request_language(row["name"], row["name_en"])
            left = left_of(right, used=used - bought)
            found.append(
                FreeDeliveries(row["public_id"], row["code"], name, right, span, left)
            )
    return sorted(found, key=_order)


def _order(each: FreeDeliveries) -> tuple[bool, bool, date, str]:
    return (each.left == 0, each.left is not None, each.span.ends_on, each.code)


def _counted(row: dict[str, Any], span: Span) -> tuple[int, int]:
    """Return the uses of a period, and how many were bought."""
    start = span.starts_on.isoformat()
    tallies = row["tallies"] or ()
    return next(((used, more) for day, used, more in tallies if day == start), (0, 0))


def _rights(held: Purse, member_id: int, at: datetime) -> dict[int, Right]:
    """Return what a member has of each benefit: a union of what is meant (T18)."""
    rights: dict[int, Right] = {}
    unknown = []
    for row in held.free_freight or ():
        grants = [grant for grant in row["grants"] or () if _may_be(grant[0], held)]
        if any(condition or not _is_known(mark) for mark, condition, _n in grants):
            unknown.append(row["id"])
        elif right := union(Right(quota, 0, (mark,)) for mark, _if, quota in grants):
            rights[row["id"]] = right
    if unknown:
        benefits = _stubs(unknown)
        rights |= rights_of([member_id], at, benefits=benefits)[member_id]
    return rights


def _may_be(mark: str, held: Purse) -> bool:
    return not mark or mark in held.marks or not _is_known(mark)


def _is_known(mark: str) -> bool:
    return not mark or mark.startswith(_KNOWN)


def _stubs(ids: Iterable[int]) -> list[Benefit]:
    return [Benefit(pk=pk) for pk in ids]
