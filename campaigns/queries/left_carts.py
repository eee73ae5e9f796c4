"""Carts that were left as they were: two statements however many are read."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Exists, OuterRef, Q, QuerySet

from campaigns.queries.backtests import with_buyers
from campaigns.rules.needs import NOTHING, Needs
from crm.shared import paging
from orders.models import Cart, CartLine
from orders.queries.carts import CartContents, contents_of_carts

_COLUMNS = (
    *("pk", "updated_at", "member_id", "tier_code", "segments", "orders_before"),
    "last_order_at",
)


@dataclass(frozen=True, slots=True)
class StoredCart:
    """A cart with what was known of its holder when it was changed last."""

    pk: int
    updated_at: datetime
    member_id: int | None
    tier_code: str
    #: Marks of the segments the holder is in today.
    segments: Sequence[str]
    orders_before: int
    last_order_at: datetime | None
    #: At the prices of ``updated_at``.
    contents: CartContents


def carts_left(*, since: datetime, until: datetime) -> QuerySet[Cart]:
    """Return carts changed last in some time and not ordered, of members and visitors.

    Not those that became part of another one, nor such with a price agreed elsewhere:
    a reward or a seat in a group is bought there or not at all.
    """
    lines = CartLine.objects.filter(cart=OuterRef("pk"))
    return Cart.objects.filter(
        Exists(lines),
        ~Exists(lines.filter(agreed_minor__isnull=False)),
        merged_into__isnull=True,
        order__isnull=True,
        updated_at__gte=since,
        updated_at__lt=until,
    ).order_by("updated_at", "pk")


def stored_carts(
    carts: QuerySet[Cart],
    *,
    after: tuple[datetime, int] | None,
    count: int,
    needs: Needs = NOTHING,
) -> list[StoredCart]:
    """Read the next carts with all that their prices are made of.

    Args:
        after: moment and key of the last one read before.
        needs: what is asked about holders; the rest is not looked up.
    """
    if after is not None:
        carts = carts.filter(paging.after(("updated_at", "pk"), after))
    rows = list(
        with_buyers(
            carts,
            needs,
            at="updated_at",
            earlier=Q(placed_at__lt=OuterRef("updated_at")),
        ).values(*_COLUMNS)[:count]
    )
    contents = contents_of_carts([row["pk"] for row in rows])
    return [StoredCart(**row, contents=contents[row["pk"]]) for row in rows]
