"""What price tables say a SKU costs, now and before."""

from collections.abc import Collection, Iterable
from datetime import datetime

from orders.models import Price, Variant
from orders.queries.prices import running_prices
from orders.rules.prices import PriceEntry
from orders.rules.unit_prices import UnitPrice, best_price


def tabled_prices(
    *, variants: Iterable[Variant], audiences: Collection[str] = (), at: datetime
) -> dict[int, UnitPrice]:
    """Return variant id -> price for a buyer of these audiences, in one statement.

    Promotions may lower it further; what somebody pays today says
    ``orders.services.showing_prices`` (S24). Those of the past nobody asks again.
    """
    variants = list(variants)
    running = running_prices(variant_ids=[each.pk for each in variants], at=at)
    return {
        each.pk: best_price(
            each.price_minor, running.get(each.pk, ()), frozenset(audiences)
        )
        for each in variants
    }


def entry_of(price: Price) -> PriceEntry:
    """Return a row as the rule of prices reads it."""
    return PriceEntry(
        id=price.pk,
        kind=price.kind,
        audience=price.audience,
        amount_minor=price.amount_minor,
        starts_at=price.starts_at,
        ends_at=price.ends_at,
    )


def price_history(*, variant_id: int) -> list[Price]:
    """Return every price a SKU had or will have, newest first."""
    prices = Price.objects.filter(variant_id=variant_id)
    return list(prices.order_by("-starts_at", "-id"))
