"""Rows of orders that came in from another system: writing them, reading them back."""

from collections.abc import Mapping
from datetime import datetime

from django.conf import settings
from django.db import connection
from django.utils.translation import gettext_lazy as _

from crm.shared.errors import Refusal
from crm.shared.outbox import record
from orders.events import OrderPlaced
from orders.models import (
    Allocation,
    AppliedOffer,
    Channel,
    Order,
    OrderEvent,
    OrderLine,
    Variant,
)
from orders.rules.ingesting import GivenLine, GivenOrder, GivenShare, GivenTender
from orders.rules.offers import Stage
from orders.services.cataloguing import store_sku
from orders.services.moving import actor_name
from orders.services.numbering import new_order_number

#: Kind of the offers of other systems: nobody here gives them back or makes them again.
EXTERNAL = "external"


class UnknownSku(Refusal):
    """Line %(position)s: there is no SKU %(sku)s."""

    code = "unknown_sku"
    status = 422
    message = _("Line %(position)s: there is no SKU %(sku)s.")

    def __init__(self, *, position: int, sku: str):
        """Point to the line."""
        super().__init__(position=position, sku=sku)
        self.pointer = f"/lines/{position - 1}/sku"


def write_order(
    given: GivenOrder,
    *,
    source: str,
    external_ref: str,
    channel: Channel | None,
    create_products: bool,
    actor: str,
    now: datetime,
) -> Order:
    """Write an order that waits for its payment, and publish OrderPlaced.

    Args:
        given: checked already.
        create_products: make unlisted products of unknown SKUs.

    Raises:
        UnknownSku: and new products are not wanted.
    """
    variants = _variants(given.lines, create_products=create_products, now=now)
    order = Order.objects.create(
        number=new_order_number(now=given.placed_at),
        member_id=given.member_id,
        channel=channel,
        source=source,
        external_ref=external_ref,
        region=given.region,
        campaign=given.campaign,
        device=given.device,
        currency=settings.SHOP_CURRENCY,
        goods_minor=given.goods_minor,
        discount_minor=given.discount_minor,
        freight_minor=given.freight_minor,
        total_minor=given.total_minor,
        placed_at=given.placed_at,
    )
    OrderEvent.objects.create(
        order=order,
        to_state=order.state,
        actor=actor_name(actor),
        occurred_at=given.placed_at,
    )
    _write_lines(order, given, variants)
    record(OrderPlaced(order_id=order.pk))
    return order


def _variants(
    lines: tuple[GivenLine, ...], *, create_products: bool, now: datetime
) -> dict[str, Variant]:
    known = _known({line.sku for line in lines})
    unknown = [place for place, line in enumerate(lines) if line.sku not in known]
    if not unknown:
        return known
    if not create_products:
        first = unknown[0]
        raise UnknownSku(position=first + 1, sku=lines[first].sku)
    # One at a time: a rival may be making the same SKU.
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))",
            ["orders.ingest.products"],
        )
    for place in unknown:
        line = lines[place]
        values = {
            "name": line.name or line.sku,
            "kind": line.kind,
            "price_minor": line.unit_price_minor,
            "is_listed": False,
        }
        if line.sku not in _known({line.sku}):
            store_sku(sku=line.sku, values=values, now=now)
    return _known({line.sku for line in lines})


def _known(skus: set[str]) -> dict[str, Variant]:
    found = Variant.objects.filter(sku__in=skus).select_related("product")
    return {variant.sku: variant for variant in found}


def _write_lines(
    order: Order, given: GivenOrder, variants: Mapping[str, Variant]
) -> None:
    lines = OrderLine.objects.bulk_create(
        OrderLine(
            order=order,
            position=position,
            variant=variants[line.sku],
            sku=line.sku,
            name=line.name or variants[line.sku].product.name,
            kind=variants[line.sku].product.kind,
            quantity=line.quantity,
            unit_price_minor=line.unit_price_minor,
            gross_minor=line.gross_minor,
            discount_minor=line.discount_minor,
            net_minor=line.net_minor,
        )
        for position, line in enumerate(given.lines, start=1)
    )
    offers: dict[str, AppliedOffer] = {}
    allocations = []
    for row, line in zip(lines, given.lines, strict=True):
        for share in line.shares:
            allocations.append(
                Allocation(
                    line=row,
                    source_kind=EXTERNAL,
                    source_id=share.code,
                    source_name=share.name,
                    amount_minor=share.amount_minor,
                )
            )
            offer = offers.setdefault(
                share.code,
                AppliedOffer(
                    order=order,
                    stage=Stage.ORDER,
                    source_kind=EXTERNAL,
                    source_id=share.code,
                    source_name=share.name,
                    amount_minor=0,
                ),
            )
            offer.amount_minor += share.amount_minor
    Allocation.objects.bulk_create(allocations)
    AppliedOffer.objects.bulk_create(offers.values())


def given_of(order: Order) -> GivenOrder:
    """Return a stored order in the words it came in."""
    lines = order.lines.order_by("position").prefetch_related("allocations")
    return GivenOrder(
        state=order.state,
        placed_at=order.placed_at,
        lines=tuple(
            GivenLine(
                sku=line.sku,
                quantity=line.quantity,
                unit_price_minor=line.unit_price_minor,
                shares=tuple(
                    GivenShare(part.source_id, part.source_name, part.amount_minor)
                    for part in line.allocations.all()
                ),
                name=line.name,
                kind=line.kind,
            )
            for line in lines
        ),
        total_minor=order.total_minor,
        freight_minor=order.freight_minor,
        tenders=tuple(
            GivenTender(payment.tender, payment.amount_minor)
            for payment in order.payments.all()
        ),
        member_id=order.member_id,
        channel=order.channel.code if order.channel_id else "",
        region=order.region,
        campaign=order.campaign,
        device=order.device,
        paid_at=order.paid_at,
    )
