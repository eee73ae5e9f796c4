"""What the service desk moves when two members become one."""

from crm.care.models import Ticket
from members.services.movers import Key, Merger


class CareMerger(Merger):
    """Tickets go over with their conversations."""

    name = "care"
    keys = (Key(Ticket, "member"),)
