"""Plants the staff logins, each in the group of its role."""

from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import Group

from crm import wiring
from crm.console.demo.logins import LOGINS, PASSWORD, SERVER_KEY
from crm.console.demo.shop import DemoShop
from crm.shared.server_keys import make_server_key
from members.models import User


def plant(shop: DemoShop) -> None:
    """Write one login per role, and a server key; ``admin`` may do everything."""
    groups = {group.name: group for group in Group.objects.all()}
    secret = make_password(PASSWORD)
    for login in LOGINS:
        user = User.objects.create(
            username=login.username,
            first_name=login.name,
            password=secret,
            is_staff=True,
            is_superuser=login.username == "admin",
            date_joined=shop.now,
        )
        user.groups.add(groups[login.role])
    make_server_key(
        name="Demo",
        scopes=wiring.SERVER_SCOPES,
        actor="seed_demo",
        secret=SERVER_KEY,
        now=shop.now,
    )
