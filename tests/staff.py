"""Who works in the console, signed in as the console asks for it."""

from django.contrib.auth.models import Group
from django.test import Client

from crm.console.services.roles import sync_roles
from members.models import User
from tests.cast import make_user

_BACKEND = "django.contrib.auth.backends.ModelBackend"


def client_of(user: User) -> Client:
    """Return a client signed in with a password, without a second factor."""
    client = Client()
    client.force_login(user, backend=_BACKEND)
    return client


def client_in_role(role: str) -> Client:
    """Return a client of a new member of staff who has this role alone, or none."""
    sync_roles()
    user = make_user(f"staff-{role}".replace(" ", "-"), is_staff=True)
    user.groups.set(Group.objects.filter(name=role))
    return client_of(user)
