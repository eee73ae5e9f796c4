"""Bring the secrets of second factors to the newest encryption key."""

from django.core.management.base import BaseCommand

from members.services.second_factors import renew_second_factors


class Command(BaseCommand):
    """Run after ``rotate_keys``, before an old encryption key is dropped."""

    help = "Encrypt the secrets of second factors with the newest key."

    def handle(self, *args, **options):
        """Rewrite them and say how many."""
        renewed = renew_second_factors()
        self.stdout.write(f"{renewed} second factors now stand under the newest key.")
