"""Put every login under the newest index key."""

from django.core.management.base import BaseCommand

from members.services.correcting import renew_aliases


class Command(BaseCommand):
    """Run after ``rotate_keys``, before an old index key is dropped."""

    help = "Put every login under the alias of the newest index key."

    def handle(self, *args, **options):
        """Move them and say how many."""
        moved = renew_aliases()
        self.stdout.write(f"{moved} logins now stand under the newest index key.")
