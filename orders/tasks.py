"""Background work of orders. Safe to run twice, at once and out of order."""

from celery import shared_task

from crm.shared import clock
from orders.services.cancelling import release_unpaid
from orders.services.completing import complete_delivered
from orders.services.delivering import deliver_silent
from orders.services.indexing import index_due
from orders.services.pricing_entries import apply_list_prices
from orders.services.reconciling import ask_about_payments as ask_about_due_payments
from orders.services.returning import send_due_refunds


@shared_task
def release_unpaid_orders() -> int:
    """Cancel what was not paid in time, batch by batch."""
    now, total = clock.now(), 0
    while released := release_unpaid(now=now):
        total += released
    return total


@shared_task
def deliver_silent_shipments() -> int:
    """Count parcels nobody spoke of as delivered, batch by batch."""
    now, total = clock.now(), 0
    while delivered := deliver_silent(now=now):
        total += delivered
    return total


@shared_task
def complete_delivered_orders() -> int:
    """Complete what was delivered long enough ago, batch by batch."""
    now, total = clock.now(), 0
    while completed := complete_delivered(now=now):
        total += completed
    return total


@shared_task
def send_refunds() -> int:
    """Ask payment providers for what is due."""
    return send_due_refunds(now=clock.now())


@shared_task
def apply_due_list_prices() -> int:
    """Give SKUs the list prices whose time has come."""
    return apply_list_prices(now=clock.now())


@shared_task
def index_changed_products() -> int:
    """Write the words of products that changed, piece by piece."""
    total = 0
    while indexed := index_due():
        total += indexed
    return total


@shared_task
def ask_about_payments() -> int:
    """Ask payment providers what became of payments they told nothing about."""
    return ask_about_due_payments(now=clock.now())
