"""Check a statement of points that somebody brings."""

from pathlib import Path

from django.core.management.base import BaseCommand, CommandError

from loyalty.services.stating import Verdict, check_statement

_SAID = {
    Verdict.CHANGED: "It is not as this shop wrote it.",
    Verdict.UNSIGNED: "It bears no signature of a statement.",
    Verdict.UNKNOWN_KEY: "It is signed by a key that is not here.",
}


class Command(BaseCommand):
    """Tell whether a file is a statement of this shop; exit 1 where it is not."""

    help = "Check that a statement of points is ours and unchanged."

    def add_arguments(self, parser):
        """Take the file."""
        parser.add_argument("file", type=Path)

    def handle(self, *args, **options):
        """Print the verdict."""
        try:
            file = options["file"].read_bytes()
        except OSError as fault:
            raise CommandError(f"{options['file']} cannot be read.") from fault
        verdict = check_statement(file)
        if verdict is not Verdict.OURS:
            raise CommandError(_SAID[verdict])
        self.stdout.write("It is ours and unchanged.")
