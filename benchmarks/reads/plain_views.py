"""The same answers without a framework.

``json``: what PostgreSQL wrote, decoded and written again by ``JsonResponse``.
``sql``: the same, passed on as it is. Both are the least that can be written: no
filter, no cursor, one language, one currency; of the cart no offer and no freight.
They run behind the shop's own middleware and sign-in.
"""

from collections.abc import Callable

from django.db import connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import path

ROWS = 20


def _money(minor: str) -> str:
    amount = f"(({minor}) / 100.0)::numeric(14, 2)::text"
    return f"json_build_object('amount', {amount}, 'currency', 'CNY')"


def _moment(column: str) -> str:
    return f"""to_char({column} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')"""


def _label(table: str) -> str:
    return f"COALESCE(NULLIF({table}.name_en, ''), {table}.name, '')"


_SALE = """
LEFT JOIN LATERAL (
    SELECT min(r.amount_minor) AS minor FROM orders_price r
     WHERE r.variant_id = v.id AND r.kind = 'sale' AND r.audience = ''
       AND r.starts_at <= now()
       AND (r.ends_at > now() OR r.ends_at IS NULL)) sale ON true
"""
_SKU = f"""json_build_object(
    'sku', v.sku, 'option', v.option, 'barcode', v.barcode,
    'weight_grams', v.weight_grams,
    'price', {_money("LEAST(sale.minor, v.price_minor)")},
    'list_price', {_money("v.price_minor")},
    'was', CASE WHEN sale.minor < v.price_minor THEN {_money("v.price_minor")} END,
    'price_kind', CASE WHEN sale.minor < v.price_minor THEN 'sale' ELSE 'list' END,
    'in_stock', v.on_hand IS NULL OR v.on_hand > v.reserved)"""
_PRODUCT = f"""json_build_object(
    'id', p.public_id, 'name', {_label("p")}, 'kind', p.kind, 'brand', {_label("b")},
    'brand_code', b.code, 'category', c.code, 'tags', p.tags,
    'description', p.description,
    'attributes', COALESCE((
        SELECT json_agg(json_build_object(
            'code', a.code, 'name', {_label("a")},
            'value', COALESCE(NULLIF(x.value_en, ''), x.value))
            ORDER BY a.code, x.value)
          FROM orders_productattribute x
          JOIN orders_attribute a ON a.id = x.attribute_id
         WHERE x.product_id = p.id), '[]'),
    'images', COALESCE((
        SELECT json_agg(json_build_object(
            'url', '/api/storefront/v1/products/' || p.public_id || '/images/'
                   || i.public_id,
            'alt', COALESCE(NULLIF(i.alt_en, ''), i.alt), 'sku', v.sku)
            ORDER BY i.position, i.id)
          FROM orders_productimage i LEFT JOIN orders_variant v ON v.id = i.variant_id
         WHERE i.product_id = p.id), '[]'),
    'variants', COALESCE((
        SELECT json_agg({_SKU} ORDER BY v.price_minor, v.id)
          FROM orders_variant v {_SALE}
         WHERE v.product_id = p.id AND v.is_active), '[]'))"""
_PRODUCTS = f"""
SELECT {_PRODUCT} FROM orders_product p
  LEFT JOIN orders_brand b ON b.id = p.brand_id
  LEFT JOIN orders_category c ON c.id = p.category_id
 WHERE p.is_listed AND p.kind IN ('goods', 'gift_card') AND NOT EXISTS (
       SELECT FROM orders_product_channels x WHERE x.product_id = p.id)
"""  # noqa: S608
_REDUCTION = f"""'type', a.source_kind, 'id', a.source_id, 'name', a.source_name,
    'amount', {_money("a.amount_minor")}, 'points', a.points"""
