"""Fill the shop of the environment, order in turn with bare SQL, print the table."""

# isort: off
import django

django.setup()
# isort: on

import os
import sys
from statistics import median

import psycopg
from django.db import connection

from benchmarks.measuring import in_turn, ratio, said, table
from benchmarks.orders import bare, goods
from benchmarks.orders.costing import statements, timed
from orders.models import Cart
from orders.services.checkout import place_order
from orders.services.quoting import quote_cart

OFFERS = (1, 10, 100, 1_000)
LINES = (1, 5, 20)
HEADINGS = [
    *("offers", "lines", "quote ms", "statements", "checkout ms", "statements"),
    *("bare ms", "bare / checkout, wall", "bare / checkout, CPU"),
]
#: What an order leaves in the books, without keys and chance.
_BOOKS = """
SELECT o.state, o.goods_minor, o.discount_minor, o.freight_minor, o.total_minor,
       o.quote_hash, o.currency, o.payment_due_at, o.audiences,
  (SELECT json_agg(to_jsonb(l) - 'id' - 'order_id' ORDER BY l.position)::text
     FROM orders_orderline l WHERE l.order_id = o.id),
  (SELECT json_agg(to_jsonb(a) - 'id' - 'line_id' ORDER BY l.position, a.id)::text
     FROM orders_allocation a JOIN orders_orderline l ON l.id = a.line_id
    WHERE l.order_id = o.id),
  (SELECT json_agg(to_jsonb(f) - 'id' - 'order_id' ORDER BY f.id)::text
     FROM orders_appliedoffer f WHERE f.order_id = o.id),
  (SELECT json_agg(to_jsonb(u) - 'id' - 'order_id' ORDER BY u.id)::text
     FROM campaigns_promotionuse u WHERE u.order_id = o.id),
  (SELECT json_agg(to_jsonb(e) - 'id' - 'order_id')::text
     FROM orders_orderevent e WHERE e.order_id = o.id),
  (SELECT count(*) FROM shared_fact
    WHERE name = 'orders.OrderPlaced' AND payload ->> 'order_id' = o.id::text)
FROM orders_order o WHERE o.cart_id = ANY(%s) ORDER BY o.cart_id
"""


def main(turns: int, batch: int) -> None:
    """Measure every number of offers and lines; ``batch`` orders a turn and side."""
    goods.stock_the_shelves()
    with bare.connect(os.environ["DATABASE_URL"]) as other:
        rows = []
        for offers in OFFERS:
            goods.put_on(offers)
            for lines in LINES:
                with said(f"{offers} offers, {lines} lines"):
                    rows.append(measured(other, offers, lines, turns, batch))
    print(f"\n{table(HEADINGS, rows)}\n")


def measured(
    other: psycopg.Connection, offers: int, lines: int, turns: int, batch: int
) -> list[str]:
    """Return one line of the table.

    Raises:
        SystemExit: the two sides left different books.
    """
    # One batch more: the first turn is not counted.
    ours = goods.fill_carts(batch * (turns + 1), lines)
    theirs = goods.fill_carts(batch * (turns + 1), lines)
    carts = Cart.objects.in_bulk([*ours, *theirs])
    quotes = {pk: quote_cart(cart=carts[pk], now=goods.NOW) for pk in carts}
    sales = [bare.Sale(pk, carts[pk].member_id, quotes[pk], goods.NOW) for pk in theirs]
    asking = [carts[pk] for pk in ours]
    quoted = statements(lambda: quote_cart(cart=asking[0], now=goods.NOW))
    placed: list[int] = []

    def place() -> None:
        pk = ours[len(placed)]
        placed.append(pk)
        place_order(cart_id=pk, quote_hash=quotes[pk].hash, now=goods.NOW)

    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    sold, asked = iter(sales), iter(asking * (turns + 1))
    mine = connection.connection.info.backend_pid
    found = in_turn(
        {
            "quote": timed(
                lambda: quote_cart(cart=next(asked), now=goods.NOW), batch, mine
            ),
            "bare": timed(
                lambda: bare.write(other, next(sold)), batch, other.info.backend_pid
            ),
            "checkout": timed(place, batch, mine),
        },
        turns=turns,
    )
    if books(ours) != books(theirs):
        sys.exit(f"{offers} offers, {lines} lines: the books differ.")
    last = goods.fill_carts(1, lines)[0]
    last_quote = quote_cart(cart=Cart.objects.get(pk=last), now=goods.NOW)
    ordered = statements(
        lambda: place_order(cart_id=last, quote_hash=last_quote.hash, now=goods.NOW)
    )
    bare_side, ours_side = found["bare"], found["checkout"]
    return [
        *(str(offers), str(lines)),
        f"{median(c.cpu_ms for c in found['quote']):.2f}",
        str(quoted),
        f"{median(c.cpu_ms for c in ours_side):.2f}",
        str(ordered),
        f"{median(c.cpu_ms for c in bare_side):.2f}",
        str(ratio([c.wall_ms for c in bare_side], [c.wall_ms for c in ours_side])),
        str(ratio([c.cpu_ms for c in bare_side], [c.cpu_ms for c in ours_side])),
    ]


def books(carts: list[int]) -> list[tuple]:
    """Return what the orders of some carts left behind."""
    with connection.cursor() as cursor:
        cursor.execute(_BOOKS, [carts])
        return cursor.fetchall()


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
