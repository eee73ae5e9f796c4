"""The writes of a checkout as bare SQL: the least a program can do for the same rows.

Everything is known beforehand: nothing is read but the two rows that are locked, no
price is made. Statements are prepared once by psycopg; rows, constraints, triggers and
foreign keys are those of the shop.
"""

import json
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import psycopg

from crm.shared.public_ids import new_public_id
from orders.rules.quotes import Quote

_ORDER = """
INSERT INTO orders_order (
    public_id, number, member_id, cart_id, source, region, campaign, device, state,
    currency, goods_minor, discount_minor, freight_minor, total_minor, paid_minor,
    refunded_minor, points_spent, quote_hash, placed_at, payment_due_at, audiences)
VALUES (%s, %s, %s, %s, 'storefront', '', '', 'unknown', 'pending', %s, %s, %s, %s, %s,
        0, 0, 0, %s, %s, %s, ARRAY(
        SELECT 'tier:' || t.code FROM loyalty_pointsaccount a
          JOIN loyalty_tier t ON t.id = a.tier_id WHERE a.member_id = %s)) RETURNING id
"""
_EVENT = """
INSERT INTO orders_orderevent (
    order_id, from_state, to_state, actor, reason, occurred_at)
VALUES (%s, '', 'pending', 'checkout', '', %s)
"""
_LINES = """
INSERT INTO orders_orderline (
    order_id, position, variant_id, sku, name, kind, quantity, list_price_minor,
    unit_price_minor, price_kind, cost_minor, gross_minor, discount_minor, net_minor,
    refunded_quantity, refunded_minor)
SELECT %s, t.*, 0, 0 FROM unnest(
    %s::int[], %s::bigint[], %s::text[], %s::text[], %s::text[], %s::int[],
    %s::bigint[], %s::bigint[], %s::text[], %s::bigint[], %s::bigint[], %s::bigint[],
    %s::bigint[]) AS t RETURNING id
"""
_ALLOCATIONS = """
INSERT INTO orders_allocation (
    line_id, source_kind, source_id, source_name, amount_minor, points)
SELECT t.*, 0 FROM unnest(
    %s::bigint[], %s::text[], %s::text[], %s::text[], %s::bigint[]) AS t
"""
_OFFERS = """
INSERT INTO orders_appliedoffer (
    order_id, stage, source_kind, source_id, source_name, amount_minor, points, terms,
    on_return)
VALUES (%s, %s, %s, %s, %s, %s, 0, %s, %s)
"""
_USE = """
UPDATE campaigns_promotion SET used = used + 1, used_units = used_units + %s
 WHERE public_id = %s AND state = 'live' AND (limit_total IS NULL OR used < limit_total)
RETURNING id
"""
_USED = """
INSERT INTO campaigns_promotionuse (
    promotion_id, order_id, state, amount_minor, units, taken_at)
VALUES (%s, %s, 'held', %s, %s, %s)
"""
_LOCK_STOCK = """
SELECT id FROM orders_variant WHERE id = ANY(%s) ORDER BY id FOR NO KEY UPDATE
"""
_STOCK = """
UPDATE orders_variant AS v SET reserved = v.reserved + w.quantity
  FROM unnest(%s::bigint[], %s::int[]) AS w (id, quantity)
 WHERE v.id = w.id AND (v.on_hand IS NULL OR v.on_hand - v.reserved >= w.quantity)
"""
_FACT = """
INSERT INTO shared_fact (name, key, payload, request_id)
VALUES ('orders.OrderPlaced', '', %s, '')
"""


@dataclass(frozen=True, slots=True)
class Sale:
    """All that a checkout writes, as it was found out beforehand."""

    cart_id: int
    member_id: int
    quote: Quote
    at: datetime


def connect(dsn: str) -> psycopg.Connection:
    """Return a connection that prepares each statement when it first sees it."""
    connection = psycopg.connect(dsn)
    connection.prepare_threshold = 0
    return connection


def write(connection: psycopg.Connection, sale: Sale) -> None:
    """Write one order in one transaction."""
    with connection.transaction(), connection.cursor() as cursor:
        run = cursor.execute
        run("SELECT id FROM orders_cart WHERE id = %s FOR UPDATE", [sale.cart_id])
        run(
            "SELECT state FROM members_member WHERE id = %s FOR NO KEY UPDATE",
            [sale.member_id],
        )
        run(_ORDER, _order(sale))
        (order_id,) = cursor.fetchone()
        run(_EVENT, [order_id, sale.at])
        run(_LINES, [order_id, *_lines(sale.quote)])
        ids = [row[0] for row in cursor.fetchall()]
        for each in sale.quote.applied:
            at = dict(each.shares)
            lines = [(i, at[p]) for p, i in enumerate(ids, start=1) if p in at]
            same: Sequence[Any] = [each.source_kind, each.source_id, each.name]
            run(
                _ALLOCATIONS,
                [
                    [line_id for line_id, _amount in lines],
                    *([value] * len(lines) for value in same),
                    [amount for _line_id, amount in lines],
                ],
            )
            terms = json.dumps(each.terms)
            run(
                _OFFERS,
                [order_id, each.stage, *same, each.amount_minor, terms, each.on_return],
            )
            run(_USE, [each.units, each.source_id])
            (used,) = cursor.fetchone()
            run(_USED, [used, order_id, each.amount_minor, each.units, sale.at])
        units = {x.line.variant_id: x.line.quantity for x in sale.quote.lines}
        run(_LOCK_STOCK, [sorted(units)])
        run(_STOCK, [sorted(units), [units[pk] for pk in sorted(units)]])
        run(_FACT, [json.dumps({"order_id": order_id})])


def _order(sale: Sale) -> list[Any]:
    quote = sale.quote
    return [
        new_public_id("ord"),
        f"261121-{secrets.token_hex(8)}",
        sale.member_id,
        sale.cart_id,
        quote.currency,
        quote.goods_minor,
        quote.discount_minor,
        quote.freight_minor,
        quote.total_minor,
        quote.hash,
        sale.at,
        sale.at + timedelta(minutes=30),
        sale.member_id,
    ]


def _lines(quote: Quote) -> list[list[Any]]:
    rows = [
        (
            each.line.position,
            each.line.variant_id,
            each.line.sku,
            each.line.name,
            each.line.kind,
            each.line.quantity,
            each.line.list_price_minor,
            each.line.unit_price_minor,
            each.line.price_kind,
            each.line.cost_minor,
            each.line.gross_minor,
            each.discount_minor,
            each.net_minor,
        )
        for each in quote.lines
    ]
    return [list(column) for column in zip(*rows, strict=True)]
