"""Put the built-in roles into the database."""

from django.contrib.auth.models import Group, Permission
from django.db import transaction

from crm.console.rules.roles import ROLES


class UnknownPermission(LookupError):
    """A role names a permission that no model has."""


@transaction.atomic
def sync_roles() -> dict[str, int]:
    """Make every built-in role hold exactly its permissions.

    Groups of other names are left alone. Running it again changes nothing.

    Returns:
        Role -> number of permissions.

    Raises:
        UnknownPermission: ``crm.console.rules.roles`` has a typing error; nothing
            was changed.
    """
    known = {
        f"{permission.content_type.app_label}.{permission.codename}": permission
        for permission in Permission.objects.select_related("content_type")
    }
    counts = {}
    for name, wanted in ROLES.items():
        missing = sorted(set(wanted) - known.keys())
        if missing:
            raise UnknownPermission(f"{name}: {', '.join(missing)}")
        group, _made = Group.objects.get_or_create(name=name)
        group.permissions.set([known[code] for code in sorted(set(wanted))])
        counts[name] = len(set(wanted))
    return counts
