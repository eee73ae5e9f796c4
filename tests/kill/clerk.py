"""Run inside a house under test: does deeds of the ledger by their services, in order.

Usage: ``clerk.py FILE``, a JSON list of deeds. Prints the number of each that is done.
It may be killed at any moment and started again with what is left.
"""

import json
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import django  # noqa: E402

django.setup()

from django.db import Error, connection  # noqa: E402

from crm.shared.errors import Refusal  # noqa: E402
from loyalty.models import PointsEntry, Subscription  # noqa: E402
from loyalty.services.holding import (  # noqa: E402
    capture_hold,
    hold_points,
    release_hold,
)
from loyalty.services.renewing import renew_plan  # noqa: E402
from loyalty.services.revoking import reinstate_points  # noqa: E402

#: A renewal that was cut off is tried again after so many days.
_DAYS_BETWEEN = 3


def hold(deed: dict, now: datetime) -> dict | None:
    """Reserve points, then spend all or half of them, or let them go."""
    source = f"clerk:{deed['number']}"
    hold_points(member_id=deed["member"], points=deed["points"], source=source, now=now)
    if deed["spend"]:
        entry = capture_hold(source=source, points=deed["spend"], now=now)
        return told(entry)
    release_hold(source=source, now=now)
    return None


def reinstate(deed: dict, now: datetime) -> dict:
    """Bring points back that expired."""
    return told(
        reinstate_points(entry_id=deed["entry"], reason="kill", actor="test", now=now)
    )


def renew(deed: dict, now: datetime) -> None:
    """Renew a plan that is over; what was cut off, some days later."""
    for attempt in range(3):
        renew_plan(
            subscription_id=deed["subscription"],
            now=now + timedelta(days=attempt * _DAYS_BETWEEN),
        )
        held = Subscription.objects.select_related("renewal").get(
            pk=deed["subscription"]
        )
        if held.renewal is not None and held.renewal.paid_at is not None:
            return
    raise AssertionError(f"{held} was not renewed.")


def told(entry: PointsEntry) -> dict:
    """Return an entry as the judge wants it."""
    return {
        "account": entry.account_id,
        "kind": entry.kind,
        "source": entry.source,
        "points": entry.points,
    }


DEEDS = {"hold": hold, "reinstate": reinstate, "renew": renew}


def insist(deed: dict) -> dict | None:
    """Do a deed until the database answers; a refusal is an answer."""
    while True:
        try:
            return DEEDS[deed["kind"]](deed, datetime.now(UTC))
        except Refusal:
            return None
        except Error:
            connection.close()
            time.sleep(0.2)


for each in json.loads(Path(sys.argv[1]).read_text()):
    # So that every fault finds somebody at work.
    time.sleep(0.05)
    print(json.dumps({"number": each["number"], "entry": insist(each)}), flush=True)
