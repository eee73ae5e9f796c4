"""The step of an import that turns return invoices into refunds."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from django.db import connection

from orders.models import Refund, RefundLine, UnmatchedReturn
from orders.rules.returns_matching import (
    NO_CUSTOMER,
    Match,
    Purchase,
    Return,
    Unmatched,
    match_returns,
)
from orders.services.importing_staging import Piece, Work

#: Customers per transaction. All returns of one customer are in one piece, so that a
#: return invoice is stored whole.
_PIECE = 200

_CUSTOMERS = """
SELECT DISTINCT customer FROM {invoices}
 WHERE kind = 'return' AND customer > %(after)s ORDER BY customer LIMIT %(limit)s
"""
_THERE = """
INSERT INTO orders_importissue
       (batch_id, "row", "column", code, value, invoice, is_stored)
SELECT %(batch)s, r.row, 'InvoiceNo', 'already_there', left(r.invoice, 80),
       left(r.invoice, 40), false
  FROM {invoices} i JOIN {rows} r USING (invoice)
 WHERE i.kind = 'return' AND i.customer = ANY(%(customers)s)
   AND (EXISTS (SELECT 1 FROM orders_refund f
                 WHERE f.source = %(source)s AND f.external_ref = i.invoice)
     OR EXISTS (SELECT 1 FROM orders_unmatchedreturn u
                 WHERE u.source = %(source)s AND u.external_ref = i.invoice))
ON CONFLICT DO NOTHING
"""
_RETURNS = """
SELECT r.row, r.invoice, i.customer, coalesce(m.merged_into_id, m.id), r.sku, v.id,
       p.kind, i.at, r.quantity, r.price_minor
  FROM {invoices} i
  JOIN {rows} r USING (invoice)
  JOIN orders_variant v ON v.sku = r.sku
  JOIN orders_product p ON p.id = v.product_id
  LEFT JOIN members_member m
    ON m.source = %(source)s AND m.external_id = nullif(i.customer, '')
 WHERE i.kind = 'return' AND i.customer = ANY(%(customers)s)
   AND NOT EXISTS (SELECT 1 FROM orders_importissue s
                    WHERE s.batch_id = %(batch)s AND s.row = r.row
                      AND s.code = 'already_there')
 ORDER BY r.row
"""
_LOCK = """
SELECT id FROM orders_order WHERE member_id = ANY(%(members)s) AND source = %(source)s
 ORDER BY id FOR UPDATE
"""
_PURCHASES = """
SELECT o.member_id, l.sku, l.id, o.id, o.placed_at, l.unit_price_minor,
       l.quantity - l.refunded_quantity, l.net_minor - l.refunded_minor
  FROM orders_order o JOIN orders_orderline l ON l.order_id = o.id
 WHERE o.member_id = ANY(%(members)s) AND o.source = %(source)s
   AND l.sku = ANY(%(skus)s)
"""
_LOWER_LINES = """
UPDATE orders_orderline l
   SET refunded_quantity = l.refunded_quantity + part.units,
       refunded_minor = l.refunded_minor + part.amount
  FROM unnest(%(lines)s::bigint[], %(units)s::int[], %(amounts)s::bigint[])
    AS part (id, units, amount)
 WHERE l.id = part.id
"""
_LOWER_ORDERS = """
UPDATE orders_order o SET refunded_minor = o.refunded_minor + part.amount
  FROM unnest(%(orders)s::bigint[], %(amounts)s::bigint[]) AS part (id, amount)
 WHERE o.id = part.id
"""
#: An order is refunded when every unit came back, whatever the units were worth.
_CLOSE_ORDERS = """
WITH closed AS (
    UPDATE orders_order o SET state = 'refunded'
     WHERE o.id = ANY(%(orders)s) AND o.state = 'completed' AND NOT EXISTS (
           SELECT 1 FROM orders_orderline l
            WHERE l.order_id = o.id AND l.refunded_quantity < l.quantity)
    RETURNING o.id
)
INSERT INTO orders_orderevent (
    order_id, from_state, to_state, actor, reason, occurred_at)
SELECT closed.id, 'completed', 'refunded', 'import', %(source)s,
       (SELECT max(f.completed_at) FROM orders_refund f WHERE f.order_id = closed.id)
  FROM closed ORDER BY closed.id
