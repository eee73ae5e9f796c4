"""Open tickets, answer them, hand them on, close them."""

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from crm.care.models import Ticket, TicketMessage
from crm.care.rules.deadlines import answer_due
from crm.shared.audit import record_audit
from crm.shared.errors import Refusal
from members.models import Member, User

#: Open at once per member; more would be a machine.
MOST_OPEN = 20


class TooManyTickets(Refusal):
    """You have many open tickets. Please wait for an answer."""

    code = "too_many_tickets"
    message = _("You have %(count)s open tickets. Please wait for an answer.")


class EmptyMessage(Refusal):
    """Write something."""

    code = "empty_message"
    status = 422
    message = _("Write something.")


class NotStaff(Refusal):
    """Only staff can own a ticket."""

    code = "not_staff"
    status = 422
    message = _("Only staff can own a ticket.")


@transaction.atomic
def open_ticket(
    *,
    member_id: int,
    kind: str,
    subject: str,
    text: str,
    order_id: int | None = None,
    actor: User | None = None,
    now: datetime,
) -> Ticket:
    """Open a ticket with its first message, in the member's words.

    Args:
        member_id: who asks.
        kind: one of ``Ticket.Kind``; sets until when an answer is due.
        subject: at most 160 characters.
        text: at most 4,000 characters.
        order_id: the member's own order it is about; the caller has checked that.
        actor: the staff login that wrote it down for the member.
        now: when, aware.

    Raises:
        EmptyMessage: subject or text is empty.
        TooManyTickets: the member has 20 unsolved tickets already.
    """
    if not subject.strip() or not text.strip():
        raise EmptyMessage
    # The member's row is the lock that makes counting safe.
    Member.objects.select_for_update().get(pk=member_id)
    unsolved = Ticket.objects.filter(member_id=member_id).exclude(
        state=Ticket.State.SOLVED
    )
    if unsolved.count() >= MOST_OPEN:
        raise TooManyTickets(count=MOST_OPEN)
    ticket = Ticket.objects.create(
        member_id=member_id,
        order_id=order_id,
        kind=kind,
        subject=subject.strip(),
        created_at=now,
        due_at=answer_due(kind, asked_at=now),
    )
    _say(ticket, text, is_from_member=True, now=now)
    if actor is not None:
        record_audit(actor=actor, action="care.open", obj=ticket, now=now)
    return ticket


@transaction.atomic
def reply_as_member(*, ticket_id: int, text: str, now: datetime) -> TicketMessage:
    """Add the member's words; a ticket that waited or was solved is open again.

    Raises:
        EmptyMessage: nothing was said.
    """
    ticket = Ticket.objects.select_for_update().get(pk=ticket_id)
    message = _say(ticket, text, is_from_member=True, now=now)
    if ticket.state != Ticket.State.OPEN:
        ticket.state = Ticket.State.OPEN
        ticket.due_at = answer_due(ticket.kind, asked_at=now)
        ticket.solved_at = None
        ticket.save(update_fields=["state", "due_at", "solved_at"])
    return message


@transaction.atomic
def reply_as_staff(
    *,
    ticket_id: int,
    text: str,
    author: User,
    is_private: bool = False,
    now: datetime,
) -> TicketMessage:
    """Answer the member, or leave a note that only staff see.

    An answer puts the ticket to waiting for the member; who answers first owns it.
    A note changes nothing else.

    Raises:
        EmptyMessage: nothing was said.
    """
    ticket = Ticket.objects.select_for_update().get(pk=ticket_id)
    message = _say(
        ticket,
        text,
        is_from_member=False,
        is_private=is_private,
        author=author,
        now=now,
    )
    if not is_private:
        ticket.state = Ticket.State.WAITING
        ticket.owner_id = ticket.owner_id or author.pk
        ticket.solved_at = None
        ticket.save(update_fields=["state", "owner", "solved_at"])
    return message


@transaction.atomic
def assign_ticket(
    *, ticket_id: int, owner: User | None, actor: User, now: datetime
) -> Ticket:
    """Hand a ticket to somebody of the staff, or back to the queue.

    Raises:
        NotStaff: the new owner is no active staff login.
    """
    if owner is not None and not (owner.is_staff and owner.is_active):
        raise NotStaff
    ticket = Ticket.objects.select_for_update().get(pk=ticket_id)
    if ticket.owner_id == (owner.pk if owner else None):
        return ticket
    ticket.owner = owner
    ticket.save(update_fields=["owner"])
    detail = {"owner": owner.get_username() if owner else None}
    record_audit(actor=actor, action="care.assign", obj=ticket, detail=detail, now=now)
    return ticket


@transaction.atomic
def solve_ticket(*, ticket_id: int, actor: User, now: datetime) -> Ticket:
    """Close a ticket; the member can open it again by writing."""
    ticket = Ticket.objects.select_for_update().get(pk=ticket_id)
    if ticket.state == Ticket.State.SOLVED:
        return ticket
    ticket.state = Ticket.State.SOLVED
    ticket.solved_at = now
    ticket.save(update_fields=["state", "solved_at"])
    record_audit(actor=actor, action="care.solve", obj=ticket, now=now)
    return ticket


def _say(ticket: Ticket, text: str, *, now: datetime, **who) -> TicketMessage:
    if not text.strip():
        raise EmptyMessage
    return TicketMessage.objects.create(
        ticket=ticket, text=text.strip(), created_at=now, **who
    )
