"""What the storefront API gives of the catalogue."""

from rest_framework import serializers

from crm.shared.serializers import MoneyShape
from orders.models import Product


class CategoryShape(serializers.Serializer):
    """A category with all below it; ``products`` counts the whole branch."""

    code = serializers.CharField()
    name = serializers.CharField()
    parent = serializers.CharField(allow_null=True)
    products = serializers.IntegerField()
    children = serializers.ListField(
        child=serializers.DictField(), help_text="Categories, shaped like this one."
    )


class CategoryTreeShape(serializers.Serializer):
    """The roots of the tree."""

    data = CategoryShape(many=True)


class ProductAttributeShape(serializers.Serializer):
    """What a product is in one respect."""

    code = serializers.CharField()
    name = serializers.CharField()
    value = serializers.CharField()


class ImageShape(serializers.Serializer):
    """A picture: where it is, what it shows, and of which SKU (null: of all).

    Another picture gets another address.
    """

    url = serializers.CharField()
    alt = serializers.CharField(allow_blank=True)
    sku = serializers.CharField(allow_null=True)


class PricePromotionShape(serializers.Serializer):
    """A promotion that makes a price: for members, or for a short time.

    ``left`` is how many pieces it has left at its price, null where it counts none.
    """

    id = serializers.CharField()
    name = serializers.CharField()
    left = serializers.IntegerField(allow_null=True)


class VariantShape(serializers.Serializer):
    """A SKU, what it costs whoever asks, and whether any of it is left.

    ``price`` is the unit price of a cart with one of it, ``promotions`` which lower it
    there. ``was`` is the list price where that is higher, else null.
    """

    sku = serializers.CharField()
    option = serializers.CharField(allow_blank=True)
    barcode = serializers.CharField(allow_blank=True)
    weight_grams = serializers.IntegerField(allow_null=True)
    price = MoneyShape()
    list_price = MoneyShape()
    was = MoneyShape(allow_null=True)
    price_kind = serializers.ChoiceField(
        choices=["list", "sale", "member", "promotion"]
    )
    promotions = PricePromotionShape(many=True)
    in_stock = serializers.BooleanField()


class ProductShape(serializers.Serializer):
    """A product with its SKUs, cheapest first."""

    id = serializers.CharField()
    name = serializers.CharField()
    kind = serializers.ChoiceField(choices=Product.Kind.choices)
    brand = serializers.CharField(allow_blank=True)
    brand_code = serializers.CharField(allow_null=True)
    category = serializers.CharField(allow_null=True)
    tags = serializers.ListField(child=serializers.CharField())
    description = serializers.CharField(allow_blank=True)
    attributes = ProductAttributeShape(many=True)
    images = ImageShape(many=True)
    variants = VariantShape(many=True)
