"""Apply the retention rules from the command line."""

from django.core.management.base import BaseCommand, CommandError

from crm.shared.clock import now
from members.services.retaining import apply_retention, retention_rules


class Command(BaseCommand):
    """End what was kept long enough, or only say how much that would be."""

    help = "Delete or clear personal data that was kept long enough."

    def add_arguments(self, parser):
        """Declare the options."""
        parser.add_argument(
            "--dry-run", action="store_true", help="count the rows, change nothing"
        )

    def handle(self, *, dry_run, **options):
        """Print one line per rule; exit 1 when a rule failed."""
        counts = apply_retention(now=now(), dry_run=dry_run).counts
        verb = "would be" if dry_run else "were"
        for rule in retention_rules():
            self.stdout.write(
                f"{rule.code}: {counts[rule.code]} rows older than {rule.days} days "
                f"{verb} {rule.fate}."
            )
        failed = [code for code, rows in counts.items() if rows < 0]
        if failed:
            raise CommandError(f"Failed, see the log: {', '.join(failed)}.")
