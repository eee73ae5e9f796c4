"""The guards of orders, taken away: for controls of races, which must go wrong.

Each function lets all rivals read before anybody writes, so that what the guard
prevents happens every time, not by luck.
"""

from django.db import connection
from django.db.models import F

from orders.models import Order, Variant
from orders.queries.carts import open_carts
from orders.services import checkout, payment, refunding
from orders.services.stocking import OutOfStock
from tests.faults.callers import rendezvous, without


def unlock_stock(monkeypatch, count: int) -> None:
    """Reserve by reading, then writing."""
    meet = rendezvous(count)
    without("orders_variant", "variant_reserved_is_within_stock")

    def read_then_write(quantities, **_why):
        (pk,) = quantities
        variant = Variant.objects.get(pk=pk)
        meet()
        if variant.on_hand - variant.reserved < 1:
            raise OutOfStock(sku="LAST")
        Variant.objects.filter(pk=pk).update(reserved=F("reserved") + 1)

    monkeypatch.setattr(checkout, "reserve_stock", read_then_write)


def unlock_carts(monkeypatch, count: int) -> None:
    """Order a cart without its lock, and as often as one likes."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT conname FROM pg_constraint WHERE conrelid = 'orders_order'::regclass"
            " AND contype = 'u' AND conname LIKE '%%cart%%'"
        )
        (unique,) = cursor.fetchone()
    without("orders_order", unique)
    monkeypatch.setattr(
        checkout,
        "lock_cart",
        lambda *, cart_id: open_carts().get(pk=cart_id),
    )
    meet, check = rendezvous(count), checkout._refuse_unsellable
    monkeypatch.setattr(
        checkout, "_refuse_unsellable", lambda *what: (meet(), check(*what))
    )


def unlock_payments(monkeypatch, count: int) -> None:
    """Take a provider's message without locks, and as often as it comes."""
    without("orders_paymentcallback", "payment_callback_once")
    without("orders_variant", "variant_reserved_is_within_stock")
    without("orders_order", "order_paid_is_within_total")
    monkeypatch.setattr(payment, "lock_stock", lambda units: None)
    monkeypatch.setattr(payment, "lock_order", _read_order)
    monkeypatch.setattr(payment, "count_capture", _count_blindly)
    meet, known = rendezvous(count), payment.is_known
    monkeypatch.setattr(
        payment, "is_known", lambda **which: (meet(), known(**which))[1]
    )


def unlock_refunds(monkeypatch, count: int) -> None:
    """Read the order of a refund without its lock; constraints stay."""
    meet, reserve = rendezvous(count), refunding._reserve
    monkeypatch.setattr(refunding, "lock_order", _read_order)
    monkeypatch.setattr(refunding, "_reserve", lambda *given: (meet(), reserve(*given)))


def _count_blindly(order: Order, amount_minor: int) -> bool:
    order.paid_minor += amount_minor
    return True


def _read_order(*, order_id: int) -> Order:
    return Order.objects.get(pk=order_id)
