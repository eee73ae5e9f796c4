"""Tables of the service desk."""

from crm.care.models.ticket import Ticket, TicketMessage

__all__ = ["Ticket", "TicketMessage"]
