"""Put the built-in roles back to what they should be."""

from django.core.management.base import BaseCommand

from crm.console.services.roles import sync_roles


class Command(BaseCommand):
    """Door to ``crm.console.services.roles``."""

    help = "Make every built-in role hold exactly its permissions."

    def handle(self, *args, **options):
        """Sync and say what each role holds."""
        for name, count in sync_roles().items():
            self.stdout.write(f"{name}: {count}")
