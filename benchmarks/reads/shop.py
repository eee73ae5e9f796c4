"""A shop to read: products with all that stands beside them, and orders of members."""

from dataclasses import dataclass

from django.db import connection
from django.test import Client

from crm.shared.clock import now
from members.models import Member, User
from members.rules.numbers import member_number
from orders.models import Attribute, Brand, Category, Channel, Variant
from orders.services.carts import add_item, create_cart

#: So many buyers share the orders evenly.
BUYERS = 10
CART_LINES = 5
#: What is read is as old as this, then younger by a minute each.
_BORN = "timestamptz '2020-01-01 00:00:00+00' + make_interval(mins => n)"
_PRODUCTS = f"""
INSERT INTO orders_product (
    public_id, kind, category_id, brand_id, tags, description, is_listed, words_due,
    created_at, name, name_en)
SELECT 'prd_' || lpad(n::text, 26, '0'), 'goods', 1 + n %% 40, 1 + n %% 200,
       ARRAY['gift', 'new'], 'Made by hand, to be washed by hand.', true, false,
       {_BORN}, '青瓷茶碗 ' || n, 'Celadon bowl no. ' || n
  FROM generate_series(1, %(rows)s) AS n
"""
_BESIDE_PRODUCTS = (
    """
INSERT INTO orders_variant (product_id, sku, option, price_minor, weight_grams, on_hand,
                            reserved, is_active)
SELECT p.id, 'SKU' || p.id || '-' || k, 'size ' || k, 1000 * k + p.id % 500, 300, 7, 2,
       true
  FROM orders_product p CROSS JOIN generate_series(1, 2) AS k
""",
    """
INSERT INTO orders_price (variant_id, kind, audience, amount_minor, starts_at, actor,
                          created_at)
SELECT v.id, 'sale', '', v.price_minor - 100, '2025-01-01', 'benchmark', '2025-01-01'
  FROM orders_variant v WHERE v.id % 2 = 0
""",
    """
INSERT INTO orders_productattribute (product_id, attribute_id, value, value_en)
SELECT p.id, a.id, '青瓷', 'celadon'
  FROM orders_product p CROSS JOIN orders_attribute a
""",
    """
INSERT INTO orders_productimage (public_id, product_id, alt, alt_en, position, picture,
                                 created_at)
SELECT 'img_' || lpad(p.id::text, 26, '0'), p.id, '茶碗', 'A bowl', 0, '\\x00',
       p.created_at FROM orders_product p
""",
)
_ORDERS = f"""
INSERT INTO orders_order (
    public_id, number, member_id, channel_id, source, region, campaign, device, state,
    currency, goods_minor, discount_minor, freight_minor, total_minor, paid_minor,
    refunded_minor, points_spent, is_protected, quote_hash, placed_at, paid_at)
SELECT 'ord_' || lpad(n::text, 26, '0'), 'B-' || lpad(n::text, 9, '0'),
       (%(buyers)s::bigint[])[1 + n %% {BUYERS}], 1, 'storefront', '浙江', 'autumn',
       'phone', 'paid', 'CNY', 5000, 500, 1000, 5500, 5500, 0, 0, false, '',
       {_BORN}, {_BORN}
  FROM generate_series(1, %(rows)s) AS n
"""
_BESIDE_ORDERS = (
    """
INSERT INTO orders_orderline (
    order_id, position, variant_id, sku, name, kind, quantity, list_price_minor,
    unit_price_minor, price_kind, gross_minor, discount_minor, net_minor,
    shipped_quantity, refunded_quantity, refunded_minor, returning_quantity)
SELECT o.id, k, v.id, v.sku, 'Celadon bowl ' || v.option, 'goods', 1, 2500, 2500,
       'list', 2500, 250, 2250, 1, 0, 0, 0
  FROM orders_order o CROSS JOIN generate_series(1, 2) AS k
  JOIN orders_variant v
    ON v.id = 1 + (o.id * 2 + k) % (SELECT max(id) FROM orders_variant)
 ORDER BY o.id, k
""",
    """
INSERT INTO orders_allocation (line_id, source_kind, source_id, source_name,
                               amount_minor, points)
SELECT l.id, 'promotion', 'prm_1', 'Autumn', 250, 0 FROM orders_orderline l
""",
    """
INSERT INTO orders_appliedoffer (order_id, stage, source_kind, source_id, source_name,
                                 amount_minor, points, terms, on_return)
SELECT o.id, 3, 'promotion', 'prm_1', 'Autumn', 500, 0, '{}', 'keep' FROM orders_order o
""",
    """
INSERT INTO orders_payment (public_id, order_id, provider, tender, amount_minor,
                            refunded_minor, state, created_at, captured_at)
SELECT 'pay_' || lpad(o.id::text, 26, '0'), o.id, 'test', '', 5500, 0, 'captured',
       o.placed_at, o.placed_at FROM orders_order o
""",
    """
INSERT INTO orders_shipment (public_id, order_id, carrier, tracking, state, actor,
                             sent_at)
SELECT 'shp_' || lpad(o.id::text, 26, '0'), o.id, 'SF', 'SF77', 'sent', 'benchmark',
       o.placed_at FROM orders_order o
""",
    """
INSERT INTO orders_shipmentline (shipment_id, order_line_id, quantity)
SELECT s.id, l.id, 1
  FROM orders_shipment s JOIN orders_orderline l ON l.order_id = s.order_id
""",
)


@dataclass(frozen=True, slots=True)
class Buyer:
    """A signed-in member, and the public id of a cart with ``CART_LINES`` lines."""

    member_id: int
    cookie: str
    cart: str


def fill(rows: int) -> Buyer:
    """Write so many products and orders; return one of the buyers."""
    Brand.objects.bulk_create(
        Brand(code=f"brand-{n}", name=f"品牌{n}", name_en=f"Brand{n}")
        for n in range(200)
    )
    Category.objects.bulk_create(
        Category(code=f"shelf-{n}", name=f"货架{n}") for n in range(40)
    )
    Attribute.objects.bulk_create(
        Attribute(code=code, name="材质", name_en=code)
        for code in ("material", "origin")
    )
    Channel.objects.create(code="web", name="web")
    members = Member.objects.bulk_create(
        Member(number=member_number(n + 1), name="Buyer", joined_at="2020-01-01T00:00Z")
        for n in range(BUYERS)
    )
    buyers = [member.pk for member in members]
    with connection.cursor() as cursor:
        # What is written here fits together; nobody has to look it up row by row.
        cursor.execute("SET session_replication_role = replica")
        cursor.execute(_PRODUCTS, {"rows": rows})
        for statement in _BESIDE_PRODUCTS:
            cursor.execute(statement)
        cursor.execute(_ORDERS, {"rows": rows, "buyers": buyers})
        for statement in _BESIDE_ORDERS:
            cursor.execute(statement)
        cursor.execute("SET session_replication_role = origin")
        cursor.execute("VACUUM ANALYZE")
    return _signed_in(members[0])


def _signed_in(member: Member) -> Buyer:
    user = User.objects.create_user("buyer")
    Member.objects.filter(pk=member.pk).update(user=user)
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    cart = create_cart(member_id=member.pk, now=now())
    skus = Variant.objects.order_by("id").values_list("sku", flat=True)
    for sku in skus[:CART_LINES]:
        add_item(cart_id=cart.pk, sku=sku, quantity=2, now=now())
    return Buyer(member.pk, client.cookies["sessionid"].value, cart.public_id)
