"""The same deed for many members, one transaction each, safe to take up again."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from django.db import transaction

from campaigns.services.issuing import issue_coupon
from crm.shared.audit import record_audit
from crm.shared.clock import day_bounds
from crm.shared.errors import Refusal
from crm.shared.jobs import enqueue
from crm.shared.models import Job
from loyalty.models import ReasonCode
from loyalty.services.adjusting_by_hand import adjust_by_hand
from members.models import Member, User
from members.services.tagging import tag_member

#: Members of one run; more people are a segment of a campaign.
MOST_MEMBERS = 20_000
_CHUNK = 100


@dataclass(slots=True)
class Outcome:
    """How a run went: members done, refusals by their code, one line for each."""

    done: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    lines: list[str] = field(default_factory=list)


def _tag(*, member_id: int, values: dict, actor: User, source: str, now: datetime):
    ends = values.get("until")
    tag_member(
        member_id=member_id,
        name=values["tag"],
        author=actor,
        now=now,
        expires_at=day_bounds(date.fromisoformat(ends))[1] if ends else None,
    )


def _grant(*, member_id: int, values: dict, actor: User, source: str, now: datetime):
    adjust_by_hand(
        member_id=member_id,
        points=values["points"],
        # A job that was queued before there were codes has none.
        reason_code=values.get("reason_code", ReasonCode.OTHER),
        reason=values["reason"],
        author=actor,
        source=source,
        now=now,
        asks=False,
    )


def _coupon(*, member_id: int, values: dict, actor: User, source: str, now: datetime):
    issue_coupon(
        template_id=values["template"], member_id=member_id, source=source, now=now
    )


#: Code -> what is done for one member.
DEEDS: dict[str, Callable[..., Any]] = {"tag": _tag, "grant": _grant, "coupon": _coupon}


@transaction.atomic
def start_bulk_deed(
    *, deed: str, values: dict, member_ids: list[int], actor: User, now: datetime
) -> Job:
    """Queue the job that does one deed for many members, and note who asked why.

    Args:
        deed, values: as ``do_for_members`` takes them; ``request_key`` in ``values``
            makes a form that is sent twice one deed per member.
        member_ids: primary keys, at most ``MOST_MEMBERS``.
    """
    job = enqueue(
        kind="console.bulk_deed",
        params={"deed": deed, "values": values, "members": member_ids},
        owner=actor,
        now=now,
    )
    record_audit(
        actor=actor,
        action=f"members.bulk_{deed}",
        obj=job,
        reason=values["reason"],
        detail={"members": len(member_ids)},
        now=now,
    )
    return job


def do_for_members(
    *,
    deed: str,
    values: dict,
    member_ids: Sequence[int],
    actor: User,
    key: str,
    now: datetime,
    on_chunk: Callable[[int], None] = lambda done: None,
) -> Outcome:
    """Do one deed for each member; a refusal of one does not stop the others.

    Args:
        deed: a key of ``DEEDS``.
        values: what the form said: ``tag`` and ``until``, ``points``,
            ``reason_code`` and ``reason``, or ``template`` (primary key).
        key: names this run; the same key and member are one deed, however often.
        on_chunk: called with the number of members seen, every hundred.
    """
    outcome = Outcome()
    for start in range(0, len(member_ids), _CHUNK):
        chunk = Member.objects.filter(pk__in=member_ids[start : start + _CHUNK])
        for pk, number in chunk.order_by("pk").values_list("pk", "number"):
            source = f"bulk:{key}:{pk}"
            try:
                DEEDS[deed](
                    member_id=pk, values=values, actor=actor, source=source, now=now
                )
            except Refusal as refusal:
                outcome.refused[refusal.code] += 1
                outcome.lines.append(f"{number}: {refusal}")
            else:
                outcome.done += 1
        on_chunk(min(start + _CHUNK, len(member_ids)))
    return outcome
