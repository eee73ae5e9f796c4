"""Segments: who is in them is found by one filter and kept."""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import connection, transaction
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from campaigns.models import CouponTemplate, Segment, SegmentMember
from campaigns.services.issuing import TemplateNotLive
from crm.shared.audit import record_audit
from crm.shared.conditions import ConditionError
from crm.shared.errors import Refusal
from crm.shared.jobs import enqueue
from crm.shared.models import Job
from members.conditions import members_where, read_member_condition
from members.models import Member
from members.rules.lifecycle import ENDED

#: Keys of ``crm.wiring.JOBS``.
REFRESH, ISSUE = "campaigns.refresh_segment", "campaigns.issue_to_segment"
#: Everybody of a large shop may be looked at.
_SECONDS = 600

_LEAVE = """
DELETE FROM campaigns_segmentmember s WHERE s.segment_id = %s AND NOT EXISTS (
    SELECT 1 FROM ({chosen}) c (id) WHERE c.id = s.member_id)
"""
_JOIN = """
INSERT INTO campaigns_segmentmember (segment_id, member_id, since)
SELECT %s, c.id, %s FROM ({chosen}) c (id)
    ON CONFLICT (segment_id, member_id) DO NOTHING
"""


class SegmentNotInUse(Refusal):
    """This segment is not in use."""

    code = "segment_not_in_use"
    message = _("This segment is not in use.")


@transaction.atomic
def write_segment(*, segment: Segment, actor: Any, now: datetime) -> Job:
    """Save a segment, new or changed, and have a job look who is in it.

    Raises:
        ConditionError: its condition asks nothing sensible.
    """
    read_member_condition(segment.condition, now)
    is_new = segment.pk is None
    segment.save()
    record_audit(
        actor=actor,
        action="segments.create" if is_new else "segments.change",
        obj=segment,
        detail={"condition": segment.condition, "is_active": segment.is_active},
        now=now,
    )
    return order_refresh(segment=segment, actor=actor, now=now)


def order_refresh(*, segment: Segment, actor: Any, now: datetime) -> Job:
    """Start a job that looks who is in a segment."""
    return enqueue(
        kind=REFRESH, params={"segment": segment.public_id}, owner=actor, now=now
    )


def chosen(*, condition: Any, now: datetime) -> QuerySet[Member]:
    """Return the members for whom the tree of a condition holds now.

    Who left, merged with another or was erased is in no segment.

    Raises:
        ConditionError: naming the place.
    """
    members = members_where(read_member_condition(condition, now), now)
    return members.exclude(state__in=ENDED)


@transaction.atomic
def refresh_segment(*, segment_id: int, now: datetime) -> int:
    """Look again who is in a segment; return how many.

    Two statements, however many there are. Who stays keeps the day they came.

    Raises:
        ConditionError: it asks about something that is no more.
    """
    segment = Segment.objects.select_for_update(no_key=True).get(pk=segment_id)
    members = Member.objects.none()
    if segment.is_active:
        members = chosen(condition=segment.condition, now=now)
    query = members.order_by().values("pk").query
    # Also where nobody can be meant there is something to ask.
    sql, params = query.get_compiler("default", elide_empty=False).as_sql()
    with connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL statement_timeout = '{_SECONDS}s'")
        cursor.execute(_LEAVE.format(chosen=sql), [segment.pk, *params])
        cursor.execute(_JOIN.format(chosen=sql), [segment.pk, now, *params])
    segment.members_count = segment.in_it.count()
    segment.refreshed_at = now
    segment.save(update_fields=["members_count", "refreshed_at"])
    return segment.members_count


def refresh_segments(*, now: datetime) -> int:
    """Look again who is in every segment in use; return how many segments.

    One that asks about something that is no more stays as it is.
    """
    done = 0
    for pk in Segment.objects.filter(is_active=True).values_list("pk", flat=True):
        try:
            refresh_segment(segment_id=pk, now=now)
        except ConditionError:
            continue
        done += 1
    return done


@transaction.atomic
def order_issue(*, segment_id: int, template_id: int, actor: Any, now: datetime) -> Job:
    """Give everybody in a segment a coupon, by a job; once a day for each member.

    Raises:
        SegmentNotInUse: it is off.
        TemplateNotLive: coupons of the template are not given out.
    """
    segment = Segment.objects.get(pk=segment_id)
    if not segment.is_active:
        raise SegmentNotInUse
    template = CouponTemplate.objects.get(pk=template_id)
    if template.state != CouponTemplate.State.LIVE:
        raise TemplateNotLive
    today = now.astimezone(ZoneInfo(settings.SHOP_TIME_ZONE)).date()
    params = {
        "segment": segment.public_id,
        "template": template.public_id,
        "source": f"segment:{segment.code}:{today:%Y-%m-%d}",
    }
    job = enqueue(kind=ISSUE, params=params, owner=actor, now=now)
    record_audit(
        actor=actor,
        action="segments.issue_coupons",
        obj=segment,
        detail={"template": template.public_id, "job": job.public_id},
        now=now,
    )
    return job


def members_after(*, segment_id: int, after: int, count: int) -> list[int]:
    """Return the next members of a segment by primary key, to go through in chunks."""
    rows = SegmentMember.objects.filter(segment_id=segment_id, member_id__gt=after)
    return list(rows.order_by("member_id").values_list("member_id", flat=True)[:count])
