"""What reports do when something happened."""

from datetime import datetime
from typing import Any

from crm.reports.services.rollups import refresh_day_of_order, refresh_rollups


def refresh_after_import(payload: dict[str, Any], *, fact: Any, now: datetime) -> None:
    """Compute every day anew: a file of past orders may touch any of them."""
    refresh_rollups(now=now)


def refresh_after_late_order(
    payload: dict[str, Any], *, fact: Any, now: datetime
) -> None:
    """OrderPaid: an order of long ago that another system told of only now."""
    refresh_day_of_order(order_id=payload["order_id"], now=now)
