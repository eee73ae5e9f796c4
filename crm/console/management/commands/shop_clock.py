"""Show or move the clock of a demo or test shop."""

import re
from datetime import timedelta

from django.core.management.base import BaseCommand, CommandError

from crm.console.services.time_machine import travel
from crm.shared.clock import now, offset
from crm.shared.errors import Refusal

_UNITS = {"d": "days", "h": "hours", "m": "minutes"}


class Command(BaseCommand):
    """``shop_clock show`` or ``shop_clock advance 30d``."""

    help = "Show the shop's time, or move it forward (demo and test shops only)."

    def add_arguments(self, parser):
        """Declare the verbs."""
        verbs = parser.add_subparsers(dest="verb")
        verbs.add_parser("show", help="print the shop's time")
        move = verbs.add_parser("advance", help="move the clock forward")
        move.add_argument("by", help="such as 30d, 12h or 15m")

    def handle(self, *, verb=None, by="", **options):
        """Move the clock if asked to, say what that brought about, print the time."""
        if verb == "advance":
            try:
                events = travel(by=_delta(by), now=now())
            except Refusal as refusal:
                raise CommandError(str(refusal)) from refusal
            self.stdout.write(str(events))
        self.stdout.write(f"{now().isoformat(timespec='seconds')} (+{offset()})")


def _delta(text: str) -> timedelta:
    match = re.fullmatch(r"([0-9]{1,5})([dhm])", text)
    if match is None:
        raise CommandError(f"{text!r} is no period; write 30d, 12h or 15m.")
    return timedelta(**{_UNITS[match[2]]: int(match[1])})
