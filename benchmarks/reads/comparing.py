"""Fill the shop of the environment, read it from all sides in turn, print tables."""

# isort: off
import django

django.setup()
# isort: on

import sys
import time
from collections.abc import Callable
from dataclasses import replace
from statistics import median, quantiles
from typing import Any

from django.conf import settings
from django.db import connection

from benchmarks.measuring import in_turn, ratio, said, table
from benchmarks.orders.costing import Cost, statements, timed
from benchmarks.reads.asking import Shop
from benchmarks.reads.shop import BUYERS, Buyer, fill
from crm.shared.paging import seal_cursor

API = "/api/storefront/v1"
#: Name -> our address; a list, or one of it by public id.
LISTS = {"products": f"{API}/products", "orders": f"{API}/me/orders"}
ONES = {
    "product": f"{API}/products",
    "order": f"{API}/me/orders",
    "cart": f"{API}/carts",
}
#: How the pages of a list know each other (``crm.shared.paging.CursorPage``).
_SCOPES = {
    "products": (
        "orders.api.catalogue_views.Products|['-created_at', '-id']|1",
        "SELECT created_at, id FROM orders_product ORDER BY created_at DESC, id DESC",
    ),
    "orders": (
        "orders.api.order_views.MyOrders|['-placed_at', '-id']|1",
        "SELECT placed_at, id FROM orders_order WHERE member_id = %(member)s "
        "ORDER BY placed_at DESC, id DESC",
    ),
}


def main(rows: int, turns: int, batch: int) -> None:
    """Measure with so many products and orders; ``batch`` requests a turn and side."""
    with said(f"Filling in {rows:,d} products and orders"):
        buyer = fill(rows)
        # One connection throughout: its process is what is measured.
        connection.settings_dict["CONN_MAX_AGE"] = None
        # And it does all its work: of helpers that count a table with it nobody would
        # know what they took.
        options = connection.settings_dict["OPTIONS"]
        said_before = options.get("options", "")
        options["options"] = f"{said_before} -c max_parallel_workers_per_gather=0"
        connection.close()
    settings.ROOT_URLCONF = "benchmarks.reads.asking"
    settings.ALLOWED_HOSTS = ["*"]
    visitor = Shop.opened()
    member = replace(visitor, cookie=buyer.cookie)
    # Plain views ask nobody who they are where anybody may read; then nor do we.
    readers = {"product": visitor, "order": member, "cart": member}
    newest = {
        name[:-1]: readers[name[:-1]].read(f"{where}?limit=1")["data"][0]["id"]
        for name, where in LISTS.items()
    }
    newest["cart"] = buyer.cart
    with said("Reading lists"):
        lists = [listed(readers[name[:-1]], name, turns, batch) for name in LISTS]
    with said("Reading single ones"):
        ones = [
            single(readers[name], name, newest[name], turns, batch) for name in ONES
        ]
    with said("Reading far from the beginning"):
        far = [
            deep(readers[name[:-1]], name, rows, buyer, turns, batch) for name in LISTS
        ]
    with said("Counting"):
        counts = [
            counted(readers[name[:-1]], name, buyer, turns, batch) for name in LISTS
        ]
    with said("Waiting for the slowest of a hundred"):
        slow = [slowest(readers[name[:-1]], name, turns, 10 * batch) for name in LISTS]
    peers = ["JsonResponse / ours", "PostgreSQL's / ours"]
    first = ["read", "ms", "statements"]
    print(f"\n{table([*first, 'by number / ours', 'cursor / ours', *peers], lists)}\n")
    print(f"{table([*first, 'DRF / ours', *peers], ones)}\n")
    print(f"{table(['read', 'rows before', 'there / page 1'], far)}\n")
    heads = ["list", "said to have", "ms more with a total", "count(*) / that"]
    print(f"{table(heads, counts)}\n")
    print(f"{table(['99 of 100 wait at most', 'ours ms', 'ours / cursor'], slow)}\n")


def listed(shop: Shop, name: str, turns: int, batch: int) -> list[str]:
    """Return the line of a list."""
    peers = [f"/api/drf/{name}", f"/api/drf/cursor/{name}"]
    peers += [f"/api/plain/json/{name}", f"/api/plain/sql/{name}"]
    return compared(shop, name, LISTS[name], peers, turns, batch)


def single(shop: Shop, name: str, one: str, turns: int, batch: int) -> list[str]:
    """Return the line of a detail, by public id."""
    peers = [f"/api/{side}/{name}/{one}" for side in ("drf", "plain/json", "plain/sql")]
    return compared(shop, name, f"{ONES[name]}/{one}", peers, turns, batch)


