"""What a partial return costs under the policy *re-price* (R6). Writes nothing."""

from collections import defaultdict
from collections.abc import Mapping, Sequence

from django.conf import settings
from django.utils.module_loading import import_string

from crm import wiring
from crm.shared.money import cumulative_share
from orders.models import Allocation, AppliedOffer, Order, OrderLine, Product
from orders.rules.lines import PriceLine, brand_marks
from orders.rules.offers import Offer
from orders.rules.refunds import PaidLine
from orders.rules.repricing import StoredOffer, kept_shares, reprice_loss


def reprice_loss_of(
    order: Order, *, lines: Sequence[PaidLine], items: Mapping[int, int]
) -> int | None:
    """Return what the units that stay cost more alone, from the terms of that day.

    None where the order keeps its prices whatever comes back: that is the default,
    and the law where the order is consumer-protected (R7). Nothing once units were
    exchanged.
    """
    if order.is_protected or settings.CONSUMER_PROTECTED:
        return None
    terms = {
        (offer.source_kind, offer.source_id): offer for offer in order.offers.all()
    }
    if all(offer.on_return == AppliedOffer.OnReturn.KEEP for offer in terms.values()):
        return None
    if any(line.exchanged for line in lines):
        # What was exchanged is kept elsewhere; nobody is worse off for it.
        return 0
    after = {
        line.position: line.refunded_quantity + items.get(line.position, 0)
        for line in lines
    }
    bought = {line.position: line.quantity for line in lines}
    kept = {
        position: bought[position] - units
        for position, units in after.items()
        if bought[position] > units
    }
    if not kept:
        return 0
    kept_net = sum(
        line.net_minor
        - cumulative_share(line.net_minor, after[line.position], line.quantity)
        for line in lines
    )
    return reprice_loss(
        _price_lines(order),
        kept,
        _offers(order, terms, bought, kept),
        kept_net_minor=kept_net,
        at=order.placed_at,
    )


def _price_lines(order: Order) -> list[PriceLine]:
    # Gifts cost nothing and count for nothing (S16).
    lines = OrderLine.objects.filter(order=order, gift_of__isnull=True).select_related(
        "variant__product__category"
    )
    return [
        PriceLine(
            position=line.position,
            variant_id=line.variant_id,
            product_id=line.variant.product_id,
            category_id=line.variant.product.category_id,
            sku=line.sku,
            name=line.name,
            kind=line.kind,
            quantity=line.quantity,
            unit_price_minor=line.unit_price_minor,
            list_price_minor=-1
            if line.list_price_minor is None
            else line.list_price_minor,
            category_ids=_categories(line.variant.product),
            marks=brand_marks(line.variant.product.brand_id),
        )
        for line in lines
    ]


def _categories(product: Product) -> tuple[int, ...]:
    return () if product.category is None else tuple(product.category.lineage)


def _offers(
    order: Order,
    terms: Mapping[tuple[str, str], AppliedOffer],
    bought: Mapping[int, int],
    kept: Mapping[int, int],
) -> list[Offer]:
    shares: dict[tuple[str, str], dict[int, int]] = defaultdict(dict)
    for part in Allocation.objects.filter(line__order=order).select_related("line"):
        key = (part.source_kind, part.source_id)
        shares[key][part.line.position] = part.amount_minor
    offers: list[Offer] = []
    for key, taken in shares.items():
        row = terms.get(key)
        if row is None:
            # Nothing is known but what it took: that stays.
            row = AppliedOffer(stage=60, source_kind=key[0], source_id=key[1])
        stored = StoredOffer(
            stage=row.stage,
            source_kind=row.source_kind,
            source_id=row.source_id,
            name=row.source_name,
            terms=row.terms,
            is_repriced=row.on_return == AppliedOffer.OnReturn.REPRICE,
            shares=taken,
        )
        offers += _rebuilt(stored) or kept_shares(stored, bought, kept)
    return offers


def _rebuilt(stored: StoredOffer) -> list[Offer]:
    path = wiring.STORED_OFFERS.get(stored.source_kind)
    if not stored.is_repriced or path is None:
        return []
    offer = import_string(path)(stored)
    return [offer] if offer is not None else []
