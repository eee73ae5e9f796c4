"""Prices that run at a moment: the one place where a quote reads them."""

from collections.abc import Collection, Iterable
from datetime import datetime

from django.conf import settings
from django.db.models import Q

from orders.models import Price, Variant
from orders.rules.floors import floor_of
from orders.rules.unit_prices import PriceOption

#: Of the SKU ``v`` of a statement that knows ``at``: the newest last, as JSON.
RUNNING_PRICES = """(
    SELECT json_agg(
        json_build_array(r.kind, r.audience, r.amount_minor) ORDER BY r.starts_at, r.id
    )
    FROM orders_price r
    WHERE r.variant_id = v.id AND r.starts_at <= %(at)s
      AND (r.ends_at > %(at)s OR r.ends_at IS NULL)
)"""


def options_of(rows: Iterable[Iterable] | None) -> tuple[PriceOption, ...]:
    """Return what ``RUNNING_PRICES`` found."""
    return tuple(PriceOption(*row) for row in rows or ())


def shop_floor(
    minimum_price_minor: int | None, cost_minor: int | None
) -> tuple[int, str]:
    """Return below what no offer brings a unit in this shop (S12); see ``floor_of``."""
    margin_bp = settings.MARGIN_FLOOR_BP
    return floor_of(minimum_price_minor, cost_minor, margin_bp=margin_bp)


def running_prices(
    *, variant_ids: Collection[int], at: datetime
) -> dict[int, tuple[PriceOption, ...]]:
    """Return the prices of some SKUs that run at ``at``, for lines in no cart."""
    running = Price.objects.filter(
        Q(ends_at__gt=at) | Q(ends_at__isnull=True),
        variant_id__in=variant_ids,
        starts_at__lte=at,
    ).order_by("starts_at", "id")
    found: dict[int, tuple[PriceOption, ...]] = {}
    for variant_id, *option in running.values_list(
        "variant_id", "kind", "audience", "amount_minor"
    ):
        found[variant_id] = (*found.get(variant_id, ()), PriceOption(*option))
    return found


def prices_of_audiences(
    marks: str, *, at: datetime
) -> dict[int, tuple[int, tuple[PriceOption, ...]]]:
    """Return list price and running prices of SKUs that cost some audiences less.

    Args:
        marks: how the marks of these audiences begin, such as ``tier:``.
    """
    running = Price.objects.filter(
        Q(ends_at__gt=at) | Q(ends_at__isnull=True), starts_at__lte=at
    ).filter(audience__startswith=marks)
    listed = dict(
        Variant.objects.filter(pk__in=running.values("variant")).values_list(
            "pk", "price_minor"
        )
    )
    options = running_prices(variant_ids=listed, at=at) if listed else {}
    return {pk: (minor, options.get(pk, ())) for pk, minor in listed.items()}
