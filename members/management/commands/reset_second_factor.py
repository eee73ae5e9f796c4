"""Let a login whose phone and recovery codes are lost come in again."""

from django.core.management.base import BaseCommand, CommandError

from crm.shared.clock import now
from members.models import User
from members.services.second_factors import reset_second_factor


class Command(BaseCommand):
    """For the one owner whom nobody else can help; the audit trail keeps it."""

    help = "Take all second factors off a login and sign it out."

    def add_arguments(self, parser):
        """Declare the options."""
        parser.add_argument("username")
        parser.add_argument("--reason", required=True, help="why, for the audit trail")

    def handle(self, *, username, reason, **options):
        """Reset one login."""
        user = User.objects.filter(username=username).first()
        if user is None:
            raise CommandError(f"There is no login {username!r}.")
        taken = reset_second_factor(
            user_id=user.pk,
            actor="manage.reset_second_factor",
            reason=reason,
            now=now(),
        )
        self.stdout.write(f"{taken} second factors were taken off {username}.")
