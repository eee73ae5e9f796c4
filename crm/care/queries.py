"""The queues of the service desk."""

from datetime import datetime

from django.db.models import Count, Q, QuerySet

from crm.care.models import Ticket, TicketMessage
from crm.care.rules.deadlines import URGENT

_UNSOLVED = ~Q(state=Ticket.State.SOLVED)


def queues(*, user_id: int, at: datetime) -> dict[str, Q]:
    """Return the filter of each queue, most urgent queue first."""
    waiting_for_us = Q(state=Ticket.State.OPEN)
    return {
        "overdue": waiting_for_us & Q(due_at__lte=at),
        "due_soon": waiting_for_us & Q(due_at__gt=at, due_at__lte=at + URGENT),
        "complaints": _UNSOLVED & Q(kind=Ticket.Kind.COMPLAINT),
        "unassigned": waiting_for_us & Q(owner__isnull=True),
        "mine": _UNSOLVED & Q(owner_id=user_id),
    }


def queue_counts(*, user_id: int, at: datetime) -> dict[str, int]:
    """Return how many tickets are in each queue, in one query."""
    return Ticket.objects.filter(_UNSOLVED).aggregate(
        **{
            name: Count("pk", filter=condition)
            for name, condition in queues(user_id=user_id, at=at).items()
        }
    )


def tickets_in(name: str, *, user_id: int, at: datetime) -> QuerySet[Ticket]:
    """Return the tickets of one queue, the first to be due first."""
    return (
        Ticket.objects.filter(queues(user_id=user_id, at=at)[name])
        .select_related("member", "owner")
        .order_by("due_at", "id")
    )


def tickets_of(member_id: int) -> QuerySet[Ticket]:
    """Return the tickets of one member."""
    return Ticket.objects.filter(member_id=member_id).select_related("order")


def messages_for_member(ticket: Ticket) -> QuerySet[TicketMessage]:
    """Return what the member may read of a conversation: no private notes."""
    return ticket.messages.filter(is_private=False)
