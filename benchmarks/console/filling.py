"""Fill the shop of the environment.

``python -m benchmarks.console.filling 1000 3 2``: a thousand members with three
entries of points and two orders each.
"""

# isort: off
import django

django.setup()
# isort: on

import sys
from datetime import UTC, datetime

from django.db import connection

from benchmarks.console.crowd import fill, plain_copy
from benchmarks.console.traces import leave_traces
from members.models import User

#: Login of who opens the pages.
LOGIN = "bench"


def fill_shop(
    members: int, *, entries: int = 3, orders: int = 2, in_clear: bool = True
) -> None:
    """Write members, all they leave behind, and the login that looks.

    Args:
        members: how many there are.
        entries: movements of points of each.
        orders: purchases for each; a few members buy often, some never.
        in_clear: whether the stock admin gets its copy without encryption.
    """
    now = datetime.now(UTC)
    fill(members=members, entries=entries * members, orders=orders * members, now=now)
    leave_traces(members=members, now=now)
    if in_clear:
        plain_copy(members)
    with connection.cursor() as cursor:
        cursor.execute("VACUUM")
    User.objects.create(username=LOGIN, is_staff=True, is_superuser=True)


if __name__ == "__main__":
    members, entries, orders = map(int, sys.argv[1:])
    fill_shop(members, entries=entries, orders=orders, in_clear=False)
