"""Steps of an import that store orders with their lines, and adjustments."""

from crm.shared.public_ids import new_public_id
from orders.services.importing_staging import Piece, Work

#: Invoices per transaction.
_PIECE = 500

_NEXT = """
SELECT seq FROM {invoices} WHERE seq > %(after)s AND kind = 'order'
 ORDER BY seq LIMIT %(limit)s
"""
#: Freight and fees of the file are lines like any other, so the order's own freight
#: stays 0 and its goods are the sum of its lines, as everywhere.
_ORDERS = """
WITH piece AS (
    SELECT i.*, id.public_id,
           (SELECT sum(r.price_minor * r.quantity) FROM {rows} r
             WHERE r.invoice = i.invoice)::bigint AS total
      FROM unnest(%(seqs)s::bigint[], %(ids)s::text[]) AS id (seq, public_id)
      JOIN {invoices} i USING (seq)
)
INSERT INTO orders_order (
    public_id, number, member_id, source, external_ref, region, state, currency,
    goods_minor, discount_minor, freight_minor, total_minor, paid_minor,
    refunded_minor, points_spent, quote_hash, placed_at, paid_at, closed_at)
SELECT p.public_id, 'OR-' || p.invoice, coalesce(m.merged_into_id, m.id),
       %(source)s, p.invoice, p.country,
       'completed', %(currency)s, p.total, 0, 0, p.total, p.total, 0, 0, '',
       p.at, p.at, p.at
  FROM piece p
  LEFT JOIN members_member m
    ON m.source = %(source)s AND m.external_id = nullif(p.customer, '')
 ORDER BY p.seq
ON CONFLICT DO NOTHING
"""
#: What was stored is known by the public ids made for this piece.
_LINES = """
INSERT INTO orders_orderline (
    order_id, position, variant_id, sku, name, kind, quantity, unit_price_minor,
    gross_minor, discount_minor, net_minor, refunded_quantity, refunded_minor,
    source_row)
SELECT o.id, row_number() OVER (PARTITION BY o.id ORDER BY r.row), v.id, r.sku,
       coalesce(nullif(r.description, ''), p.name), p.kind, r.quantity,
       r.price_minor, r.price_minor * r.quantity, 0, r.price_minor * r.quantity,
       0, 0, r.row
  FROM orders_order o
  JOIN {rows} r ON r.invoice = o.external_ref
  JOIN orders_variant v ON v.sku = r.sku
  JOIN orders_product p ON p.id = v.product_id
 WHERE o.public_id = ANY(%(ids)s)
"""
_EVENTS = """
INSERT INTO orders_orderevent (
    order_id, from_state, to_state, actor, reason, occurred_at)
SELECT id, '', 'completed', 'import', %(source)s, placed_at
  FROM orders_order WHERE public_id = ANY(%(ids)s) ORDER BY id
"""
_THERE = """
INSERT INTO orders_importissue
       (batch_id, "row", "column", code, value, invoice, is_stored)
SELECT %(batch)s, r.row, 'InvoiceNo', 'already_there', left(r.invoice, 80),
       left(r.invoice, 40), false
  FROM {invoices} i JOIN {rows} r USING (invoice)
 WHERE i.seq = ANY(%(seqs)s) AND NOT EXISTS (
       SELECT 1 FROM orders_order o
        WHERE o.external_ref = i.invoice AND o.source = %(source)s
          AND o.public_id = ANY(%(ids)s))
ON CONFLICT DO NOTHING
"""
_ADJUSTMENTS_THERE = """
INSERT INTO orders_importissue
       (batch_id, "row", "column", code, value, invoice, is_stored)
SELECT %(batch)s, r.row, 'InvoiceNo', 'already_there', left(r.invoice, 80),
       left(r.invoice, 40), false
  FROM {rows} r
 WHERE r.kind = 'adjustment' AND EXISTS (
       SELECT 1 FROM orders_adjustment a
        WHERE a.source = %(source)s AND a.external_ref = r.invoice)
ON CONFLICT DO NOTHING
"""
#: Nothing else turns an A invoice's sign: what the file says is what is booked.
_ADJUSTMENTS = """
INSERT INTO orders_adjustment (
    source, external_ref, source_row, kind, amount_minor, description, occurred_at)
SELECT %(source)s, r.invoice, r.row, 'bad_debt', r.price_minor * r.quantity,
       r.description, i.at
  FROM {rows} r JOIN {invoices} i USING (invoice)
 WHERE r.kind = 'adjustment' AND NOT EXISTS (
       SELECT 1 FROM orders_adjustment a
        WHERE a.source = %(source)s AND a.external_ref = r.invoice)
"""


def store_orders(work: Work, *, after: int) -> Piece:
    """Store the next orders behind invoice ``after``, with lines and history.

    They are completed and paid. An invoice that the books hold already is left as it
    is and its rows are reported.
    """
    seqs = [
        seq for (seq,) in work.staging.fetch(_NEXT, {"after": after, "limit": _PIECE})
    ]
    if not seqs:
        return Piece(next=None)
    params = {
        "seqs": seqs,
        "ids": [new_public_id("ord") for _ in seqs],
        "source": work.source,
        "currency": work.currency,
        "batch": work.staging.batch_id,
    }
    orders = work.staging.run(_ORDERS, params)
    lines = work.staging.run(_LINES, params)
    work.staging.run(_EVENTS, params)
    if orders < len(seqs):
        work.staging.run(_THERE, params)
    return Piece(
        next=seqs[-1], rows=lines, counts={"orders": orders, "order_lines": lines}
    )


def store_adjustments(work: Work, *, after: None) -> Piece:
    """Store every adjustment of the books, such as bad debts, in one piece."""
    assert after is None
    params = {"source": work.source, "batch": work.staging.batch_id}
    work.staging.run(_ADJUSTMENTS_THERE, params)
    stored = work.staging.run(_ADJUSTMENTS, params)
    return Piece(next=None, rows=stored, counts={"adjustments": stored})
