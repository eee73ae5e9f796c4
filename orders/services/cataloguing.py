"""Keep the catalogue: products and their SKUs."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext_lazy as _

from crm.shared.errors import Refusal
from orders.models import Category, Product, Variant

_OF_PRODUCT = ("name", "name_en", "kind", "brand", "is_listed", "category")
_OF_VARIANT = ("option", "price_minor", "cost_minor", "on_hand", "is_active")


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


class LessThanReserved(Refusal):
    """Buyers were promised more than that."""

    code = "less_than_reserved"
    message = _("More units of %(sku)s are promised to buyers than that.")


@transaction.atomic
def store_sku(
    *,
    sku: str,
    values: Mapping[str, Any],
    product: Product | None = None,
    now: datetime,
) -> tuple[Variant, bool]:
    """Write a SKU and its product; return the SKU and whether anything changed.

    Args:
        sku: the article number; unique.
        values: what to set, by the names of the fields of product and SKU; the
            category by its code. What is not named stays.
        product: product of a new SKU; left out it gets one of its own.
        now: when, aware.

    Raises:
        NameMissing: a new SKU without a price, or a new product without a name.
        UnknownCategory: no category has this code.
        LessThanReserved: less stock than is promised to buyers.
    """
    values = {**values}
    if values.get("category"):
        values["category"] = _category(values["category"])
    variant = Variant.objects.select_for_update().filter(sku=sku).first()
    if variant is None:
        if "price_minor" not in values or not (product or values.get("name")):
            raise NameMissing
        product = product or Product(created_at=now)
        variant = Variant(sku=sku)
    else:
        product = variant.product
    changed = _set(product, values, _OF_PRODUCT)
    if changed:
        product.save()
    variant.product = product
    if _set(variant, values, _OF_VARIANT) or variant.pk is None:
        changed = True
        try:
            with transaction.atomic():
                variant.save()
        except IntegrityError as error:
            if "variant_reserved_is_within_stock" in str(error):
                raise LessThanReserved(sku=sku) from error
            raise
    return variant, changed


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