_ORDER = f"""
    'id', o.public_id, 'number', o.number, 'status', o.state, 'channel', ch.code,
    'campaign', o.campaign, 'device', o.device,
    'items', (
        SELECT json_agg(json_build_object(
            'position', l.position,
            'product', json_build_object('id', p.public_id, 'name', l.name),
            'sku', l.sku, 'quantity', l.quantity,
            'list_price', {_money("COALESCE(l.list_price_minor, l.unit_price_minor)")},
            'unit_price', {_money("l.unit_price_minor")},
            'subtotal', {_money("l.gross_minor")},
            'discounts', COALESCE((
                SELECT json_agg(json_build_object({_REDUCTION}) ORDER BY a.id)
                  FROM orders_allocation a WHERE a.line_id = l.id), '[]'),
            'total', {_money("l.net_minor")}, 'shipped_quantity', l.shipped_quantity,
            'refunded_quantity', l.refunded_quantity) ORDER BY l.position)
          FROM orders_orderline l JOIN orders_variant v ON v.id = l.variant_id
          JOIN orders_product p ON p.id = v.product_id WHERE l.order_id = o.id),
    'totals', json_build_object(
        'goods', {_money("o.goods_minor")}, 'discount', {_money("o.discount_minor")},
        'freight', {_money("o.freight_minor")}, 'total', {_money("o.total_minor")}),
    'paid', {_money("o.paid_minor")}, 'refunded', {_money("o.refunded_minor")},
    'points_spent', o.points_spent,
    'refunds', COALESCE((
        SELECT json_agg(json_build_object(
            'id', r.public_id, 'status', r.state, 'amount', {_money("r.amount_minor")},
            'freight', {_money("r.freight_minor")},
            'points_returned', r.points_returned,
            'requested_at', {_moment("r.requested_at")},
            'completed_at', {_moment("r.completed_at")}) ORDER BY r.id)
          FROM orders_refund r WHERE r.order_id = o.id), '[]'),
    'placed_at', {_moment("o.placed_at")},
    'payment_due_at', {_moment("o.payment_due_at")}, 'paid_at', {_moment("o.paid_at")},
    'shipped_at', {_moment("o.shipped_at")},
    'delivered_at', {_moment("o.delivered_at")}, 'closed_at', {_moment("o.closed_at")}
"""
_ORDER_IN_DETAIL = f"""{_ORDER},
    'offers', COALESCE((
        SELECT json_agg(json_build_object({_REDUCTION}, 'shares', (
            SELECT json_agg(json_build_object(
                'position', l.position, 'amount', {_money("s.amount_minor")},
                'points', s.points) ORDER BY l.position)
              FROM orders_allocation s JOIN orders_orderline l ON l.id = s.line_id
             WHERE l.order_id = o.id AND s.source_kind = a.source_kind
               AND s.source_id = a.source_id)) ORDER BY a.stage, a.id)
          FROM orders_appliedoffer a WHERE a.order_id = o.id), '[]'),
    'tenders', COALESCE((
        SELECT json_agg(json_build_object(
            'id', t.public_id, 'provider', t.provider, 'tender', t.tender,
            'status', t.state, 'amount', {_money("t.amount_minor")},
            'refunded', {_money("t.refunded_minor")},
            'captured_at', {_moment("t.captured_at")}) ORDER BY t.id)
          FROM orders_payment t WHERE t.order_id = o.id
           AND t.state IN ('held', 'captured', 'surplus', 'returned')), '[]'),
    'shipments', COALESCE((
        SELECT json_agg(json_build_object(
            'id', s.public_id, 'status', s.state, 'carrier', s.carrier,
            'tracking', s.tracking, 'items', (
                SELECT json_agg(json_build_object(
                    'position', l.position, 'quantity', x.quantity)
                    ORDER BY l.position)
                  FROM orders_shipmentline x
                  JOIN orders_orderline l ON l.id = x.order_line_id
                 WHERE x.shipment_id = s.id),
            'sent_at', {_moment("s.sent_at")},
            'delivered_at', {_moment("s.delivered_at")}) ORDER BY s.sent_at, s.id)
          FROM orders_shipment s WHERE s.order_id = o.id), '[]')
"""
_ORDERS = """
SELECT json_build_object({what}) FROM orders_order o
  LEFT JOIN orders_channel ch ON ch.id = o.channel_id WHERE o.member_id = %s
"""
_CART = f"""
SELECT json_build_object('id', k.public_id, 'coupons', k.coupon_codes, 'items', (
    SELECT json_agg(json_build_object(
        'id', l.public_id, 'sku', v.sku, 'option', v.option, 'quantity', l.quantity,
        'product', json_build_object('id', p.public_id, 'name', {_label("p")}),
        'list_price', {_money("v.price_minor")},
        'unit_price', {_money("LEAST(sale.minor, v.price_minor)")},
        'subtotal', {_money("LEAST(sale.minor, v.price_minor) * l.quantity")})
        ORDER BY l.id)
      FROM orders_cartline l JOIN orders_variant v ON v.id = l.variant_id {_SALE}
      JOIN orders_product p ON p.id = v.product_id WHERE l.cart_id = k.id))
  FROM orders_cart k WHERE k.member_id = %s AND k.public_id = %s
"""  # noqa: S608
#: What is read -> statement of one JSON text a row, and whether it is a member's.
READS = {
    "products": (
        f"{_PRODUCTS} ORDER BY p.created_at DESC, p.id DESC LIMIT {ROWS}",
        False,
    ),
    "product": (f"{_PRODUCTS} AND p.public_id = %s", False),
    "orders": (
        _ORDERS.format(what=_ORDER)
        + f" ORDER BY o.placed_at DESC, o.id DESC LIMIT {ROWS}",
        True,
    ),
    "order": (
        _ORDERS.format(what=_ORDER_IN_DETAIL) + " AND o.public_id = %s",
        True,
    ),
    "cart": (_CART, True),
}


def _view(statement: str, is_members: bool, *, is_decoded: bool) -> Callable:
    def view(request: HttpRequest, public_id: str = "") -> HttpResponse:
        params = [request.user.member.pk] if is_members else []
        if public_id:
            params.append(public_id)
        with connection.cursor() as cursor:
            if is_decoded:
                cursor.execute(statement, params)
                rows = [row for (row,) in cursor.fetchall()]
                return JsonResponse(rows[0] if public_id else {"data": rows})
            cursor.execute(f"SELECT x::text FROM ({statement}) AS t (x)", params)
            texts = [text for (text,) in cursor.fetchall()]
        body = texts[0] if public_id else f'{{"data": [{", ".join(texts)}]}}'
        return HttpResponse(body, content_type="application/json")

    return view


urlpatterns = [
    path(
        f"api/plain/{side}/{name}{'' if name.endswith('s') else '/<str:public_id>'}",
        _view(statement, is_members, is_decoded=side == "json"),
    )
    for name, (statement, is_members) in READS.items()
    for side in ("json", "sql")
]
