"""Carts as their holders may see them, and all that a price needs to know of one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.db.models import Q, QuerySet

from crm.shared.bilingual import Bilingual
from crm.shared.fields import Sealed
from crm.shared.planned import planned_cursor
from crm.shared.whole_rows import Columns
from members.models import Address
from orders.models import Cart
from orders.queries.freight import COLUMNS, rule_of
from orders.queries.prices import RUNNING_PRICES, options_of, shop_floor
from orders.rules.freight import FreightRule
from orders.rules.lines import PriceLine, brand_marks

_PROVINCE = Address._meta.get_field("province")
_FREIGHT = ", ".join(f"f.{name}" for name in COLUMNS)
#: A product without channels is sold in all of them.
_IN_CHANNEL = """(
    NOT EXISTS (SELECT FROM orders_product_channels x WHERE x.product_id = p.id)
    OR EXISTS (SELECT FROM orders_product_channels x
               WHERE x.product_id = p.id AND x.channel_id = k.channel_id)
)"""
#: What the catalogue says of SKU ``v`` of product ``p``, in the order of ``CartItem``.
ARTICLE = f"""v.id, v.sku, v.option, v.price_minor,
            v.cost_minor, v.minimum_price_minor,
            COALESCE(v.weight_grams, 0), v.on_hand, v.reserved, v.is_active,
            p.id, p.public_id, p.name, p.name_en, p.kind, p.is_listed,
            p.category_id, c.lineage, {RUNNING_PRICES}"""
_ARTICLES = f"""
SELECT json_build_array('', w.quantity, {ARTICLE}, true, NULL, '', p.brand_id)
  FROM unnest(%(skus)s::text[], %(quantities)s::int[])
       WITH ORDINALITY AS w (sku, quantity, place)
  JOIN orders_variant v ON v.sku = w.sku
  JOIN orders_product p ON p.id = v.product_id
  LEFT JOIN orders_category c ON c.id = p.category_id
 ORDER BY w.place
"""  # noqa: S608
_CONTENTS = f"""
SELECT ch.code, k.province, a.public_id, a.province,
  (SELECT json_agg(json_build_array(l.public_id, l.quantity, {ARTICLE},
            {_IN_CHANNEL}, l.agreed_minor, l.agreed_kind, p.brand_id) ORDER BY l.id)
     FROM orders_cartline l
     JOIN orders_variant v ON v.id = l.variant_id
     JOIN orders_product p ON p.id = v.product_id
     LEFT JOIN orders_category c ON c.id = p.category_id
    WHERE l.cart_id = k.id),
  (SELECT json_agg(json_build_array({_FREIGHT}) ORDER BY f.priority DESC, f.id)
     FROM orders_freightrule f WHERE f.is_active),
  (SELECT o.id FROM orders_order o WHERE o.cart_id = k.id)
