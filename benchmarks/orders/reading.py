"""Reads of the storefront API beside plain views, in turn, through the whole stack."""

import time
from collections.abc import Callable

from django.db import connection
from django.test import Client, override_settings

from benchmarks.measuring import in_turn, ratio, table
from benchmarks.orders import goods
from members.models import Member, User
from orders.models import Cart
from orders.services.checkout import place_order
from orders.services.quoting import quote_cart

API = "/api/storefront/v1"
HEADINGS = [
    *("read", "lines", "ms", "statements", "JsonResponse / ours", "PostgreSQL's / ours")
]


def read_table(*, turns: int, batch: int) -> str:
    """Return the table of cart and order, at 5 and 20 lines."""
    rows = []
    with override_settings(
        ROOT_URLCONF="benchmarks.orders.plain_views", ALLOWED_HOSTS=["*"]
    ):
        for lines in (5, 20):
            client, cart, order = _buyer(lines)
            for name, ours, plain in (
                ("cart", f"{API}/carts/{cart}", f"carts/{cart}"),
                ("order", f"{API}/me/orders/{order}", f"orders/{order}"),
            ):
                rows.append([name, *_row(client, ours, plain, lines, turns, batch)])
    return table(HEADINGS, rows)


def _row(
    client: Client, ours: str, plain: str, lines: int, turns: int, batch: int
) -> list[str]:
    counted: list[str] = []

    def count(execute, sql, *rest):
        counted.append(sql)
        return execute(sql, *rest)

    with connection.execute_wrapper(count):
        body = client.get(ours).json()
    assert len(body["items"]) == lines, body
    found = in_turn(
        {
            "ours": _timed(client, ours, batch),
            "json": _timed(client, f"/plain/json/{plain}", batch),
            "sql": _timed(client, f"/plain/sql/{plain}", batch),
        },
        turns=turns,
    )
    return [
        str(lines),
        f"{min(found['ours']):.2f}",
        str(len(counted)),
        str(ratio(found["json"], found["ours"])),
        str(ratio(found["sql"], found["ours"])),
    ]


def _timed(client: Client, where: str, times: int) -> Callable[[], float]:
    def run() -> float:
        started = time.process_time()
        for _ in range(times):
            answer = client.get(where)
            assert answer.status_code == 200, answer.content
        return (time.process_time() - started) / times * 1000

    return run


def _buyer(lines: int) -> tuple[Client, str, str]:
    """Return a signed-in member's client, with a cart and an order of so many lines."""
    kept, ordered = goods.fill_carts(2, lines)
    user = User.objects.create_user(f"buyer{lines}")
    member = Cart.objects.get(pk=kept).member
    Member.objects.filter(pk=member.pk).update(user=user)
    Cart.objects.filter(pk=ordered).update(member=member)
    cart = Cart.objects.get(pk=ordered)
    quote = quote_cart(cart=cart, now=goods.NOW)
    order = place_order(cart_id=ordered, quote_hash=quote.hash, now=goods.NOW)
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client, Cart.objects.get(pk=kept).public_id, order.public_id
