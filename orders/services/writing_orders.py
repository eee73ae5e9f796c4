"""Writing down a placed order: its row, and all that hangs on it in one statement."""

import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import connection

from crm.shared.planned import planned_cursor
from members.models import Address
from members.services.addressing import fill_address
from orders.models import Cart, Order, OrderAddress
from orders.rules.gifts import known_article
from orders.rules.quotes import Quote
from orders.services.numbering import new_order_number

#: One statement however many lines: rows come as JSON, and whatever hangs on the order
#: takes its key from the statement that writes it.
_WRITE = """
WITH placed AS (
    INSERT INTO orders_order (
        public_id, number, member_id, cart_id, channel_id, source, region, campaign,
        device, state, currency, goods_minor, discount_minor, freight_minor,
        total_minor, paid_minor, refunded_minor, points_spent, quote_hash, placed_at,
        payment_due_at, waits_for, audiences)
    VALUES (
        %(public_id)s, %(number)s, %(member_id)s, %(cart_id)s, %(channel_id)s,
        %(source)s, %(region)s, %(campaign)s, %(device)s, %(state)s, %(currency)s,
        %(goods_minor)s, %(discount_minor)s, %(freight_minor)s, %(total_minor)s, 0, 0,
        %(points_spent)s, %(quote_hash)s, %(placed_at)s, %(payment_due_at)s,
        %(waits_for)s, %(audiences)s)
    RETURNING id
), written AS (
    INSERT INTO orders_orderline (
        order_id, position, variant_id, sku, name, kind, quantity, list_price_minor,
        unit_price_minor, price_kind, cost_minor, gross_minor, discount_minor,
        net_minor, refunded_quantity, refunded_minor)
    SELECT placed.id, t.*, 0, 0
      FROM placed, json_to_recordset(%(lines)s) AS t (
        position int, variant_id bigint, sku text, name text, kind text,
        quantity int, list_price_minor bigint, unit_price_minor bigint,
        price_kind text, cost_minor bigint, gross_minor bigint,
        discount_minor bigint, net_minor bigint)
    RETURNING id, position
), moved AS (
    INSERT INTO orders_orderevent (
        order_id, from_state, to_state, actor, reason, occurred_at)
    SELECT id, '', %(state)s, 'checkout', '', %(placed_at)s FROM placed
), offered AS (
    INSERT INTO orders_appliedoffer (
        order_id, stage, source_kind, source_id, source_name, amount_minor, points,
        terms, on_return, trigger_positions)
    SELECT placed.id, t.*
      FROM placed, json_to_recordset(%(offers)s) AS t (
        stage int, source_kind text, source_id text, source_name text,
        amount_minor bigint, points int, terms jsonb, on_return text,
        trigger_positions int[])
    RETURNING id, source_kind, source_id
), given AS (
    INSERT INTO orders_orderline (
        order_id, gift_of_id, position, variant_id, sku, name, kind, quantity,
        list_price_minor, cost_minor, unit_price_minor, price_kind, gross_minor,
        discount_minor, net_minor, refunded_quantity, refunded_minor)
    SELECT placed.id, offered.id, t.position, t.variant_id, t.sku, t.name, 'goods',
           t.quantity, t.list_price_minor, t.cost_minor, 0, 'gift', 0, 0, 0, 0, 0
      FROM placed, json_to_recordset(%(gifts)s) AS t (
        source_kind text, source_id text, position int, variant_id bigint, sku text,
        name text, quantity int, list_price_minor bigint, cost_minor bigint)
      JOIN offered USING (source_kind, source_id)
), shared AS (
    INSERT INTO orders_allocation (
        line_id, source_kind, source_id, source_name, amount_minor, points)
    SELECT written.id, t.source_kind, t.source_id, t.source_name, t.amount_minor,
           t.points
      FROM json_to_recordset(%(shares)s) AS t (
        position int, source_kind text, source_id text, source_name text,
        amount_minor bigint, points int)
      JOIN written USING (position)
)
SELECT id FROM placed
"""
_COLUMNS = (
    *("public_id", "number", "member_id", "cart_id", "channel_id", "source", "region"),
    *("campaign", "device", "state", "currency", "goods_minor", "discount_minor"),
    *("freight_minor", "total_minor", "points_spent", "quote_hash", "placed_at"),
    *("payment_due_at", "waits_for", "audiences"),
)


@dataclass(frozen=True, slots=True)
class OrderTerms:
    """On what terms something is ordered, besides its price.

    ``waits_for`` is what it waits for once it is paid (``Order.waits_for``); ``pay_by``
    ends the time to pay earlier than the shop's setting, ``open_until`` sets it.
    """

    waits_for: str = ""
    pay_by: datetime | None = None
    open_until: datetime | None = None

    def due_at(self, now: datetime) -> datetime:
        """Return when an order placed now must be paid."""
        if self.open_until is not None:
            return self.open_until
        usual = now + timedelta(minutes=settings.PAYMENT_MINUTES)
        return usual if self.pay_by is None else min(usual, self.pay_by)