"""


class _Row(NamedTuple):
    """A return row of the file, with whom and what it means here."""

    row: int
    invoice: str
    customer: str
    member_id: int | None
    sku: str
    variant_id: int
    kind: str
    at: datetime
    quantity: int
    price_minor: int


def store_returns(work: Work, *, after: str | None) -> Piece:
    """Store the returns of the next customers; those without a customer come first.

    What can be tied to a purchase becomes a refund per return invoice and order, the
    rest an unmatched return with its reason. Points are no business of this app: they
    follow the refunds.
    """
    customers = [
        customer
        for (customer,) in work.staging.fetch(
            _CUSTOMERS, {"after": after, "limit": _PIECE}
        )
    ]
    if after is None:
        customers = [""]
    if not customers:
        return Piece(next=None)
    params = {
        "customers": customers,
        "source": work.source,
        "batch": work.staging.batch_id,
    }
    work.staging.run(_THERE, params)
    rows = {r.row: r for r in map(_Row._make, work.staging.fetch(_RETURNS, params))}
    matches, leftovers = _match(work, rows.values())
    refunds = _store_refunds(work, rows, matches)
    _store_unmatched(work, rows, leftovers)
    counts = {
        "refunds": refunds,
        "refund_lines": len(matches),
        "unmatched_returns": len(leftovers),
    }
    return Piece(next=customers[-1], rows=len(rows), counts=counts)


def _match(work: Work, rows: Iterable[_Row]) -> tuple[list[Match], list[Unmatched]]:
    groups: dict[tuple[int, str], list[Return]] = defaultdict(list)
    matches: list[Match] = []
    leftovers: list[Unmatched] = []
    for r in rows:
        if r.member_id is None:
            amount = r.quantity * r.price_minor
            leftovers.append(Unmatched(r.row, r.quantity, amount, NO_CUSTOMER))
        else:
            back = Return(r.row, r.at, r.quantity, r.price_minor)
            groups[r.member_id, r.sku].append(back)
    purchases = _purchases(work, groups)
    for group, returns in groups.items():
        found, left = match_returns(purchases[group], returns)
        matches += found
        leftovers += left
    return matches, leftovers


def _purchases(
    work: Work, groups: Iterable[tuple[int, str]]
) -> dict[tuple[int, str], list[Purchase]]:
    """Lock the customers' orders of this source and return what is left of them."""
    params = {
        "members": sorted({member_id for member_id, _ in groups}),
        "skus": sorted({sku for _, sku in groups}),
        "source": work.source,
    }
    found: dict[tuple[int, str], list[Purchase]] = defaultdict(list)
    work.staging.fetch(_LOCK, params)
    for member_id, sku, *purchase in work.staging.fetch(_PURCHASES, params):
        found[member_id, sku].append(
            Purchase(
                line_id=purchase[0],
                order_id=purchase[1],
                at=purchase[2],
                unit_price_minor=purchase[3],
                units_left=purchase[4],
                money_left_minor=purchase[5],
            )
        )
    return found


def _store_refunds(work: Work, rows: dict[int, _Row], matches: list[Match]) -> int:
    """Write refunds and lower what they lower; return how many there are."""
    parts: dict[tuple[str, int], list[Match]] = defaultdict(list)
    for match in matches:
        parts[rows[match.row].invoice, match.order_id].append(match)
    refunds = [
        Refund(
            order_id=order_id,
            source=work.source,
            external_ref=invoice,
            state=Refund.State.COMPLETED,
            amount_minor=sum(match.amount_minor for match in group),
            actor="import",
            requested_at=rows[group[0].row].at,
            completed_at=rows[group[0].row].at,
        )
        for (invoice, order_id), group in parts.items()
    ]
    Refund.objects.bulk_create(refunds)
    RefundLine.objects.bulk_create(
        RefundLine(
            refund=refund,
            order_line_id=match.line_id,
            quantity=match.quantity,
            amount_minor=match.amount_minor,
            source_row=match.row,
        )
        for refund, group in zip(refunds, parts.values(), strict=True)
        for match in group
    )
    _lower(work, matches)
    return len(refunds)


def _lower(work: Work, matches: list[Match]) -> None:
    units: dict[int, int] = defaultdict(int)
    of_line: dict[int, int] = defaultdict(int)
    of_order: dict[int, int] = defaultdict(int)
    for match in matches:
        units[match.line_id] += match.quantity
        of_line[match.line_id] += match.amount_minor
        of_order[match.order_id] += match.amount_minor
    lines = sorted(units)
    orders = sorted(of_order)
    with connection.cursor() as cursor:
        cursor.execute(
            _LOWER_LINES,
            {
                "lines": lines,
                "units": [units[line] for line in lines],
                "amounts": [of_line[line] for line in lines],
            },
        )
        cursor.execute(
            _LOWER_ORDERS,
            {"orders": orders, "amounts": [of_order[order] for order in orders]},
        )
        cursor.execute(_CLOSE_ORDERS, {"orders": orders, "source": work.source})


def _store_unmatched(
    work: Work, rows: dict[int, _Row], leftovers: list[Unmatched]
) -> None:
    UnmatchedReturn.objects.bulk_create(
        UnmatchedReturn(
            source=work.source,
            external_ref=rows[left.row].invoice,
            source_row=left.row,
            member_id=rows[left.row].member_id,
            variant_id=rows[left.row].variant_id,
            kind=rows[left.row].kind,
            quantity=left.quantity,
            amount_minor=left.amount_minor,
            reason=left.reason,
            occurred_at=rows[left.row].at,
        )
        for left in leftovers
    )
