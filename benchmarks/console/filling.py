"""Fill the shop of the environment: ``python -m benchmarks.console.filling 1000``."""

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


def fill_shop(members: int) -> None:
    """Write ``members`` members, all they leave behind, and the login that looks."""
    now = datetime.now(UTC)
    fill(members=members, entries=3 * members, orders=2 * members, now=now)
    leave_traces(members=members, now=now)
    plain_copy(members)
    with connection.cursor() as cursor:
        cursor.execute("VACUUM")
    User.objects.create(username=LOGIN, is_staff=True, is_superuser=True)


if __name__ == "__main__":
    fill_shop(int(sys.argv[1]))
