"""The pricing engine on the command line; needs no database."""

import json
import sys
from argparse import ArgumentParser, FileType
from codecs import BOM_UTF8
from typing import Any, BinaryIO

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
            type=FileType("rb"),
            metavar="FILE",
            help="JSON lines; - is standard input",
        )

    def handle(self, *, cases: BinaryIO, **_options: object) -> None:
        """Answer each line as it comes; one that is no JSON too.

        Raises:
            CommandError: the engine broke on some cases: their answers have ``error``;
                the others stand.
        """
        failed = 0
        for number, line in enumerate(cases, start=1):
            if not line.strip():
                continue
            told = _answer(line, number)
            failed += "error" in told
            self.stdout.write(_written(told))
        if cases is not sys.stdin.buffer:
            cases.close()
        if failed:
            raise CommandError(f"The engine failed on {failed} cases; see error.")


def _answer(line: bytes, number: int) -> dict[str, Any]:
    """Answer one line, whatever it is."""
    try:
        # Figures as written: 17.50 never becomes a binary fraction.
        case = json.loads(line.removeprefix(BOM_UTF8).decode(), parse_float=str)
    except (ValueError, RecursionError) as bad:
        return {"id": None, "not_expressible": f"Line {number} is no JSON: {bad}"}
    case = case if isinstance(case, dict) else {"given": case}
    try:
        return answer_case(case)
    except EngineFailed as defect:
        return {"id": case.get("id"), "error": str(defect)}


def _written(told: dict[str, Any]) -> str:
    """Return an answer as JSON; half a character, which no encoding has, escaped."""
    text = json.dumps(told, ensure_ascii=False)
    try:
        text.encode()
    except UnicodeEncodeError:
        return json.dumps(told)
    return text
