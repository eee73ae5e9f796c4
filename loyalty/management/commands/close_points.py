"""Close a month of the points books from the command line."""

from django.core.management.base import BaseCommand, CommandError

from crm.shared import clock
from crm.shared.errors import Refusal
from loyalty.rules.closing import month_of
from loyalty.services.closing import close_month


class Command(BaseCommand):
    """Close a month once, in order, after its end; exit 1 when it is not its turn."""

    help = "Close a month of the points books, such as 2026-10."

    def add_arguments(self, parser):
        """Take the month."""
        parser.add_argument("month", metavar="YYYY-MM")

    def handle(self, *args, **options):
        """Close it and print its sums."""
        try:
            month = month_of(options["month"])
        except ValueError as error:
            raise CommandError("Write the month as YYYY-MM.") from error
        try:
            close = close_month(month=month, actor="close_points", now=clock.now())
        except Refusal as refusal:
            raise CommandError(str(refusal)) from refusal
        self.stdout.write(
            f"{close}: {close.opening} points at the beginning, {close.closing} at the"
            f" end, {close.open_points} open, {close.debt} owed."
        )
