"""Check stored value from the command line."""

from django.core.management.base import BaseCommand, CommandError

from orders.services.wallet_verification import verify_wallets


class Command(BaseCommand):
    """Compare entries, balances and what is held; exit 1 on any difference."""

    help = "Check that wallets, their entries, holds and gift cards agree."

    def handle(self, *args, **options):
        """Print one sentence per difference."""
        verified = verify_wallets()
        for finding in verified.findings:
            self.stderr.write(finding)
        if verified.findings:
            raise CommandError(f"{len(verified.findings)} differences in wallets.")
        self.stdout.write(
            f"{verified.accounts} wallets and {verified.entries} entries agree."
        )
