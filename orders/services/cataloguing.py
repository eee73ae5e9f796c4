"""Keep the catalogue: products and their SKUs."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext_lazy as _

from crm.shared.errors import Refusal
from orders.models import Category, Product, Variant
from orders.services.branding import brand_named
from orders.services.counting_stock import set_on_hand
from orders.services.indexing import index_products
from orders.services.pricing_entries import set_list_price

_OF_PRODUCT = ("name", "name_en", "kind", "brand", "is_listed", "category", "tags")
_OF_VARIANT = (
    *("option", "cost_minor", "minimum_price_minor"),
    *("barcode", "weight_grams", "is_active"),
)


class NameMissing(Refusal):
    """A new product needs a name and a price."""

    code = "product_incomplete"
    status = 422
    message = _("A new product needs a name and a price.")


class UnknownCategory(Refusal):
    """There is no such category."""

    code = "unknown_category"
    status = 422
    message = _("There is no category %(code)s.")


class BarcodeTaken(Refusal):
    """Another SKU has this barcode."""

    code = "barcode_taken"
    message = _("Another SKU has the barcode of %(sku)s.")


@transaction.atomic
def store_sku(
    *,
    sku: str,
    values: Mapping[str, Any],
    product: Product | None = None,
    actor: Any = None,
    now: datetime,
) -> tuple[Variant, bool]:
    """Write a SKU and its product; return the SKU and whether anything changed.

    Another price becomes the list price from now on, another stock is a count; both
    leave their trace (``Price``, ``StockMove``).

    Args:
        sku: the article number; unique.
        values: what to set, by the names of the fields of product and SKU; the
            category by its code, the brand by its name. What is not named stays.
        product: product of a new SKU; left out it gets one of its own.
        actor: who says so: a login, or the name of a program.
        now: when, aware.

    Raises:
        NameMissing: a new SKU without a price, or a new product without a name.
        UnknownCategory: no category has this code.
        BarcodeTaken: another SKU has this barcode.
        LessThanReserved: less stock than is promised to buyers.
    """
    values = _resolved(values)
    variant = Variant.objects.select_for_update().filter(sku=sku).first()
    is_new = variant is None
    if variant is None:
        if "price_minor" not in values or not (product or values.get("name")):
            raise NameMissing
        product = product or Product(created_at=now)
        variant = Variant(sku=sku, price_minor=values["price_minor"])
    else:
        product = variant.product
    changed = _set(product, values, _OF_PRODUCT)
    if changed:
        product.save()
    variant.product = product
    if _set(variant, values, _OF_VARIANT) or is_new:
        changed = True
        _save(variant)
    changed |= _set_price(variant, values, is_new, actor, now)
    changed |= _set_stock(variant, values, actor, now)
    if changed:
        index_products(product_ids=[product.pk])
    return variant, changed


def _resolved(values: Mapping[str, Any]) -> dict[str, Any]:
    values = {**values}
    if values.get("category"):
        values["category"] = _category(values["category"])
    if "brand" in values:
        name = values["brand"]
        values["brand"] = brand_named(name=name) if name else None
    return values


def _save(variant: Variant) -> None:
    try:
        with transaction.atomic():
            variant.save()
    except IntegrityError as error:
        if "variant_once_per_barcode" in str(error):
            raise BarcodeTaken(sku=variant.sku) from error
        raise


def _set_price(
    variant: Variant,
    values: Mapping[str, Any],
    is_new: bool,
    actor: Any,
    now: datetime,
) -> bool:
    if "price_minor" not in values:
        return False
    if not is_new and variant.price_minor == values["price_minor"]:
        return False
    set_list_price(
        variant=variant,
        amount_minor=values["price_minor"],
        starts_at=now,
        actor=actor,
        now=now,
    )
    return True


def _set_stock(
    variant: Variant, values: Mapping[str, Any], actor: Any, now: datetime
) -> bool:
    if "on_hand" not in values or values["on_hand"] == variant.on_hand:
        return False
    set_on_hand(variant=variant, on_hand=values["on_hand"], actor=actor, now=now)
    return True


def _category(code: str) -> Category:
    try:
        return Category.objects.get(code=code)
    except Category.DoesNotExist as error:
        raise UnknownCategory(code=code) from error


def _set(instance: Any, values: Mapping[str, Any], names: tuple[str, ...]) -> bool:
    """Set what differs; return whether anything did."""
    different = [n for n in names if n in values and getattr(instance, n) != values[n]]
    for name in different:
        setattr(instance, name, values[name])
    return bool(different)
