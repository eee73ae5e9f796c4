"""Begin the books of SKUs that come many at a time: first list price, first count."""

from collections.abc import Sequence
from datetime import datetime

from orders.models import Price, StockMove, Variant

_PIECE = 5_000


def open_skus(*, variants: Sequence[Variant], actor: str, now: datetime) -> None:
    """Write the first list price and count of new SKUs, as their columns say.

    For use in the transaction that made them. A price holds since the product exists.

    Args:
        variants: with their products, just made; none has a history yet.
    """
    Price.objects.bulk_create(
        (
            Price(
                variant=variant,
                kind=Price.Kind.LIST,
                amount_minor=variant.price_minor,
                starts_at=min(variant.product.created_at, now),
                applied_at=now,
                actor=actor,
                created_at=now,
            )
            for variant in variants
        ),
        batch_size=_PIECE,
    )
    StockMove.objects.bulk_create(
        (
            StockMove(
                variant=variant,
                kind=StockMove.Kind.COUNTED,
                delta_on_hand=variant.on_hand,
                delta_reserved=0,
                actor=actor,
                occurred_at=now,
            )
            for variant in variants
            if variant.on_hand is not None
        ),
        batch_size=_PIECE,
    )
