"""Bring stored personal data to the newest keys."""

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from crm.shared.keyring import (
    ENCRYPTION_VARIABLE,
    INDEX_VARIABLE,
    new_key,
)
from crm.shared.rotation import Rotation, rotate_keys

#: A row overtaken by an edit is tried again; after so many rounds a person looks.
_ROUNDS = 5


class Command(BaseCommand):
    """Re-encrypt what older keys wrote; safe to stop, repeat and run beside work."""

    help = "Re-encrypt personal data and its indexes with the newest keys."

    def add_arguments(self, parser):
        """Declare the options."""
        parser.add_argument(
            "--dry-run", action="store_true", help="count the rows, write nothing"
        )
        parser.add_argument(
            "--reindex",
            action="store_true",
            help="compute every index again, after a normaliser changed",
        )
        parser.add_argument(
            "--new-keys",
            action="store_true",
            help="print a fresh entry for the front of each variable, and stop",
        )

    def handle(self, *, dry_run, reindex, new_keys, **options):
        """Run rounds until nobody overtakes us."""
        if new_keys:
            self._print_new_keys()
            return
        for _round in range(_ROUNDS):
            done = rotate_keys(dry_run=dry_run, reindex=reindex, progress=self._tell)
            if dry_run or not done.overtaken:
                break
        for failure in done.failed:
            self.stderr.write(failure)
        verb = "would be rewritten" if dry_run else "rewritten"
        self.stdout.write(f"{done.seen} rows read, {done.rewritten} {verb}.")
        if done.failed or done.overtaken:
            raise CommandError(
                f"{len(done.failed)} rows failed and {done.overtaken} were changed by "
                "others meanwhile; keep the old keys and run again."
            )

    def _tell(self, label: str, done: Rotation) -> None:
        if done.seen % 10_000 < 200:
            self.stdout.write(f"{label}: {done.seen} read, {done.rewritten} rewritten")

    def _print_new_keys(self) -> None:
        ring = settings.KEYRING
        for variable, numbers in (
            (ENCRYPTION_VARIABLE, ring.keys),
            (INDEX_VARIABLE, ring.index_keys),
        ):
            number = max(numbers) + 1
            if number > 255:
                number = min(set(range(1, 256)) - set(numbers))
            self.stdout.write(f"{variable}={new_key(number)},<the present value>")
