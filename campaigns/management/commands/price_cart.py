"""The pricing engine on the command line; needs no database."""

import json
import sys
from argparse import ArgumentParser, FileType
from typing import TextIO

from django.core.management.base import BaseCommand, CommandError

from campaigns.rules.wire.cases import answer_case
from campaigns.rules.wire.pricing import EngineFailed


class Command(BaseCommand):
    """Prices cases: one JSON object a line in, one answer a line out."""

    help = (
        "Price carts given as JSON lines in the wire format of "
        "docs/algorithms/wire.md, without a database."
    )
    requires_system_checks: list[str] = []
    requires_migrations_checks = False

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Read a file, or what is piped in."""
        parser.add_argument(
            "cases",
            nargs="?",
            default="-",
            type=FileType("r", encoding="utf-8"),
            metavar="FILE",
            help="JSON lines; - is standard input",
        )

    def handle(self, *, cases: TextIO, **_options: object) -> None:
        """Answer each line as it comes.

        Raises:
            CommandError: a line is no JSON, or the engine broke on some cases: their
                answers have ``error``; the others stand.
        """
        failed = 0
        for number, line in enumerate(cases, start=1):
            if not line.strip():
                continue
            try:
                # Figures as written: 17.50 never becomes a binary fraction.
                case = json.loads(line, parse_float=str)
            except json.JSONDecodeError as bad:
                raise CommandError(f"Line {number} is no JSON: {bad}") from bad
            case = case if isinstance(case, dict) else {"given": case}
            try:
                told = answer_case(case)
            except EngineFailed as defect:
                told = {"id": case.get("id"), "error": str(defect)}
                failed += 1
            self.stdout.write(json.dumps(told, ensure_ascii=False))
        if cases is not sys.stdin:
            cases.close()
        if failed:
            raise CommandError(f"The engine failed on {failed} cases; see error.")
