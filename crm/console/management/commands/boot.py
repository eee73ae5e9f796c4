"""Make a shop ready to open: tables, roles, and in a new demo the demo shop."""

from io import StringIO
from pathlib import Path

from django.conf import settings
from django.core.management import call_command, get_commands
from django.core.management.base import BaseCommand, CommandError
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from crm.console.demo.logins import LOGINS, PASSWORD, SERVER_KEY
from crm.shared.folded_migrations import how_to_mend, missing_of_folds


class Command(BaseCommand):
    """Migrate, then roles, then the demo; skips what has nothing to do."""

    help = "Make the shop ready to open: migrate, roles, and the demo if it is empty."
    requires_system_checks = ()

    def add_arguments(self, parser):
        """Say where the pages will be, and where to write the table of logins."""
        parser.add_argument("--base-url", default="http://127.0.0.1:8000")
        parser.add_argument("--table", type=Path, help="file for the table of logins")
        parser.add_argument("--reset-demo", action="store_true", help="a new demo shop")
        parser.add_argument("--print-logins", action="store_true", help="and no more")

    def handle(self, *args, base_url, table, reset_demo, print_logins, **options):
        """Do it in the one order that works."""
        addresses = table_of_addresses(base_url)
        if print_logins:
            self.stdout.write(addresses)
            return
        migrated = self._migrate()
        self._check_trigrams()
        known = get_commands()
        if "sync_roles" in known and (migrated or not self._has_roles()):
            call_command("sync_roles", verbosity=0, stdout=StringIO())
            self.stdout.write(" ✓ roles and permissions")
        if "seed_demo" in known and settings.ENVIRONMENT == "demo":
            how = {"reset": True} if reset_demo else {"if_empty": True}
            call_command("seed_demo", **how, stdout=self.stdout)
        if table:
            table.write_text(addresses, encoding="utf-8")

    def _migrate(self) -> bool:
        """Run what migrations are open; tell whether there were any."""
        executor = MigrationExecutor(connection)
        applied = executor.recorder.applied_migrations()
        missing = missing_of_folds(executor.loader, applied)
        if missing:
            raise CommandError(how_to_mend(missing))
        plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
        if plan:
            call_command("migrate", verbosity=0, interactive=False, skip_checks=True)
            self.stdout.write(f" ✓ {len(plan)} migrations")
        return bool(plan)

    def _has_roles(self) -> bool:
        with connection.cursor() as cursor:
            cursor.execute("SELECT EXISTS (SELECT 1 FROM auth_group)")
            return cursor.fetchone()[0]

    def _check_trigrams(self) -> None:
        """Refuse a database whose locale finds no trigrams in Chinese names."""
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1 FROM pg_extension WHERE extname = 'pg_trgm'")
            if not cursor.fetchone():
                return
            cursor.execute("SELECT show_trgm('张伟') <> '{}'")
            if not cursor.fetchone()[0]:
                raise CommandError(
                    "This database cannot search Chinese names: create it with "
                    "ENCODING 'UTF8' LC_CTYPE 'C.UTF-8' (or another UTF-8 locale)."
                )


def table_of_addresses(base_url: str) -> str:
    """Return what a visitor needs: addresses, and in a demo the logins."""
    demo = settings.ENVIRONMENT == "demo"
    rows = [("Console", f"{base_url}/admin/", "", "")]
    if demo:
        staff = [(login.job, f"{login.username} / {PASSWORD}") for login in LOGINS]
        rows[0] = (*rows[0][:2], *staff[0])
        rows += [("", "", job, account) for job, account in staff[1:]]
    rows.append(("API", f"{base_url}/api/storefront/v1/schema", "", ""))
    if demo:
        address = f"{base_url}/api/server/v1/schema"
        rows.append(("Server API", address, "key", SERVER_KEY))
    first, second, third = (max(width(row[n]) for row in rows) + 2 for n in range(3))
    return "".join(
        f"  {pad(a, first)}{pad(b, second)}{pad(c, third)}{d}".rstrip() + "\n"
        for a, b, c, d in rows
    )


def width(text: str) -> int:
    """Return how many columns a terminal gives ``text``; Chinese takes two each."""
    return sum(2 if ord(sign) >= 0x2E80 else 1 for sign in text)


def pad(text: str, columns: int) -> str:
    """Fill ``text`` up to ``columns`` of the terminal."""
    return text + " " * (columns - width(text))
