"""Orders of the past as they were: four statements however many are read."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.contrib.postgres.fields import ArrayField
from django.db.models import (
    CharField,
    Count,
    DateTimeField,
    F,
    Max,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Value,
)
from django.db.models.functions import Coalesce, Concat

from campaigns.models import Backtest, SegmentMember
from campaigns.rules.backtesting import Key, Shares
from campaigns.rules.needs import NOTHING, SEGMENT, Needs
from crm.shared import paging
from loyalty.models import TierChange
from orders.models import Allocation, AppliedOffer, Order, OrderLine
from orders.models.order import EXCHANGE
from orders.queries.prices import shop_floor
from orders.rules.lifecycle import SOLD, STANDING
from orders.rules.lines import PriceLine, brand_marks

#: Kinds of unit prices that anybody may be asked; others were agreed elsewhere and
#: close their lines (S2).
_OPEN_PRICES = frozenset({"list", "sale", "member"})
_TIER = "tier:"
_NONE: Any = Value([], output_field=ArrayField(CharField()))


@dataclass(frozen=True, slots=True)
class StoredOrder:
    """What an order says of itself and of its buyer at that time."""

    pk: int
    public_id: str
    placed_at: datetime
    currency: str
    channel_code: str
    member_id: int | None
    tier_code: str
    #: Marks of the segments the buyer is in today: of that day they are not known.
    segments: Sequence[str]
    #: Purchases of the buyer before it that stand.
    orders_before: int
    last_order_at: datetime | None
    total_minor: int
    freight_minor: int
    lines: tuple[PriceLine, ...]
    offers: tuple[AppliedOffer, ...]
    #: What each offer took off goods.
    shares: Mapping[Key, Shares]
    #: Names of offers of which only that is known.
    names: Mapping[Key, str]
    #: What gifts cost the shop, by the offer that brought them.
    gift_costs: Mapping[Key, int | None]


def orders_to_replay(
    *, since: datetime, until: datetime, currency: str
) -> QuerySet[Order]:
    """Return orders that were sold, in the order they were placed.

    What replaces units of an order, and what still waits for a group, is no purchase of
    its own.
    """
    return (
        Order.objects.filter(
            state__in=SOLD,
            currency=currency,
            waits_for="",
            placed_at__gte=since,
            placed_at__lt=until,
        )
        .exclude(source=EXCHANGE)
        .order_by("placed_at", "pk")
    )


def stored_orders(
    orders: QuerySet[Order],
    *,
    after: tuple[datetime, int] | None,
    count: int,
    needs: Needs = NOTHING,
) -> list[StoredOrder]:
    """Read the next orders with all that their prices were made of.

    Args:
        after: moment and key of the last one read before.
        needs: what is asked about buyers; the rest is not looked up.
    """
    if after is not None:
        orders = orders.filter(paging.after(("placed_at", "pk"), after))
    # Those of one moment came one after the other.
    earlier = Q(placed_at__lt=OuterRef("placed_at"))
    earlier |= Q(placed_at=OuterRef("placed_at"), pk__lt=OuterRef("pk"))
    told = with_buyers(orders, needs, at="placed_at", earlier=earlier)
    rows = list(told.values(*_COLUMNS)[:count])
    keys = [row["pk"] for row in rows]
    lines, gift_costs = _lines_of(keys)
    offers: dict[int, list[AppliedOffer]] = defaultdict(list)
    for offer in AppliedOffer.objects.filter(order__in=keys).order_by("pk"):
        offers[offer.order_id].append(offer)
    shares, names = _shares_of(keys)
    return [
        StoredOrder(
            **row,
            lines=tuple(lines[row["pk"]]),
            offers=tuple(offers[row["pk"]]),
            shares={key: tuple(each) for key, each in shares[row["pk"]].items()},
            names=names[row["pk"]],
            gift_costs=gift_costs[row["pk"]],
        )
        for row in rows
    ]


_COLUMNS = (
    *("pk", "public_id", "placed_at", "currency", "channel_code", "member_id"),
    *("tier_code", "segments", "orders_before", "last_order_at", "total_minor"),
    "freight_minor",
)


def with_buyers(
    rows: QuerySet[Any], needs: Needs, *, at: str, earlier: Q
) -> QuerySet[Any]:
    """Add what was known of each buyer at the moment of a row, as far as asked.

    Args:
        rows: with a ``member`` and a ``channel``, such as orders.
        at: their field of the moment.
        earlier: tells the orders before that moment.
    """
    found = rows.annotate(
        channel_code=Coalesce(F("channel__code"), Value("")),
        tier_code=Value(""),
        segments=_NONE,
        orders_before=Value(0),
        last_order_at=Value(None, output_field=DateTimeField()),
    )
    if any(each.startswith(_TIER) for each in needs.audiences):
        tiers = TierChange.objects.filter(
            member=OuterRef("member"), occurred_at__lte=OuterRef(at)
        ).order_by("-occurred_at", "-id")
        code = Subquery(tiers.values("to_tier__code")[:1])
        found = found.annotate(tier_code=Coalesce(code, Value("")))
    if any(each.startswith(SEGMENT) for each in needs.audiences):
        inside = SegmentMember.objects.filter(member=OuterRef("member"))
        mark = Concat(Value(SEGMENT), "segment__code", output_field=CharField())
        marks = inside.annotate(mark=mark)
        found = found.annotate(segments=ArraySubquery(marks.values("mark")))
    if needs.orders:
        before = _purchases(earlier)
        bought = Subquery(before.annotate(n=Count("pk")).values("n"))
        found = found.annotate(
            orders_before=Coalesce(bought, Value(0)),
            last_order_at=Subquery(before.annotate(at=Max("placed_at")).values("at")),
        )
    return found


def _purchases(earlier: Q) -> QuerySet[Order]:
    """Return earlier purchases of the same buyer, to be counted."""
    rows = Order.objects.filter(
        earlier, member=OuterRef("member"), state__in=STANDING, waits_for=""
    )
    return rows.exclude(source=EXCHANGE).order_by().values("member")


def _lines_of(
    keys: Sequence[int],
) -> tuple[dict[int, list[PriceLine]], dict[int, dict[Key, int | None]]]:
    """Return the lines that were bought, and what the gifts beside them cost."""
    rows = (
        OrderLine.objects.filter(order__in=keys, quantity__gt=0)
        .select_related("variant__product__category", "gift_of")
        .order_by("order_id", "position")
    )
    lines: dict[int, list[PriceLine]] = defaultdict(list)
    costs: dict[int, dict[Key, int | None]] = defaultdict(dict)
    for row in rows:
        if row.gift_of is None:
            lines[row.order_id].append(_priced(row))
            continue
        key = row.gift_of.source_kind, row.gift_of.source_id
        known = costs[row.order_id].get(key, 0)
        unknown = known is None or row.cost_minor is None
        costs[row.order_id][key] = (
            None if unknown else known + row.cost_minor * row.quantity
        )
    return lines, costs


def _priced(row: OrderLine) -> PriceLine:
    product = row.variant.product
    category = product.category
    own = () if category is None else tuple(category.lineage or (category.pk,))
    # The floor of today, over what it cost that day (S12).
    floor_minor, kind = shop_floor(row.variant.minimum_price_minor, row.cost_minor)
    return PriceLine(
        position=row.position,
        variant_id=row.variant_id,
        product_id=product.pk,
        category_id=product.category_id,
        sku=row.sku,
        name=row.name,
        kind=row.kind,
        quantity=row.quantity,
        unit_price_minor=row.unit_price_minor,
        list_price_minor=-1 if row.list_price_minor is None else row.list_price_minor,
        price_kind=row.price_kind,
        cost_minor=row.cost_minor,
        floor_minor=floor_minor,
        floor_kind=kind,
        category_ids=own,
        is_closed=row.price_kind not in _OPEN_PRICES,
        marks=brand_marks(product.brand_id),
    )


def _shares_of(
    keys: Sequence[int],
) -> tuple[dict[int, dict[Key, list[tuple[int, int]]]], dict[int, dict[Key, str]]]:
    shares: dict[int, Any] = defaultdict(lambda: defaultdict(list))
    names: dict[int, dict[Key, str]] = defaultdict(dict)
    rows = Allocation.objects.filter(line__order__in=keys).order_by("line__position")
    for order, at, kind, source, name, amount in rows.values_list(
        *("line__order", "line__position", "source_kind", "source_id"),
        *("source_name", "amount_minor"),
    ):
        shares[order][kind, source].append((at, amount))
        names[order][kind, source] = name
    return shares, names


def backtests_of(*, promotion_id: int) -> QuerySet[Backtest]:
    """Return the back-tests of a promotion and of the changes to it, newest first."""
    rows = Backtest.objects.filter(promotion_id=promotion_id)
    return rows.select_related("job", "asked_by", "promotion").order_by("-pk")


def keys_of_orders(public_ids: Sequence[str]) -> dict[str, tuple[int, str]]:
    """Return key and number of orders by their public ids."""
    rows = Order.objects.filter(public_id__in=public_ids)
    return {
        public: (pk, no)
        for public, pk, no in rows.values_list("public_id", "pk", "number")
    }
