"""The same answers as model serializers, nested ones declared once."""

from django.urls import reverse
from rest_framework import serializers

from crm.shared.money import as_api
from orders.models import (
    Allocation,
    AppliedOffer,
    Cart,
    CartLine,
    Order,
    OrderLine,
    Payment,
    Product,
    ProductAttribute,
    ProductImage,
    Refund,
    Shipment,
    ShipmentLine,
    Variant,
)


class Money(serializers.Field):
    """Minor units as the API writes them."""

    def to_representation(self, minor: int) -> dict:
        """Return amount and currency."""
        return as_api(minor, "CNY")


class Attributes(serializers.ModelSerializer):
    """What a product is in one respect."""

    code = serializers.CharField(source="attribute.code")
    name = serializers.CharField(source="attribute.label")
    value = serializers.CharField(source="label")

    class Meta:
        model = ProductAttribute
        fields = ["code", "name", "value"]


class Images(serializers.ModelSerializer):
    """A picture."""

    url = serializers.SerializerMethodField()
    alt = serializers.CharField(source="text")
    sku = serializers.CharField(source="variant.sku", default=None)

    class Meta:
        model = ProductImage
        fields = ["url", "alt", "sku"]

    def get_url(self, image: ProductImage) -> str:
        """Return its address."""
        return reverse("product-image", args=[image.product.public_id, image.public_id])


def _lowest(sku: Variant) -> int:
    return min([sku.price_minor, *(each.amount_minor for each in sku.sales)])


class Skus(serializers.ModelSerializer):
    """A SKU, with what it costs everybody."""

    price = serializers.SerializerMethodField()
    list_price = Money(source="price_minor")
    was = serializers.SerializerMethodField()
    price_kind = serializers.SerializerMethodField()
    in_stock = serializers.SerializerMethodField()

    class Meta:
        model = Variant
        fields = [
            *("sku", "option", "barcode", "weight_grams", "price", "list_price"),
            *("was", "price_kind", "in_stock"),
        ]

    def get_price(self, sku: Variant) -> dict:
        """Return what one costs."""
        return as_api(_lowest(sku), "CNY")

    def get_was(self, sku: Variant) -> dict | None:
        """Return the list price where it is higher."""
        is_lower = _lowest(sku) < sku.price_minor
        return as_api(sku.price_minor, "CNY") if is_lower else None

    def get_price_kind(self, sku: Variant) -> str:
        """Return which price it is."""
        return "sale" if _lowest(sku) < sku.price_minor else "list"

    def get_in_stock(self, sku: Variant) -> bool:
        """Whether one is left."""
        return sku.on_hand is None or sku.on_hand > sku.reserved


class Products(serializers.ModelSerializer):
    """A product with all that stands beside it."""

    id = serializers.CharField(source="public_id")
    name = serializers.CharField(source="label")
    brand = serializers.CharField(source="brand.label", default="")
    brand_code = serializers.CharField(source="brand.code", default=None)
    category = serializers.CharField(source="category.code", default=None)
    attributes = Attributes(many=True)
    images = Images(many=True)
    variants = Skus(many=True)

    class Meta:
        model = Product
        fields = [
            *("id", "name", "kind", "brand", "brand_code", "category", "tags"),
            *("description", "attributes", "images", "variants"),
        ]


class Reductions(serializers.ModelSerializer):
    """What an offer took off a line."""

    type = serializers.CharField(source="source_kind")
    id = serializers.CharField(source="source_id")
    name = serializers.CharField(source="source_name")
    amount = Money(source="amount_minor")

    class Meta:
        model = Allocation
        fields = ["type", "id", "name", "amount", "points"]


class Lines(serializers.ModelSerializer):
    """A line of an order."""

    product = serializers.SerializerMethodField()
    list_price = Money(source="list_price_minor")
    unit_price = Money(source="unit_price_minor")
    subtotal = Money(source="gross_minor")
    discounts = Reductions(source="allocations", many=True)
    total = Money(source="net_minor")

    class Meta:
        model = OrderLine
        fields = [
            *("position", "product", "sku", "quantity", "list_price", "unit_price"),
            *("subtotal", "discounts", "total", "shipped_quantity"),
            "refunded_quantity",
        ]

    def get_product(self, line: OrderLine) -> dict:
        """Return which product it is of."""
        return {"id": line.variant.product.public_id, "name": line.name}


