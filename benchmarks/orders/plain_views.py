"""The same answers as plain views: what a read costs without the API's framework.

``json_*`` reads with one statement and answers with ``JsonResponse``; ``sql_*`` passes
on what PostgreSQL wrote. Both run behind the shop's own middleware and sign-in.
"""

from django.db import connection
from django.http import HttpResponse, JsonResponse
from django.urls import path

from benchmarks.orders.goods import NOW
from crm.shared.money import as_api
from crm.urls import urlpatterns as of_the_shop
from orders.models import Order
from orders.queries.carts import contents_of, find_cart

_CART = """
SELECT json_build_object('id', k.public_id, 'coupons', k.coupon_codes, 'items', (
    SELECT json_agg(json_build_object(
        'id', l.public_id, 'sku', v.sku, 'option', v.option, 'quantity', l.quantity,
        'product', json_build_object('id', p.public_id, 'name', p.name),
        'unit_price', json_build_object(
            'amount', (v.price_minor / 100.0)::numeric(12, 2)::text, 'currency', 'CNY'),
        'total', json_build_object(
            'amount', (v.price_minor * l.quantity / 100.0)::numeric(12, 2)::text,
            'currency', 'CNY')) ORDER BY l.id)
      FROM orders_cartline l JOIN orders_variant v ON v.id = l.variant_id
      JOIN orders_product p ON p.id = v.product_id WHERE l.cart_id = k.id))::text
  FROM orders_cart k WHERE k.public_id = %s AND k.member_id = %s
"""
_ORDER = """
SELECT json_build_object('id', o.public_id, 'number', o.number, 'status', o.state,
    'total', json_build_object(
        'amount', (o.total_minor / 100.0)::numeric(12, 2)::text,
        'currency', o.currency),
    'items', (SELECT json_agg(json_build_object(
        'position', l.position, 'sku', l.sku, 'quantity', l.quantity, 'name', l.name,
        'total', json_build_object(
            'amount', (l.net_minor / 100.0)::numeric(12, 2)::text,
            'currency', o.currency),
        'discounts', (SELECT COALESCE(json_agg(json_build_object(
            'id', a.source_id, 'name', a.source_name,
            'amount', (a.amount_minor / 100.0)::numeric(12, 2)::text)), '[]')
          FROM orders_allocation a WHERE a.line_id = l.id)) ORDER BY l.position)
      FROM orders_orderline l WHERE l.order_id = o.id))::text
  FROM orders_order o WHERE o.public_id = %s AND o.member_id = %s
"""


def json_cart(request, cart: str) -> JsonResponse:
    """Answer with a cart at list prices, without any offer."""
    found = find_cart(public_id=cart, member_id=request.user.member.pk)
    items = contents_of(cart_id=found.pk, at=NOW).items
    return JsonResponse(
        {
            "id": found.public_id,
            "coupons": found.coupon_codes,
            "items": [
                {
                    "id": item.public_id,
                    "sku": item.sku,
                    "option": item.option,
                    "quantity": item.quantity,
                    "product": {"id": item.product_public_id, "name": item.label},
                    "unit_price": as_api(item.price_minor, "CNY"),
                    "total": as_api(item.price_minor * item.quantity, "CNY"),
                }
                for item in items
            ],
        }
    )


def json_order(request, order: str) -> JsonResponse:
    """Answer with an order and its lines."""
    found = Order.objects.get(public_id=order, member=request.user.member)
    lines = found.lines.order_by("position").prefetch_related("allocations")
    return JsonResponse(
        {
            "id": found.public_id,
            "number": found.number,
            "status": found.state,
            "total": as_api(found.total_minor, found.currency),
            "items": [
                {
                    "position": line.position,
                    "sku": line.sku,
                    "quantity": line.quantity,
                    "name": line.name,
                    "total": as_api(line.net_minor, found.currency),
                    "discounts": [
                        {
                            "id": each.source_id,
                            "name": each.source_name,
                            "amount": as_api(each.amount_minor, found.currency),
                        }
                        for each in line.allocations.all()
                    ],
                }
                for line in lines
            ],
        }
    )


def sql_cart(request, cart: str) -> HttpResponse:
    """Pass on a cart as PostgreSQL wrote it."""
    return _passed_on(_CART, cart, request)


def sql_order(request, order: str) -> HttpResponse:
    """Pass on an order as PostgreSQL wrote it."""
    return _passed_on(_ORDER, order, request)


def _passed_on(statement: str, public_id: str, request) -> HttpResponse:
    with connection.cursor() as cursor:
        cursor.execute(statement, [public_id, request.user.member.pk])
        (text,) = cursor.fetchone()
    return HttpResponse(text, content_type="application/json")


urlpatterns = [
    *of_the_shop,
    path("plain/json/carts/<str:cart>", json_cart),
    path("plain/json/orders/<str:order>", json_order),
    path("plain/sql/carts/<str:cart>", sql_cart),
    path("plain/sql/orders/<str:order>", sql_order),
]
