"""Bring in a file of past orders."""

import sys
import time
from pathlib import Path

from django.core.management.base import BaseCommand, CommandError
from django.utils.translation import gettext as _

from crm.shared.clock import now
from crm.shared.errors import Refusal
from orders.services.importing import (
    PROFILES,
    ImportSummary,
    import_orders,
    issues_of,
)
from orders.services.importing_report import write_report

_BAR_WIDTH = 30
_SECONDS_BETWEEN_BARS = 0.2
_SECONDS_BETWEEN_LINES = 5.0


class Command(BaseCommand):
    """``import_orders FILE --profile online-retail``; see docs/how-to/import-orders."""

    help = "Bring in a file of past orders. Run it again to go on after a stop."

    def add_arguments(self, parser):
        """Declare what the command takes."""
        parser.add_argument("file", help="CSV, gzipped CSV or XLSX")
        parser.add_argument("--profile", required=True, help=", ".join(PROFILES))
        parser.add_argument("--currency", default="", help="must be the shop's")
        parser.add_argument("--report", help="CSV file to write odd rows to")
        parser.add_argument(
            "--dry-run", action="store_true", help="do everything, then undo it"
        )

    def handle(self, *args, **options):
        """Import, then say what was done; one sentence and exit 1 if refused."""
        report = Path(options["report"]) if options["report"] else None
        if report and not report.absolute().parent.is_dir():
            raise CommandError(_("There is no folder %s.") % report.parent)
        started = time.monotonic()
        bar = _Bar(self.stderr)
        try:
            summary = import_orders(
                path=Path(options["file"]),
                profile=options["profile"],
                currency=options["currency"],
                dry_run=options["dry_run"],
                now=now(),
                progress=bar,
            )
        except Refusal as refusal:
            bar.end()
            raise CommandError(str(refusal)) from None
        except KeyboardInterrupt:
            bar.end()
            raise CommandError(
                _("Stopped. The same command goes on from here."), returncode=130
            ) from None
        bar.end()
        self._tell(summary, options["dry_run"])
        if report:
            self._report(report, summary, options["dry_run"])
        self.stdout.write(
            _("%(seconds).1f s, at most %(megabytes)d MB of memory.")
            % {"seconds": time.monotonic() - started, "megabytes": _peak_megabytes()}
        )

    def _tell(self, summary: ImportSummary, dry_run: bool) -> None:
        if summary.is_repeat:
            self.stdout.write(_("This file was already imported: 0 changes."))
        elif dry_run:
            self.stdout.write(_("Dry run: nothing was written. It would have been:"))
        self.stdout.write(
            _("%(read)d rows read = %(stored)d stored + %(reported)d reported.")
            % {
                "read": summary.rows_read,
                "stored": summary.rows_stored,
                "reported": summary.rows_reported,
            }
        )
        for what, count in summary.counts.items():
            self.stdout.write(f"  {what:18}{count:>9,}")

    def _report(self, path: Path, summary: ImportSummary, dry_run: bool) -> None:
        issues = summary.issues if dry_run else issues_of(summary.batch_id)
        try:
            # A byte order mark lets spreadsheets see that it is UTF-8.
            with path.open("w", encoding="utf-8-sig", newline="") as file:
                count = write_report(issues, file=file)
        except OSError as error:
            raise CommandError(f"{path}: {error.strerror}") from None
        self.stdout.write(
            _("%(count)d remarks in %(file)s.") % {"count": count, "file": path}
        )


class _Bar:
    """A bar on a terminal, a plain line now and then elsewhere."""

    def __init__(self, out):
        self.out = out
        self.is_terminal = out.isatty()
        self.started = time.monotonic()
        self.shown = 0.0

    def advance(self, *, done: int, total: int, message: str) -> None:
        """Show how far it is, how fast it goes and how long it will take."""
        at = time.monotonic()
        pause = _SECONDS_BETWEEN_BARS if self.is_terminal else _SECONDS_BETWEEN_LINES
        if at - self.shown < pause:
            return
        self.shown = at
        rate = done / max(at - self.started, 0.001)
        left = max(0, total - done) / rate if rate else 0
        share = done / total if total else 1
        numbers = _("%(percent)3d %%  %(rate)d rows/s  %(left)d s left  %(what)s") % {
            "percent": share * 100,
            "rate": rate,
            "left": left,
            "what": message,
        }
        if self.is_terminal:
            full = round(share * _BAR_WIDTH)
            bar = "█" * full + "░" * (_BAR_WIDTH - full)
            self.out.write(f"\r\x1b[K{bar} {numbers}", ending="")
            self.out.flush()
        else:
            self.out.write(numbers)

    def end(self) -> None:
        """Leave the terminal's line."""
        if self.is_terminal and self.shown:
            self.out.write("\r\x1b[K", ending="")


def _peak_megabytes() -> int:
    """Return the most memory this process ever held, in 10^6 bytes, 0 if unknown."""
    if not sys.platform.startswith("linux"):
        return 0
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024 // 1_000_000
    return 0
