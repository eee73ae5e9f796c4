"""What the storefront API of orders gives. Amounts come from ``crm.shared.money``."""

from rest_framework import serializers

from crm.shared.serializers import MoneyShape, WrittenShape
from orders.api.shapes import order_shape


class ReductionShape(serializers.Serializer):
    """What one offer took off; ``type`` is promotion, coupon, points …."""

    type = serializers.CharField()
    id = serializers.CharField()
    name = serializers.CharField()
    amount = MoneyShape()
    points = serializers.IntegerField()


class CartReductionShape(ReductionShape):
    """What an offer takes off the cart, and how many pieces of goods it lowers.

    ``left`` is how many pieces it has left, those of this cart included, null where it
    counts none. What the cart holds beyond them costs the usual price. ``limited``:
    some goods cost the least they may by now, or nothing (S12).
    """

    units = serializers.IntegerField()
    left = serializers.IntegerField(allow_null=True)
    limited = serializers.BooleanField()


class ProductReference(serializers.Serializer):
    """Which product a line is of."""

    id = serializers.CharField()
    name = serializers.CharField()


class CartItemShape(serializers.Serializer):
    """A line of a cart; its discounts add up to subtotal minus total."""

    id = serializers.CharField()
    product = ProductReference()
    sku = serializers.CharField()
    option = serializers.CharField(allow_blank=True)
    quantity = serializers.IntegerField()
    available = serializers.BooleanField()
    list_price = MoneyShape()
    unit_price = MoneyShape()
    price_kind = serializers.ChoiceField(
        choices=["list", "sale", "member", "group", "plan", "planchange", "reward"]
    )
    subtotal = MoneyShape()
    discounts = ReductionShape(many=True)
    total = MoneyShape()


class OfferReference(serializers.Serializer):
    """Which offer something comes from."""

    type = serializers.CharField()
    id = serializers.CharField()
    name = serializers.CharField()


class CartGiftShape(serializers.Serializer):
    """What comes for nothing while its offer applies (S16).

    ``instead_of`` is the SKU that ran out, where this one takes its place (S17).
    """

    product = ProductReference()
    sku = serializers.CharField()
    option = serializers.CharField(allow_blank=True)
    quantity = serializers.IntegerField()
    list_price = MoneyShape()
    total = MoneyShape()
    gift_of = OfferReference()
    instead_of = serializers.CharField(allow_null=True)


class TotalsShape(serializers.Serializer):
    """``total = goods - discount + freight``."""

    goods = MoneyShape()
    discount = MoneyShape()
    freight = MoneyShape()
    total = MoneyShape()


class OfferReasonShape(serializers.Serializer):
    """Why an offer took nothing: branch on ``code``."""

    code = serializers.CharField()
    message = serializers.CharField()
    params = serializers.DictField()


class RefusedOfferShape(serializers.Serializer):
    """An offer that does not, and why."""

    type = serializers.CharField()
    id = serializers.CharField()
    name = serializers.CharField()
    reason = OfferReasonShape()


class CartChangeShape(serializers.Serializer):
    """One thing that is different from the price the cart's holder saw last (S23).

    ``from`` and ``to`` are what an offer takes off, or what a unit or delivery costs.
    """

    code = serializers.ChoiceField(
        choices=[
            *("price_changed", "unavailable", "offer_gone", "offer_changed"),
            *("offer_came", "freight_changed"),
        ]
    )
    message = serializers.CharField()
    offer = OfferReference(allow_null=True)
    sku = serializers.CharField(allow_null=True)
    to = MoneyShape(allow_null=True)

    def get_fields(self):
        """Add ``from``, which is no name in Python."""
        return super().get_fields() | {"from": MoneyShape(allow_null=True)}


class CartShape(serializers.Serializer):
    """A cart with its price now; ``quote_hash`` is the version of that price.

    ``nearest`` is the offer that the least more spending would bring; ``gifts_missed``
    would bring a gift, were it not out of stock (S17). ``changes`` tell what became
    different, without the holder's doing, since the cart was changed last (S23);
    reading it again tells them again.
    """

    id = serializers.CharField()
    channel = serializers.CharField(allow_null=True)
    items = CartItemShape(many=True)
    gifts = CartGiftShape(many=True)
    gifts_missed = RefusedOfferShape(many=True)
    coupons = serializers.ListField(child=serializers.CharField())
    points_to_spend = serializers.IntegerField()
    points_spent = serializers.IntegerField()
    address = serializers.CharField(allow_null=True)
    province = serializers.CharField(allow_blank=True)
    discounts = CartReductionShape(many=True)
    nearest = RefusedOfferShape(allow_null=True)
    free_freight_missing = MoneyShape(allow_null=True)
    totals = TotalsShape()
    quote_hash = serializers.CharField()
    changes = CartChangeShape(many=True)


class OrderLineShape(serializers.Serializer):
    """A line as it was bought; ``position`` names it for refunds.

    ``gift_of`` is the offer that brought it for nothing, null for what was bought.
    """

    position = serializers.IntegerField()
    product = ProductReference()
    sku = serializers.CharField()
    quantity = serializers.IntegerField()
    list_price = MoneyShape()
    unit_price = MoneyShape()
    subtotal = MoneyShape()
    discounts = ReductionShape(many=True)
    total = MoneyShape()
    gift_of = OfferReference(allow_null=True)
    shipped_quantity = serializers.IntegerField()
    refunded_quantity = serializers.IntegerField()


class RefundShape(serializers.Serializer):
    """Money and points that went, or are on their way, back."""

    id = serializers.CharField()
    status = serializers.CharField()
    amount = MoneyShape()
    freight = MoneyShape()
    points_returned = serializers.IntegerField()
    requested_at = serializers.DateTimeField()
    completed_at = serializers.DateTimeField(allow_null=True)


class OrderShape(WrittenShape):
    """An order as its buyer sees it."""

    write = staticmethod(order_shape)

    id = serializers.CharField()
    number = serializers.CharField()
    status = serializers.CharField()
    waits_for = serializers.CharField(allow_blank=True)
    channel = serializers.CharField(allow_null=True)
    campaign = serializers.CharField(allow_blank=True)
    device = serializers.CharField()
    items = OrderLineShape(many=True)
    totals = TotalsShape()
    paid = MoneyShape()
    refunded = MoneyShape()
    points_spent = serializers.IntegerField()
    refunds = RefundShape(many=True)
    placed_at = serializers.DateTimeField()
    payment_due_at = serializers.DateTimeField(allow_null=True)
    paid_at = serializers.DateTimeField(allow_null=True)
    shipped_at = serializers.DateTimeField(allow_null=True)
    delivered_at = serializers.DateTimeField(allow_null=True)
    closed_at = serializers.DateTimeField(allow_null=True)


class PaymentShape(serializers.Serializer):
    """A payment under way; the buyer pays at ``pay_url``."""

    id = serializers.CharField()
    provider = serializers.CharField()
    status = serializers.CharField()
    amount = MoneyShape()
    pay_url = serializers.CharField()


class ReceivedShape(serializers.Serializer):
    """The message was taken, now or before."""

    received = serializers.BooleanField()
