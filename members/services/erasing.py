"""Forget one person and keep the books.

Asking and agreeing come first: members ask for themselves and have days to think
again; staff ask for somebody and somebody else agrees. ``carry_out`` then goes over
every table of ``crm.wiring.PERSONAL_DATA`` in small transactions. What is left of the
person is a number: ledgers, orders and sums stay (docs/adr/0020-erasing-a-person.md).
"""

from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from crm.shared.approvals import SamePerson
from crm.shared.audit import record_audit
from crm.shared.errors import Refusal
from crm.shared.jobs import enqueue
from crm.shared.outbox import record
from crm.shared.personal_data import PersonalData, personal_data
from members.events import MemberErased
from members.models import Erasure, Member, User
from members.queries import standing_erasure
from members.rules.lifecycle import may_move
from members.services.devices import end_sessions
from members.services.freezing import ReasonMissing, change_state

#: Kept for good in the ledger of states.
_REASON = "erasure"
_JOB = "members.erase"
_State = Erasure.State


class ErasureNotConfirmed(Refusal):
    """Type your member number to confirm."""

    code = "erasure_not_confirmed"
    status = 422
    message = _("Type your member number to confirm.")
    pointer = "/confirm"


class ErasureUnderWay(Refusal):
    """The erasure of this member was asked for already."""

    code = "erasure_under_way"
    message = _("The erasure of this member was asked for already.")


class ErasureTooLate(Refusal):
    """This erasure can no longer be changed."""

    code = "erasure_too_late"
    message = _("This erasure can no longer be changed.")


@transaction.atomic
def ask_to_be_forgotten(*, member_id: int, confirm: str, now: datetime) -> Erasure:
    """Schedule a member's own erasure, after ``settings.ERASURE_COOLING_DAYS``.

    Asking again returns the first request.

    Args:
        member_id: who asks.
        confirm: their member number, typed by hand.
        now: when, aware.

    Raises:
        ErasureNotConfirmed: ``confirm`` is something else.
        ErasureUnderWay: staff asked for it already.
    """
    member = Member.objects.select_for_update().get(pk=member_id)
    if confirm.strip().upper() != member.number:
        raise ErasureNotConfirmed
    standing = standing_erasure(member_id=member_id)
    if standing is not None:
        if standing.author_id is not None:
            raise ErasureUnderWay
        return standing
    erasure = Erasure.objects.create(
        member=member,
        state=_State.SCHEDULED,
        asked_at=now,
        due_at=now + timedelta(days=settings.ERASURE_COOLING_DAYS),
    )
    _note(erasure, "ask", actor="member", now=now)
    return erasure


@transaction.atomic
def ask_for_erasure(
    *, member_id: int, reason: str, author: User, now: datetime
) -> Erasure:
    """Ask, as staff, that a member be erased; nothing happens until it is approved.

    Raises:
        ReasonMissing: no reason.
        ErasureUnderWay: it was asked for already.
    """
    if not reason.strip():
        raise ReasonMissing
    member = Member.objects.select_for_update().get(pk=member_id)
    if standing_erasure(member_id=member_id) is not None:
        raise ErasureUnderWay
    erasure = Erasure.objects.create(
        member=member,
        state=_State.WAITING,
        author=author,
        reason=reason.strip(),
        asked_at=now,
    )
    _note(erasure, "ask", actor=author, reason=reason, now=now)
    return erasure


@transaction.atomic
def approve_erasure(*, erasure_id: int, approver: User, now: datetime) -> Erasure:
    """Agree to what somebody else asked for; it begins at once.

    Raises:
        SamePerson: the approver asked for it.
        ErasureTooLate: it does not wait for approval.
    """
    erasure = Erasure.objects.select_for_update().get(pk=erasure_id)
    if erasure.state != _State.WAITING:
        raise ErasureTooLate
    if erasure.author_id == approver.pk:
        raise SamePerson
    erasure.approver, erasure.due_at = approver, now
    erasure.state = _State.SCHEDULED
    erasure.save(update_fields=["approver", "due_at", "state"])
    _note(erasure, "approve", actor=approver, now=now)
    start_due_erasures(now=now)
    return erasure


@transaction.atomic
def cancel_erasure(
    *, erasure_id: int, actor: User | str, reason: str = "", now: datetime
) -> Erasure:
    """Call off an erasure that has not begun.

    Raises:
        ErasureTooLate: it has begun, or was called off.
    """
    erasure = Erasure.objects.select_for_update().get(pk=erasure_id)
    if erasure.state not in {_State.WAITING, _State.SCHEDULED}:
        raise ErasureTooLate
    erasure.state = _State.CANCELLED
    erasure.save(update_fields=["state"])
    _note(erasure, "cancel", actor=actor, reason=reason, now=now)
    return erasure


