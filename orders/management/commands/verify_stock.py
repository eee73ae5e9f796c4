"""Check the stock ledger from the command line."""

from django.core.management.base import BaseCommand, CommandError

from orders.services.verifying_stock import verify_stock


class Command(BaseCommand):
    """Compare the counters of SKUs with their moves; exit 1 on any difference."""

    help = "Check that stock on hand and reserved are the sums of the stock moves."

    def handle(self, *args, **options):
        """Print one sentence per difference."""
        verified = verify_stock()
        for finding in verified.findings:
            self.stderr.write(finding)
        if verified.findings:
            raise CommandError(
                f"{len(verified.findings)} SKUs differ from their moves."
            )
        self.stdout.write(f"{verified.skus} SKUs and {verified.moves} moves agree.")
