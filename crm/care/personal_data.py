"""What is kept about members by the service desk: what they said and were told."""

from datetime import datetime
from functools import partial

from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from crm.care.models import Ticket, TicketMessage
from crm.shared.personal_data import PersonalData, Table, clear_columns, holding
from crm.shared.retention import Rule

_KEEP_DAYS = 3 * 365


def _old_subjects(kept_from: datetime) -> QuerySet:
    """Return tickets solved long ago that still have a subject."""
    solved = Ticket.objects.filter(state=Ticket.State.SOLVED, solved_at__lt=kept_from)
    return holding(solved, ["subject"])


def _old_texts(kept_from: datetime) -> QuerySet:
    """Return messages of tickets solved long ago that still say something."""
    said = TicketMessage.objects.filter(
        ticket__state=Ticket.State.SOLVED, ticket__solved_at__lt=kept_from
    )
    return holding(said, ["text"])


class CareData(PersonalData):
    """Tickets stay, to be counted; every word in them goes."""

    tables = (
        Table(
            "care.TicketMessage",
            "ticket__member",
            cleared="text",
            kept="is_from_member created_at",
            plain="public_id ticket author is_private",
            beside="ticket__public_id",
        ),
        Table(
            "care.Ticket",
            "member",
            cleared="subject",
            kept="public_id kind state created_at solved_at",
            plain="member order owner due_at",
        ),
    )

    retention = (
        Rule(
            "care.ticket_messages",
            _("conversations of solved tickets"),
            _KEEP_DAYS,
            _old_texts,
            _("emptied"),
            partial(clear_columns, names=["text"]),
        ),
        Rule(
            "care.tickets",
            _("subjects of solved tickets"),
            _KEEP_DAYS,
            _old_subjects,
            _("emptied"),
            partial(clear_columns, names=["subject"]),
        ),
    )