FROM orders_cart k
LEFT JOIN orders_channel ch ON ch.id = k.channel_id
LEFT JOIN members_address a ON a.id = k.address_id
WHERE k.id = %(cart)s
"""  # noqa: S608
_CONTENTS_OF_MANY = (
    _CONTENTS.replace("SELECT ch.code", "SELECT k.id, ch.code", 1)
    .replace("k.id = %(cart)s", "k.id = ANY(%(carts)s)")
    .replace("%(at)s", "k.updated_at")
)
_CART = Columns(Cart, "k")
_WITH_CART = _CONTENTS.replace("SELECT ch.code", f"SELECT {_CART.text}, ch.code", 1)
#: As ``find_cart`` and ``newest_open_cart`` find them.
_FOUND = _WITH_CART.replace(
    "k.id = %(cart)s",
    """k.public_id = %(public_id)s AND k.merged_into_id IS NULL
   AND (k.member_id IS NULL OR k.member_id = %(member)s)""",
)
_NEWEST = _WITH_CART.replace(
    "k.id = %(cart)s",
    """k.member_id = %(member)s AND k.merged_into_id IS NULL
   AND NOT EXISTS (SELECT FROM orders_order d WHERE d.cart_id = k.id)
 ORDER BY k.updated_at DESC, k.id DESC LIMIT 1""",
)


@dataclass(frozen=True, slots=True)
class CartItem(Bilingual):
    """So many of one SKU, with what the catalogue says about it now."""

    public_id: str
    quantity: int
    variant_id: int
    sku: str
    option: str
    price_minor: int
    cost_minor: int | None
    minimum_price_minor: int | None
    weight_grams: int
    on_hand: int | None
    reserved: int
    is_active: bool
    product_id: int
    product_public_id: str
    name: str
    name_en: str
    kind: str
    is_listed: bool
    category_id: int | None
    #: Ids from the root of the category tree down to the product's.
    lineage: list[int] | None
    #: As ``orders.queries.prices`` reads them.
    prices: list[list] | None
    #: Whether the cart's channel sells it.
    is_in_channel: bool
    #: A price agreed elsewhere, and by what; None for all other lines.
    agreed_minor: int | None
    agreed_kind: str
    brand_id: int | None

    @property
    def is_sold(self) -> bool:
        """Whether it can be ordered as far as the catalogue goes."""
        return self.is_active and self.is_listed and self.is_in_channel

    @property
    def is_in_stock(self) -> bool:
        """Whether so many are left; always where stock is not kept."""
        return self.on_hand is None or self.on_hand - self.reserved >= self.quantity

    @property
    def is_available(self) -> bool:
        """Whether so many can be ordered now."""
        return self.is_sold and self.is_in_stock

    def priced_at(self, position: int) -> PriceLine:
        """Return the line as the pricing function sees it."""
        own = () if self.category_id is None else (self.category_id,)
        floor_minor, kind = shop_floor(self.minimum_price_minor, self.cost_minor)
        line = PriceLine(
            position=position,
            variant_id=self.variant_id,
            product_id=self.product_id,
            category_id=self.category_id,
            sku=self.sku,
            name=f"{self.label} {self.option}".strip(),
            kind=self.kind,
            quantity=self.quantity,
            unit_price_minor=self.price_minor,
            prices=options_of(self.prices),
            cost_minor=self.cost_minor,
            category_ids=tuple(self.lineage or own),
            weight_grams=self.weight_grams,
            floor_minor=floor_minor,
            floor_kind=kind,
            marks=brand_marks(self.brand_id),
        )
        if self.agreed_minor is None:
            return line
        return line.at_agreed_price(self.agreed_minor, kind=self.agreed_kind)


@dataclass(frozen=True, slots=True)
class CartContents:
    """Everything the orders app knows that bears on the price of a cart."""

    channel_code: str
    #: Where it goes, as far as known, and the public id of the address if it has one.
    province: str
    address: str | None
    items: tuple[CartItem, ...]
    #: By priority; empty where the shop has none.
    freight: tuple[FreightRule, ...]
    #: What became of this cart, if it was ordered.
    order_id: int | None

    def going_to(self, province: str) -> "CartContents":
        """Return the same contents on the way to somewhere else."""
        return replace(self, province=province)


def contents_of(*, cart_id: int, at: datetime) -> CartContents:
    """Return what is in a cart, at the prices of ``at``, in one statement.

    Raises:
        Cart.DoesNotExist: there is no such cart.
    """
    with planned_cursor() as cursor:
        cursor.execute(_CONTENTS, {"cart": cart_id, "at": at})
        row = cursor.fetchone()
    if row is None:
        raise Cart.DoesNotExist
    return _contents(row)


def found_cart(
    *, public_id: str, member_id: int | None, at: datetime
) -> tuple[Cart, CartContents] | None:
    """Return what ``find_cart`` finds, with its contents, in one statement."""
    told = {"public_id": public_id, "member": member_id, "at": at}
    return _cart_and_contents(_FOUND, told)


def cart_being_filled(
    *, member_id: int, at: datetime
) -> tuple[Cart, CartContents] | None:
    """Return ``newest_open_cart`` with its contents, in one statement."""
    return _cart_and_contents(_NEWEST, {"member": member_id, "at": at})


def _cart_and_contents(
    statement: str, told: Mapping[str, Any]
) -> tuple[Cart, CartContents] | None:
    with planned_cursor() as cursor:
        cursor.execute(statement, told)
        row = cursor.fetchone()
    cart = _CART.row(row[: len(_CART)]) if row else None
    return cart and (cart, _contents(row[len(_CART) :]))


def _contents(row: Sequence[Any]) -> CartContents:
    channel, estimate, address, sealed, items, freight, order_id = row
    province = ""
    if sealed is not None:
        province = Sealed(sealed, _PROVINCE.context).reveal(address)
    return CartContents(
        channel_code=channel or "",
        # An address without a province is no reason to believe an older estimate.
        province=province if address else estimate,
        address=address,
        items=tuple(CartItem(*each) for each in items or ()),
        freight=tuple(rule_of(each) for each in freight or ()),
        order_id=order_id,
    )


def contents_of_carts(cart_ids: Sequence[int]) -> dict[int, CartContents]:
    """Return what is in some carts, in one statement.

    Each is at the prices of the moment it was changed last.
    """
    with planned_cursor() as cursor:
        cursor.execute(_CONTENTS_OF_MANY, {"carts": list(cart_ids)})
        return {pk: _contents(row) for pk, *row in cursor.fetchall()}


def items_of(quantities: Mapping[str, int], *, at: datetime) -> tuple[CartItem, ...]:
    """Return articles that are in no cart, at the prices of ``at``, in one statement.

    Args:
        quantities: SKU -> so many of it; unknown ones are left out.
    """
    told = {
        "skus": list(quantities),
        "quantities": list(quantities.values()),
        "at": at,
    }
    with planned_cursor() as cursor:
        cursor.execute(_ARTICLES, told)
        return tuple(CartItem(*row) for (row,) in cursor.fetchall())


def open_carts() -> QuerySet[Cart]:
    """Return carts that are still carts: not merged into another one."""
    return Cart.objects.filter(merged_into__isnull=True)


def find_cart(*, public_id: str, member_id: int | None) -> Cart | None:
    """Return a cart to who may see it.

    A visitor's cart answers anybody who knows its unguessable id, a member's cart
    only that member.
    """
    mine = Q(member__isnull=True)
    if member_id is not None:
        mine |= Q(member_id=member_id)
    return open_carts().filter(mine, public_id=public_id).first()


def newest_open_cart(*, member_id: int) -> Cart | None:
    """Return the cart a member is filling: the one changed last, not yet ordered."""
    return (
        open_carts()
        .filter(member_id=member_id, order__isnull=True)
        .order_by("-updated_at", "-id")
        .first()
    )
