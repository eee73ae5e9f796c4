"""Check the points ledger from the command line."""

from django.core.management.base import BaseCommand, CommandError

from loyalty.services.verification import verify_ledger


class Command(BaseCommand):
    """Compare entries, lots, holds and balances; exit 1 on any difference."""

    help = "Check that points entries, lots, holds and balances agree."

    def handle(self, *args, **options):
        """Print one sentence per difference."""
        verified = verify_ledger()
        for finding in verified.findings:
            self.stderr.write(finding)
        if verified.findings:
            raise CommandError(f"{len(verified.findings)} differences in the ledger.")
        self.stdout.write(
            f"{verified.accounts} accounts and {verified.entries} entries agree."
        )
