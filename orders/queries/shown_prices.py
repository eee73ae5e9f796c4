"""What the catalogue says a SKU costs whoever asks."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q

from orders.models import Price, Variant
from orders.rules.prices import PriceEntry, best_price, list_price


@dataclass(frozen=True, slots=True)
class ShownPrice:
    """In minor units; ``was_minor`` only where the price is below the list price."""

    amount_minor: int
    kind: str
    list_minor: int

    @property
    def was_minor(self) -> int | None:
        """The list price, where this one is lower."""
        return self.list_minor if self.amount_minor < self.list_minor else None


def shown_prices(
    *, variants: Iterable[Variant], audiences: Collection[str] = (), at: datetime
) -> dict[int, ShownPrice]:
    """Return variant id -> price for a buyer of these audiences, in one statement."""
    variants = list(variants)
    entries: dict[int, list[PriceEntry]] = {variant.pk: [] for variant in variants}
    rows = Price.objects.filter(
        Q(ends_at__isnull=True) | Q(ends_at__gt=at),
        variant__in=variants,
        starts_at__lte=at,
        audience__in=["", *audiences],
    )
    for row in rows:
        entries[row.variant_id].append(entry_of(row))
    return {
        variant.pk: _shown(variant, entries[variant.pk], audiences, at)
        for variant in variants
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


def _shown(
    variant: Variant,
    entries: list[PriceEntry],
    audiences: Collection[str],
    at: datetime,
) -> ShownPrice:
    usual = list_price(entries, at)
    if usual is None:
        # A SKU without a history costs what it says.
        usual = variant.price_minor
        entries = [*entries, PriceEntry(0, "list", "", usual, at, None)]
    best = best_price(entries, audiences, at)
    return ShownPrice(best.amount_minor, best.kind, usual)


def price_history(*, variant_id: int) -> list[Price]:
    """Return every price a SKU had or will have, newest first."""
    prices = Price.objects.filter(variant_id=variant_id)
    return list(prices.order_by("-starts_at", "-id"))
