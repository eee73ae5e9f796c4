"""Points that staff give or take: many at once wait for a second person."""

from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Sum
from django.db.models.functions import Abs
from django.utils.translation import gettext_lazy as _

from crm.shared.approvals import approval_of, ask_for_approval
from crm.shared.errors import Refusal
from crm.shared.models import Approval
from loyalty.models import PointsAccount, PointsEntry, ReasonCode
from loyalty.services.adjusting import deduct_points, grant_points
from loyalty.services.posting import locked_account
from loyalty.services.redeeming import entry_of
from members.models import Member, User

#: Kind of approval; see ``crm.wiring.APPROVALS``.
KIND = "loyalty.points"
#: Characters a note has at least.
SHORTEST_NOTE = 3
#: What one person grants, or deducts, one member in so long counts together.
WINDOW = timedelta(hours=24)
#: How sources of entries begin that two people agreed to.
APPROVED = "approval:"


class NeedsSecondPerson(Refusal):
    """So many points need the approval of somebody else: grant them one by one."""

    code = "needs_second_person"
    message = _(
        "So many points need the approval of somebody else: grant them one by one."
    )


class ReasonMissing(Refusal):
    """What is done by hand needs a reason code, and a note."""

    code = "reason_missing"
    status = 422
    message = _("Choose a reason code, and say why in three characters or more.")


@transaction.atomic
def adjust_by_hand(
    *,
    member_id: int,
    points: int,
    reason_code: str,
    reason: str,
    author: User,
    source: str,
    now: datetime,
    asks: bool = True,
) -> PointsEntry | Approval:
    """Grant or deduct points, or ask somebody else to agree where they are too many.

    Too many is what makes the sum of 24 hours, by this login for this member in this
    direction, exceed ``settings.STAFF_POINTS_LIMIT``. Counted under the lock of the
    account. Called again with ``source`` it returns what came of it first.

    Args:
        points: positive grants, negative deducts.
        reason_code, reason, source, now: as ``grant_points`` takes them.
        author: the login.
        asks: False refuses too many instead of asking somebody.

    Raises:
        ReasonMissing: no code of the list, or no note (P27).
        NeedsSecondPerson: too many, and ``asks`` is False.
        NotEnoughPoints, PointsFrozen: as ``deduct_points`` says; of what waits for
            approval when it is carried out.
    """
    refuse_without_reason(reason_code, note=reason)
    account = locked_account(member_id=member_id, now=now)
    waiting = approval_of(kind=KIND, source=source)
    if waiting is not None:
        return waiting
    done = entry_of(accounts=account.accounts, kind=_kind(points), source=source)
    if done is not None:
        return done
    if needs_approval(member_id=member_id, points=points, author=author, now=now):
        if not asks:
            raise NeedsSecondPerson
        told = {"points": points, "reason_code": reason_code}
        return ask_for_approval(
            kind=KIND,
            params={"member": member_id, **told},
            subject=Member.objects.values_list("number", flat=True).get(pk=member_id),
            reason=reason,
            author=author,
            source=source,
            now=now,
        )
    verb = grant_points if points > 0 else deduct_points
    return verb(
        member_id=member_id,
        points=abs(points),
        reason_code=reason_code,
        reason=reason,
        actor=author,
        source=source,
        now=now,
    )


def refuse_without_reason(reason_code: str, *, note: str) -> None:
    """Refuse what finance could not group, or nobody could explain later (P27).

    Raises:
        ReasonMissing: no code of the list, or a note of fewer than three characters.
    """
    if reason_code not in ReasonCode.values or len(note.strip()) < SHORTEST_NOTE:
        raise ReasonMissing


def needs_approval(*, member_id: int, points: int, author: User, now: datetime) -> bool:
    """Whether points and what was moved alone lately exceed the limit together.

    Args:
        as ``adjust_by_hand`` takes them. What was moved before a merge counts. Without
        the account's lock it is a preview.
    """
    account = PointsAccount.objects.filter(pk=member_id).first()
    alone = PointsEntry.objects.filter(
        account_id__in=account.accounts if account else [],
        kind=_kind(points),
        actor=author.get_username()[:80],
        occurred_at__gt=now - WINDOW,
    ).exclude(source__startswith=APPROVED)
    lately = alone.aggregate(sum=Sum(Abs("points")))["sum"] or 0
    return lately + abs(points) > settings.STAFF_POINTS_LIMIT


def _kind(points: int) -> str:
    return PointsEntry.Kind.GRANT if points > 0 else PointsEntry.Kind.DEDUCT