def compared(
    shop: Shop, name: str, ours: str, peers: list[str], turns: int, batch: int
) -> list[str]:
    """Return cost, statements and how many times longer each peer takes.

    Raises:
        SystemExit: a peer says something else.
    """
    for peer in peers:
        if not says(shop.read(ours), shop.read(peer)):
            sys.exit(f"{ours} and {peer} differ.")
    found = in_turn(
        {address: reading(shop, address, batch) for address in (ours, *peers)},
        turns=turns,
    )
    cpu = {address: [cost.cpu_ms for cost in costs] for address, costs in found.items()}
    return [
        name,
        f"{median(cpu[ours]):.2f}",
        # Now and then a process asks the shop's clock, too.
        str(min(statements(lambda: shop.get(ours)) for _again in range(2))),
        *(str(ratio(cpu[peer], cpu[ours])) for peer in peers),
    ]


def says(ours: Any, theirs: Any) -> bool:
    """Return whether we say all that they say; we may say more."""
    if isinstance(theirs, dict):
        rows = theirs.get("results", theirs.get("data"))
        if rows is not None:
            return says(ours["data"], rows)
        return all(name in ours and says(ours[name], theirs[name]) for name in theirs)
    if isinstance(theirs, list):
        return len(ours) == len(theirs) and all(map(says, ours, theirs))
    return ours == theirs


def deep(
    shop: Shop, name: str, rows: int, buyer: Buyer, turns: int, batch: int
) -> list[str]:
    """Return the line of a page behind four fifths of a list, beside its first page.

    Raises:
        SystemExit: the page does not begin behind the row it should.
    """
    scope, order = _SCOPES[name]
    before = (rows if name == "products" else rows // BUYERS) * 4 // 5
    with connection.cursor() as cursor:
        params = {"member": buyer.member_id, "before": before}
        cursor.execute(f"{order} LIMIT 2 OFFSET %(before)s - 1", params)
        (at, pk), (_at, following) = cursor.fetchall()
        cursor.execute(
            f"SELECT public_id FROM orders_{name[:-1]} WHERE id = %s", [following]
        )
        expected = cursor.fetchone()[0]
    far = f"{LISTS[name]}?cursor={seal_cursor([False, 0, at, pk], scope)}"
    if shop.read(far)["data"][0]["id"] != expected:
        sys.exit(f"{far} begins elsewhere.")
    found = in_turn(
        {
            address: reading(shop, address, batch)
            for address in (far, f"{LISTS[name]}?limit=20")
        },
        turns=turns,
    )
    there, here = ([cost.cpu_ms for cost in costs] for costs in found.values())
    return [name, f"{before:,d}", str(ratio(there, here))]


def counted(shop: Shop, name: str, buyer: Buyer, turns: int, batch: int) -> list[str]:
    """Return the line of a list that says how many rows it has, beside counting all."""
    address = f"{LISTS[name]}?limit=1"
    asking = f"{address}&include=total"
    total = shop.read(asking)["page"]["total"]
    found = in_turn(
        {
            **{each: reading(shop, each, batch) for each in (address, asking)},
            "count(*)": counting(name, buyer),
        },
        turns=turns,
    )
    alone, both, every = ([cost.cpu_ms for cost in costs] for costs in found.values())
    more = [with_it - without for with_it, without in zip(both, alone, strict=True)]
    about = "" if total["exact"] else "about "
    return [
        name,
        f"{about}{total['count']:,d}",
        f"{median(more):.2f}",
        f"{median(every) / median(more):.0f}",
    ]


def counting(name: str, buyer: Buyer) -> Callable[[], Cost]:
    """Return a function that counts a list whole, as pages by number do."""
    where = "is_listed" if name == "products" else "member_id = %(member)s"
    text = f"SELECT count(*) FROM orders_{name[:-1]} WHERE {where}"  # noqa: S608

    def count() -> None:
        with connection.cursor() as cursor:
            cursor.execute(text, {"member": buyer.member_id})

    connection.ensure_connection()
    return timed(count, 1, connection.connection.info.backend_pid)


def slowest(shop: Shop, name: str, turns: int, batch: int) -> list[str]:
    """Return the line of how long the slowest of a hundred readers of a list wait."""
    peer = f"/api/drf/cursor/{name}"
    found = in_turn(
        {each: waiting(shop, each, batch) for each in (LISTS[name], peer)}, turns=turns
    )
    ours, theirs = found.values()
    return [name, f"{median(ours):.2f}", str(ratio(ours, theirs))]


def waiting(shop: Shop, address: str, batch: int) -> Callable[[], float]:
    """Return a function that reads an address so often and says the 99th of 100 ms."""

    def read() -> float:
        took = []
        for _time in range(batch):
            started = time.perf_counter()
            shop.get(address)
            took.append((time.perf_counter() - started) * 1000)
        return quantiles(took, n=100)[98]

    return read


def reading(shop: Shop, address: str, batch: int) -> Callable[[], Cost]:
    """Return a function that reads an address so often and says what one took."""
    connection.ensure_connection()
    server = connection.connection.info.backend_pid
    return timed(lambda: shop.get(address), batch, server)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
