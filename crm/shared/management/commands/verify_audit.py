"""Check that nobody changed the audit trail."""

from datetime import timedelta

from django.core.management.base import BaseCommand, CommandError

from crm.shared.audit import Head, audit_head, find_tampering, seal_audit
from crm.shared.clock import now


class Command(BaseCommand):
    """Compute the audit chain again; fail with one sentence per finding."""

    help = "Verify the audit chain. Prints the head to keep elsewhere."

    def add_arguments(self, parser):
        """Declare the options."""
        parser.add_argument(
            "--expect-head",
            metavar="HEX:POSITION",
            help="a head printed earlier; shows whether the end was cut off",
        )
        parser.add_argument(
            "--unsealed-minutes",
            type=int,
            default=10,
            help="how long an entry may wait for its seal (default 10)",
        )
        parser.add_argument(
            "--seal", action="store_true", help="first seal every entry that waits"
        )

    def handle(self, *, expect_head, unsealed_minutes, seal, **options):
        """Print the findings, or the head when there are none."""
        try:
            expected = Head.parse(expect_head) if expect_head else None
        except ValueError:
            raise CommandError("--expect-head is written HEX:POSITION.") from None
        if seal:
            seal_audit(now=now(), everything=True)
        findings = 0
        for finding in find_tampering(
            now=now(),
            expected=expected,
            unsealed_for=timedelta(minutes=unsealed_minutes),
        ):
            findings += 1
            self.stderr.write(finding)
        if findings:
            raise CommandError(f"The audit trail is not as it was written: {findings}.")
        self.stdout.write(str(audit_head()))
