"""Memberships fall asleep without activity, and wake up by it.

Activity is a sign-in or a purchase. It is kept to the day: one write per member and
day is enough to know who is gone.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta

from django.db import connection, transaction
from django.db.models import F, Q
from django.db.models.functions import Coalesce

from crm.shared.outbox import record_all
from members.models import LifecycleChange, Member
from members.rules.lifecycle import ACTIVE, DORMANT
from members.services.freezing import change_state, state_changed

#: Reasons in the ledger; the console says them in words.
BACK, ABSENT = "activity", "inactivity"
#: How exactly the newest activity is kept.
_STEP = timedelta(days=1)
_BATCH = 1_000
_NEWEST = """
UPDATE members_member m SET last_active_at = seen.at
  FROM unnest(%s::bigint[], %s::timestamptz[]) AS seen (id, at)
 WHERE m.id = seen.id AND coalesce(m.last_active_at, '-infinity') < seen.at
"""


@transaction.atomic
def note_activity(*, member_id: int, at: datetime, now: datetime) -> bool:
    """Keep that a member was there at ``at``; wake who slept. Return whether one woke.

    What happened before the member fell asleep wakes nobody: news may come late.
    """
    known = Q(last_active_at__isnull=True) | Q(last_active_at__lt=at - _STEP)
    Member.objects.filter(known, pk=member_id).update(last_active_at=at)
    member = (
        Member.objects.select_for_update().filter(pk=member_id, state=DORMANT).first()
    )
    if member is None:
        return False
    asleep = member.lifecycle.filter(to_state=DORMANT).latest("occurred_at", "id")
    if at < asleep.occurred_at:
        return False
    change_state(member, to=ACTIVE, reason=BACK, actor=None, now=now)
    return True


def note_past_activity(*, newest: Mapping[int, datetime]) -> None:
    """Keep the newest activity of many members at once; wakes nobody.

    For history that is brought in. Rows are locked in the order of their ids.

    Args:
        newest: member id -> when they were last there.
    """
    ids = sorted(newest)
    for start in range(0, len(ids), _BATCH):
        some = ids[start : start + _BATCH]
        with transaction.atomic(), connection.cursor() as cursor:
            list(
                Member.objects.select_for_update(no_key=True)
                .filter(pk__in=some)
                .order_by("pk")
                .values_list("pk")
            )
            cursor.execute(_NEWEST, [some, [newest[pk] for pk in some]])


@transaction.atomic
def mark_dormant(*, now: datetime, after_days: int, limit: int = _BATCH) -> int:
    """Let active members sleep who were not there for so long; return how many.

    The number of statements does not depend on the number of members. Call again
    until it returns 0; rows somebody else holds are left for the next time.

    Args:
        after_days: days without sign-in or purchase, counted from joining at least.
        limit: members of one call, the longest absent first.

    Raises:
        ValueError: ``after_days`` is not positive.
    """
    if after_days <= 0:
        raise ValueError("after_days must be > 0.")
    last_seen = Coalesce("last_active_at", "joined_at")
    members = list(
        Member.objects.alias(seen=last_seen)
        .filter(state=ACTIVE, seen__lt=now - timedelta(days=after_days))
        .order_by("seen")
        .only("pk")
        .select_for_update(skip_locked=True)[:limit]
    )
    Member.objects.filter(pk__in=[member.pk for member in members]).update(
        state=DORMANT, version=F("version") + 1
    )
    changes = LifecycleChange.objects.bulk_create(
        LifecycleChange(
            member=member,
            from_state=ACTIVE,
            to_state=DORMANT,
            reason=ABSENT,
            actor="members.tasks.mark_dormant",
            occurred_at=now,
        )
        for member in members
    )
    record_all([state_changed(change) for change in changes])
    return len(members)
