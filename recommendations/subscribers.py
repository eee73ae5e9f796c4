"""What recommendations do when something happened below."""

from datetime import datetime

from crm.shared.models import Fact
from recommendations.services.learning import learn_from_orders


def learn_from_import(payload: dict, *, fact: Fact, now: datetime) -> None:
    """OrdersImported: learn from the orders that came in."""
    learn_from_orders(now=now)