AS_ALWAYS = OrderTerms()


def write_order(
    *,
    cart: Cart,
    quote: Quote,
    audiences: Collection[str],
    region: str,
    address: Mapping[str, Any] | None,
    terms: OrderTerms,
    now: datetime,
) -> Order:
    """Write an order as quoted, in one statement (two with an address).

    Nothing is claimed or reserved.

    Args:
        cart: locked; the order takes over its member, channel, campaign, device and
            address.
        audiences: to whom the buyer belonged when the price was made (T16).
        region: province the freight was reckoned with.
        address: lines of another address than the cart's.

    Raises:
        BadProfile: a line of the address cannot be kept.
    """
    order = Order(
        number=new_order_number(now=now),
        member_id=cart.member_id,
        cart=cart,
        channel_id=cart.channel_id,
        region=region,
        campaign=cart.campaign,
        device=cart.device,
        currency=quote.currency,
        goods_minor=quote.goods_minor,
        discount_minor=quote.discount_minor,
        freight_minor=quote.freight_minor,
        total_minor=quote.total_minor,
        points_spent=quote.points_spent,
        audiences=sorted(audiences),
        quote_hash=quote.hash,
        placed_at=now,
        payment_due_at=terms.due_at(now),
        waits_for=terms.waits_for,
    )
    values = {name: getattr(order, name) for name in _COLUMNS}
    rows = {
        "lines": _lines(quote),
        "offers": _offers(quote),
        "shares": _shares(quote),
        "gifts": _gifts(quote),
    }
    with planned_cursor() as cursor:
        cursor.execute(
            _WRITE, values | {name: json.dumps(list(rows[name])) for name in rows}
        )
        (order.pk,) = cursor.fetchone()
    order._state.adding = False
    order._state.db = connection.alias
    write_address(order=order, kept=cart.address, lines=address)
    return order


def _lines(quote: Quote) -> Iterator[dict[str, Any]]:
    for each in quote.lines:
        line = each.line
        yield {
            "position": line.position,
            "variant_id": line.variant_id,
            "sku": line.sku,
            "name": line.name,
            "kind": line.kind,
            "quantity": line.quantity,
            "list_price_minor": line.list_price_minor,
            "unit_price_minor": line.unit_price_minor,
            "price_kind": line.price_kind,
            "cost_minor": line.cost_minor,
            "gross_minor": line.gross_minor,
            "discount_minor": each.discount_minor,
            "net_minor": each.net_minor,
        }


def _offers(quote: Quote) -> Iterator[dict[str, Any]]:
    for each in quote.applied:
        yield {
            "stage": int(each.stage),
            "source_kind": each.source_kind,
            "source_id": each.source_id,
            "source_name": each.name,
            "amount_minor": each.amount_minor,
            "points": each.points,
            "terms": each.terms,
            "on_return": each.on_return,
            "trigger_positions": each.trigger_positions,
        }


def _gifts(quote: Quote) -> Iterator[dict[str, Any]]:
    """Yield gifts as lines behind those that were bought; they cost nothing (S16)."""
    last = max((each.line.position for each in quote.lines), default=0)
    for position, (applied, gift) in enumerate(quote.gifts, start=last + 1):
        article = known_article(gift)
        yield {
            "source_kind": applied.source_kind,
            "source_id": applied.source_id,
            "position": position,
            "variant_id": article.variant_id,
            "sku": article.sku,
            "name": article.label,
            "quantity": gift.quantity,
            "list_price_minor": article.listed_minor,
            "cost_minor": article.cost_minor,
        }


def _shares(quote: Quote) -> Iterator[dict[str, Any]]:
    for each in quote.applied:
        points = dict(each.point_shares)
        for position, amount_minor in each.shares:
            yield {
                "position": position,
                "source_kind": each.source_kind,
                "source_id": each.source_id,
                "source_name": each.name,
                "amount_minor": amount_minor,
                "points": points.get(position, 0),
            }


def write_address(
    *,
    order: Order,
    kept: Address | OrderAddress | None,
    lines: Mapping[str, Any] | None = None,
) -> None:
    """Seal a copy of where the order goes; the order keeps it when the member moves.

    Args:
        kept: an address to copy; None for none.
        lines: another address, as ``add_address`` of the members takes it.

    Raises:
        BadProfile: a line cannot be kept.
    """
    if lines is None and kept is None:
        return
    copy = OrderAddress(order=order)
    if lines is None:
        for field in _COPIED:
            setattr(copy, field, getattr(kept, field))
    else:
        fill_address(address=copy, lines=lines)
    copy.save(force_insert=True)


_COPIED = (
    *("recipient", "phone", "country", "province", "city", "district", "street"),
    "postcode",
)
