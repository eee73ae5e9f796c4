"""Plant the demo shop."""

import time

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import connection

from crm.console.demo.planting import plant_shop
from crm.console.demo.shop import SIZES
from crm.shared import clock
from members.models import Member
from orders.models import Order


class Command(BaseCommand):
    """Fill an empty shop with 小满生活 / Xiaoman Living, or start it over."""

    help = "Plant the demo shop. Refuses to touch a shop that has members."

    def add_arguments(self, parser):
        """Name the size, the language and the seed."""
        parser.add_argument("--size", choices=SIZES, default="s")
        parser.add_argument("--lang", choices=["zh", "en"], default="zh")
        parser.add_argument("--seed", type=int, default=42)
        parser.add_argument(
            "--if-empty", action="store_true", help="Do nothing if there are members."
        )
        parser.add_argument(
            "--reset", action="store_true", help="Delete everything in the shop first."
        )

    def handle(self, *args, **options):
        """Plant, and say what there is now."""
        if settings.IS_PRODUCTION:
            raise CommandError(
                "This is a production shop (CRM_ENVIRONMENT). The demo shop is only "
                "planted where CRM_ENVIRONMENT is demo or test."
            )
        if options["reset"]:
            self._start_over()
        elif Member.objects.exists():
            if options["if_empty"]:
                return
            raise CommandError(
                "This shop already has members. Use --reset to delete everything and "
                "plant the demo shop, or --if-empty to leave it alone."
            )
        started = time.monotonic()
        plant_shop(
            size=options["size"],
            language=options["lang"],
            seed=options["seed"],
            now=clock.now(),
            say=self._say if options["verbosity"] > 1 else lambda text: None,
        )
        self.stdout.write(
            f' ✓ demo shop "小满生活 / Xiaoman Living"  '
            f"{Member.objects.count():,} members · {Order.objects.count():,} orders  "
            f"{time.monotonic() - started:.1f} s"
        )

    def _say(self, text: str) -> None:
        self.stdout.write(f"   {text}")

    def _start_over(self) -> None:
        """Empty the database; ledgers refuse to be emptied row by row."""
        with connection.cursor() as cursor:
            cursor.execute("DROP SCHEMA public CASCADE")
            cursor.execute("CREATE SCHEMA public")
        call_command("migrate", verbosity=0)
        call_command("sync_roles", verbosity=0)