class Refunds(serializers.ModelSerializer):
    """Money that went back."""

    id = serializers.CharField(source="public_id")
    status = serializers.CharField(source="state")
    amount = Money(source="amount_minor")
    freight = Money(source="freight_minor")

    class Meta:
        model = Refund
        fields = [
            *("id", "status", "amount", "freight", "points_returned"),
            *("requested_at", "completed_at"),
        ]


class Totals(serializers.ModelSerializer):
    """Sums of an order."""

    goods = Money(source="goods_minor")
    discount = Money(source="discount_minor")
    freight = Money(source="freight_minor")
    total = Money(source="total_minor")

    class Meta:
        model = Order
        fields = ["goods", "discount", "freight", "total"]


class Orders(serializers.ModelSerializer):
    """An order with its lines and refunds."""

    id = serializers.CharField(source="public_id")
    status = serializers.CharField(source="state")
    channel = serializers.CharField(source="channel.code", default=None)
    items = Lines(source="lines", many=True)
    totals = Totals(source="*")
    paid = Money(source="paid_minor")
    refunded = Money(source="refunded_minor")
    refunds = Refunds(many=True)

    class Meta:
        model = Order
        fields = [
            *("id", "number", "status", "channel", "campaign", "device", "items"),
            *("totals", "paid", "refunded", "points_spent", "refunds", "placed_at"),
            *("payment_due_at", "paid_at", "shipped_at", "delivered_at", "closed_at"),
        ]


class Offers(Reductions):
    """An offer with its share of each line."""

    shares = serializers.SerializerMethodField()

    class Meta:
        model = AppliedOffer
        fields = [*Reductions.Meta.fields, "shares"]

    def get_shares(self, offer: AppliedOffer) -> list[dict]:
        """Return what it took off each line."""
        return [
            {
                "position": line.position,
                "amount": as_api(part.amount_minor, "CNY"),
                "points": part.points,
            }
            for line in self.root.instance.lines.all()
            for part in line.allocations.all()
            if (part.source_kind, part.source_id)
            == (offer.source_kind, offer.source_id)
        ]


class Tenders(serializers.ModelSerializer):
    """Money that paid."""

    id = serializers.CharField(source="public_id")
    status = serializers.CharField(source="state")
    amount = Money(source="amount_minor")
    refunded = Money(source="refunded_minor")

    class Meta:
        model = Payment
        fields = [
            *("id", "provider", "tender", "status", "amount", "refunded"),
            "captured_at",
        ]


class Parts(serializers.ModelSerializer):
    """Units in a parcel."""

    position = serializers.IntegerField(source="order_line.position")

    class Meta:
        model = ShipmentLine
        fields = ["position", "quantity"]


class Shipments(serializers.ModelSerializer):
    """A parcel."""

    id = serializers.CharField(source="public_id")
    status = serializers.CharField(source="state")
    items = Parts(source="lines", many=True)

    class Meta:
        model = Shipment
        fields = [
            *("id", "status", "carrier", "tracking", "items", "sent_at"),
            "delivered_at",
        ]


class OrderInDetail(Orders):
    """An order with all that stands beside it."""

    offers = Offers(many=True)
    tenders = Tenders(many=True)
    shipments = Shipments(many=True)

    class Meta:
        model = Order
        fields = [*Orders.Meta.fields, "offers", "tenders", "shipments"]


class CartLines(serializers.ModelSerializer):
    """A line of a cart at the price of its SKU."""

    id = serializers.CharField(source="public_id")
    sku = serializers.CharField(source="variant.sku")
    option = serializers.CharField(source="variant.option")
    product = serializers.SerializerMethodField()
    list_price = Money(source="variant.price_minor")
    unit_price = serializers.SerializerMethodField()
    subtotal = serializers.SerializerMethodField()

    class Meta:
        model = CartLine
        fields = [
            *("id", "sku", "option", "quantity", "product", "list_price"),
            *("unit_price", "subtotal"),
        ]

    def get_product(self, line: CartLine) -> dict:
        """Return which product it is of."""
        product = line.variant.product
        return {"id": product.public_id, "name": product.label}

    def get_unit_price(self, line: CartLine) -> dict:
        """Return what one costs."""
        return as_api(_lowest(line.variant), "CNY")

    def get_subtotal(self, line: CartLine) -> dict:
        """Return what all cost."""
        return as_api(_lowest(line.variant) * line.quantity, "CNY")


class Carts(serializers.ModelSerializer):
    """A cart without any offer."""

    id = serializers.CharField(source="public_id")
    coupons = serializers.ListField(source="coupon_codes")
    items = CartLines(source="lines", many=True)

    class Meta:
        model = Cart
        fields = ["id", "coupons", "items"]
