"""What the storefront API gives of the catalogue."""

from django.urls import reverse
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from crm.shared.bilingual import in_request_language
from crm.shared.money import as_api
from crm.shared.serializers import MoneyShape
from orders.models import Product, ProductAttribute, ProductImage, Variant
from orders.rules.unit_prices import UnitPrice


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


def tree_shape(nodes: list[dict], parent: str | None = None) -> list[dict]:
    """Return what ``category_tree`` found as the API writes it."""
    return [
        {
            "code": node["category"].code,
            "name": node["category"].label,
            "parent": parent,
            "products": node["products"],
            "children": tree_shape(node["children"], node["category"].code),
        }
        for node in nodes
    ]


class ProductAttributeShape(serializers.ModelSerializer):
    """What a product is in one respect."""

    code = serializers.CharField(source="attribute.code")
    name = serializers.CharField(source="attribute.label")
    value = serializers.SerializerMethodField()

    class Meta:
        model = ProductAttribute
        fields = ["code", "name", "value"]
        read_only_fields = fields

    def get_value(self, each: ProductAttribute) -> str:
        """Return the value in the language of the request."""
        return in_request_language(each.value, each.value_en)


class ImageShape(serializers.ModelSerializer):
    """A picture: where it is, what it shows, and of which SKU (null: of all)."""

    url = serializers.SerializerMethodField()
    alt = serializers.CharField(source="text")
    sku = serializers.CharField(source="variant.sku", default=None, allow_null=True)

    class Meta:
        model = ProductImage
        fields = ["url", "alt", "sku"]
        read_only_fields = fields

    def get_url(self, image: ProductImage) -> str:
        """Return its address; another picture gets another one."""
        product = self.context["product_id"]
        return reverse("product-image", args=[product, image.public_id])


class VariantShape(serializers.ModelSerializer):
    """A SKU, what it costs whoever asks, and whether any of it is left.

    ``price`` is the unit price of a cart with one of it. ``was`` is the list price
    where that is higher, else null.
    """

    price = serializers.SerializerMethodField()
    list_price = serializers.SerializerMethodField()
    was = serializers.SerializerMethodField()
    price_kind = serializers.SerializerMethodField()
    in_stock = serializers.SerializerMethodField()

    class Meta:
        model = Variant
        fields = [
            "sku",
            "option",
            "barcode",
            "weight_grams",
            "price",
            "list_price",
            "was",
            "price_kind",
            "in_stock",
        ]
        read_only_fields = fields

    @extend_schema_field(MoneyShape)
    def get_price(self, variant: Variant) -> dict:
        """Return what one unit costs this buyer now."""
        return as_api(self._shown(variant).amount_minor, self.context["currency"])

    @extend_schema_field(MoneyShape)
    def get_list_price(self, variant: Variant) -> dict:
        """Return the list price."""
        return as_api(self._shown(variant).list_minor, self.context["currency"])

    @extend_schema_field(MoneyShape(allow_null=True))
    def get_was(self, variant: Variant) -> dict | None:
        """Return the list price where the price is lower."""
        was = self._shown(variant).was_minor
        return None if was is None else as_api(was, self.context["currency"])

    def get_price_kind(self, variant: Variant) -> str:
        """Return ``list``, ``sale`` or ``member``."""
        return self._shown(variant).kind

    def get_in_stock(self, variant: Variant) -> bool:
        """Whether one more can be promised."""
        return variant.on_hand is None or variant.on_hand > variant.reserved

    def _shown(self, variant: Variant) -> UnitPrice:
        return self.context["prices"][variant.pk]


class ProductShape(serializers.ModelSerializer):
    """A product with its SKUs, cheapest first."""

    id = serializers.CharField(source="public_id", read_only=True)
    name = serializers.CharField(source="label", read_only=True)
    brand = serializers.CharField(source="brand.label", default="", read_only=True)
    brand_code = serializers.CharField(
        source="brand.code", default=None, read_only=True, allow_null=True
    )
    category = serializers.CharField(
        source="category.code", default=None, read_only=True, allow_null=True
    )
    tags = serializers.ListField(child=serializers.CharField(), read_only=True)
    attributes = ProductAttributeShape(many=True, read_only=True)
    images = serializers.SerializerMethodField()
    variants = VariantShape(many=True, read_only=True)

    class Meta:
        model = Product
        fields = [
            "id",
            "name",
            "kind",
            "brand",
            "brand_code",
            "category",
            "tags",
            "description",
            "attributes",
            "images",
            "variants",
        ]
        read_only_fields = fields

    @extend_schema_field(ImageShape(many=True))
    def get_images(self, product: Product) -> list[dict]:
        """Return the pictures in the order the shop gave them."""
        context = {**self.context, "product_id": product.public_id}
        return ImageShape(product.images.all(), many=True, context=context).data
