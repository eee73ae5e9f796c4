"""Background doors of recommendations."""

from celery import shared_task

from crm.shared import clock
from recommendations.services.learning import learn_from_orders


@shared_task
def learn() -> int:
    """Learn from all orders, nightly; return how many pairs are known now."""
    return learn_from_orders(now=clock.now()).pairs