@transaction.atomic
def start_due_erasures(*, now: datetime) -> int:
    """Queue a job for each erasure whose time has come; return how many."""
    due = (
        Erasure.objects.select_for_update(skip_locked=True, of=("self",))
        .filter(state=_State.SCHEDULED, due_at__lte=now)
        .order_by("due_at", "id")
    )
    started = 0
    for erasure in due:
        erasure.state = _State.RUNNING
        erasure.save(update_fields=["state"])
        enqueue(
            kind=_JOB,
            params={"erasure": erasure.public_id},
            owner=erasure.approver,
            now=now,
        )
        started += 1
    return started


def carry_out(
    *, public_id: str, now: datetime, tell: Callable[[int], None] | None = None
) -> Erasure:
    """Erase; stopped anywhere and called again it goes on. Once done, do nothing.

    Args:
        public_id: of an erasure that has begun.
        now: when, aware.
        tell: called in each transaction with the rows touched so far.

    Raises:
        ErasureTooLate: the erasure has not begun.
    """
    erasure = Erasure.objects.get(public_id=public_id)
    if erasure.state == _State.DONE:
        return erasure
    if erasure.state != _State.RUNNING:
        raise ErasureTooLate
    _lock_out(erasure.member_id, now=now)
    while True:
        for source in personal_data():
            while _erase_some(erasure, source, now=now, tell=tell):
                pass
        if _certify(erasure, now=now):
            return erasure


@transaction.atomic
def _lock_out(member_id: int, *, now: datetime) -> None:
    """Close the membership and end its sessions: nothing new comes in by the member."""
    member = Member.objects.select_for_update().get(pk=member_id)
    if may_move(member.state, Member.State.CLOSED):
        change_state(
            member, to=Member.State.CLOSED, reason=_REASON, actor=None, now=now
        )
    login = User.objects.filter(pk=member.user_id, is_staff=False).first()
    if login is not None:
        end_sessions(user_id=login.pk)


@transaction.atomic
def _erase_some(
    erasure: Erasure,
    source: PersonalData,
    *,
    now: datetime,
    tell: Callable[[int], None] | None,
) -> bool:
    """Erase some rows of one app and add them to the certificate, both or neither."""
    # The erasure's row is the lock: two workers do not count one row twice.
    held = Erasure.objects.select_for_update(of=("self",)).get(pk=erasure.pk)
    touched = source.erase(member_id=held.member_id, now=now)
    if touched:
        held.counts = dict(Counter(held.counts) + Counter(touched))
        held.save(update_fields=["counts"])
        if tell is not None:
            tell(sum(held.counts.values()))
    return bool(touched)


@transaction.atomic
def _certify(erasure: Erasure, *, now: datetime) -> bool:
    """Look once more under the member's lock, then close the books.

    Returns:
        False when a row came in meanwhile: erase again.
    """
    held = Erasure.objects.select_for_update(of=("self",)).get(pk=erasure.pk)
    if held.state == _State.DONE:  # Another worker was quicker.
        erasure.refresh_from_db()
        return True
    member = Member.objects.select_for_update().get(pk=erasure.member_id)
    for source in personal_data():
        touched = source.erase(member_id=member.pk, now=now)
        if touched:
            held.counts = dict(Counter(held.counts) + Counter(touched))
            held.save(update_fields=["counts"])
            return False
    change_state(member, to=Member.State.ERASED, reason=_REASON, actor=None, now=now)
    held.state, held.finished_at = _State.DONE, now
    held.reason = ""  # Staff wrote it; it may say more than it should.
    held.save(update_fields=["state", "finished_at", "reason"])
    _note(held, "done", actor=None, detail=held.counts, now=now)
    record(MemberErased(member_id=member.pk))
    erasure.refresh_from_db()
    return True


def _note(
    erasure: Erasure,
    verb: str,
    *,
    actor: User | str | None,
    reason: str = "",
    detail: dict | None = None,
    now: datetime,
) -> None:
    record_audit(
        actor=actor,
        action=f"members.erasure.{verb}",
        obj=erasure.member,
        reason=reason,
        detail={"erasure": erasure.public_id, **(detail or {})},
        now=now,
    )
