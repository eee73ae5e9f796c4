"""Four eyes: what is beyond one person of the staff waits for a second one.

A service that finds a deed too large for one asks with :func:`ask_for_approval` instead
of doing it. Somebody else with the right to do the same agrees, and the deed is done in
the transaction of the approval: both or neither. ``crm.wiring.APPROVALS`` says what
kinds there are.
"""

from datetime import datetime, timedelta
from typing import Any, Protocol

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.utils.module_loading import import_string
from django.utils.translation import gettext_lazy as _

from crm import wiring
from crm.shared.audit import record_audit
from crm.shared.errors import Refusal
from crm.shared.models import Approval

#: Deciding needs this and the permission of the deed.
DECIDE = "shared.change_approval"
_State = Approval.State


class SamePerson(Refusal):
    """Somebody else must approve what you asked for."""

    code = "same_person"
    message = _("Somebody else must approve what you asked for.")


class ApprovalClosed(Refusal):
    """This does not wait for approval any more."""

    code = "approval_closed"
    message = _("This does not wait for approval any more.")


class NoteMissing(Refusal):
    """Say why you decide so."""

    code = "note_missing"
    status = 422
    message = _("Say why you decide so.")


class Deed(Protocol):
    """What a kind of approval does: one class for each in ``crm.wiring.APPROVALS``."""

    #: What asking for it, and doing it alone below the limit, needs.
    permission: str
    #: What the kind is called, translatable.
    label: Any

    def words(self, params: dict[str, Any]) -> str:
        """Return what happens when it is approved, in a sentence."""

    def page(self, params: dict[str, Any]) -> str:
        """Return where it stands what it would do now; empty where no page says it."""
        return ""

    def carry_out(self, approval: Approval, *, now: datetime) -> None:
        """Do it, in the open transaction, in the name of the author.

        Raises:
            Refusal: it is not possible (any more); the approval goes on waiting.
        """


def deed_of(kind: str) -> Deed:
    """Return what approvals of a kind do."""
    return import_string(wiring.APPROVALS[kind])()


def approval_of(*, kind: str, source: str) -> Approval | None:
    """Return what was asked for with this cause."""
    return Approval.objects.filter(kind=kind, source=source).first()


def waiting_approvals(now: datetime) -> QuerySet[Approval]:
    """Return what waits for a second person, what ends first in front."""
    return Approval.objects.filter(state=_State.WAITING, expires_at__gt=now).order_by(
        "expires_at", "pk"
    )


def may_decide(user: Any, approval: Approval) -> bool:
    """Whether a login may approve or reject: another one, with the right to do it."""
    return (
        user.pk != approval.author_id
        and user.has_perm(DECIDE)
        and user.has_perm(deed_of(approval.kind).permission)
    )


@transaction.atomic
def ask_for_approval(
    *,
    kind: str,
    params: dict[str, Any],
    subject: str,
    reason: str,
    author: Any,
    source: str,
    now: datetime,
) -> Approval:
    """Write down what waits for somebody else; asked again it is the same approval.

    Args:
        kind: a key of ``crm.wiring.APPROVALS``.
        params: what its deed needs: ids and numbers, no personal data.
        subject: number of whom it is about.
        reason: why, for whoever decides and for the history; the caller checked it.
        author: the login that asks.
        source: the cause, at most 80 characters; one approval each.
        now: aware.
    """
    approval, is_new = Approval.objects.get_or_create(
        kind=kind,
        source=source,
        defaults={
            "params": params,
            "subject": subject,
            "reason": reason.strip()[:200],
            "author": author,
            "asked_at": now,
            "expires_at": now + timedelta(days=settings.APPROVAL_DAYS),
        },
    )
    if is_new:
        _note(approval, "ask", actor=author, reason=reason, now=now)
    return approval


@transaction.atomic
def approve(
    *, approval_id: int, decider: Any, note: str = "", now: datetime
) -> Approval:
    """Agree to what somebody else asked for, and have it done.

    Raises:
        ApprovalClosed: it was decided, withdrawn, or has expired.
        SamePerson: ``decider`` asked for it.
        Refusal: the deed is not possible; nothing is written.
    """
    approval = _waiting(approval_id, now)
    if approval.author_id == decider.pk:
        raise SamePerson
    _close(approval, _State.APPROVED, decider=decider, note=note, now=now)
    _note(approval, "approve", actor=decider, reason=note, now=now)
    deed_of(approval.kind).carry_out(approval, now=now)
    return approval


@transaction.atomic
def reject(*, approval_id: int, decider: Any, note: str, now: datetime) -> Approval:
    """Refuse what somebody else asked for, and say why; nothing is done.

    Raises:
        ApprovalClosed, SamePerson: as for ``approve``.
        NoteMissing: no word why.
    """
    if not note.strip():
        raise NoteMissing
    approval = _waiting(approval_id, now)
    if approval.author_id == decider.pk:
        raise SamePerson
    _close(approval, _State.REJECTED, decider=decider, note=note, now=now)
    _note(approval, "reject", actor=decider, reason=note, now=now)
    return approval


@transaction.atomic
def withdraw(*, approval_id: int, author: Any, now: datetime) -> Approval:
    """Take back what one asked for oneself.

    Raises:
        ApprovalClosed: it was decided, or has expired.
    """
    approval = _waiting(approval_id, now)
    if approval.author_id != author.pk:
        raise ValueError("Only its author withdraws an approval.")
    _close(approval, _State.WITHDRAWN, decider=author, note="", now=now)
    _note(approval, "withdraw", actor=author, now=now)
    return approval


@transaction.atomic
def expire_approvals(*, now: datetime) -> int:
    """Close what nobody decided on in ``settings.APPROVAL_DAYS``; return how many."""
    over = Approval.objects.select_for_update(skip_locked=True, of=("self",)).filter(
        state=_State.WAITING, expires_at__lte=now
    )
    found = list(over.order_by("expires_at", "pk"))
    for approval in found:
        _close(approval, _State.EXPIRED, decider=None, note="", now=now)
        _note(approval, "expire", actor=None, now=now)
    return len(found)


def _waiting(approval_id: int, now: datetime) -> Approval:
    """Lock an approval; of two who decide at once the second finds it closed."""
    approval = Approval.objects.select_for_update(of=("self",)).get(pk=approval_id)
    if approval.state != _State.WAITING or approval.expires_at <= now:
        raise ApprovalClosed
    return approval


def _close(
    approval: Approval, state: str, *, decider: Any, note: str, now: datetime
) -> None:
    approval.state, approval.decider, approval.decided_at = state, decider, now
    approval.note = note.strip()[:200]
    approval.save(update_fields=["state", "decider", "decided_at", "note"])


def _note(
    approval: Approval, verb: str, *, actor: Any, reason: str = "", now: datetime
) -> None:
    record_audit(
        actor=actor,
        action=f"approvals.{verb}",
        obj=approval,
        reason=reason,
        detail={"kind": approval.kind, "member": approval.subject, **approval.params},
        now=now,
    )
