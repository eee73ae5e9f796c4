"""What the storefront API of orders takes."""

from django.conf import settings
from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

from crm.shared.serializers import Amount
from crm.shared.strict import StrictSerializer
from orders.models import Order, OrderAddress
from orders.services.carts import MOST_POINTS, MOST_UNITS


class NewCart(StrictSerializer):
    """An empty cart, of one sales channel if named, and what brought the buyer."""

    channel = serializers.CharField(max_length=40, required=False, default="")
    campaign = serializers.RegexField(
        r"^[\w.:-]{1,80}\Z", required=False, default="", allow_blank=True
    )
    device = serializers.ChoiceField(
        choices=Order.Device.choices, required=False, default=Order.Device.UNKNOWN
    )


class CartPatch(StrictSerializer):
    """What to change, one thing at a time.

    ``{"owner": "me"}`` gives a visitor's cart to the signed-in member, ``address``
    names one of the member's addresses (null: not known yet), ``province`` alone is
    enough for an estimate of freight.
    """

    owner = serializers.ChoiceField(choices=["me"], required=False)
    address = serializers.CharField(max_length=40, required=False, allow_null=True)
    province = serializers.CharField(max_length=60, required=False, allow_blank=True)

    def validate(self, attrs: dict) -> dict:
        """Ask for exactly one."""
        if len(attrs) != 1:
            raise serializers.ValidationError(
                _("Send one of owner, address and province."), code="required"
            )
        return attrs


class CartToMerge(StrictSerializer):
    """The cart filled before signing in."""

    def get_fields(self) -> dict:
        """Name the field ``from``, which Python keeps for itself."""
        return {"from": serializers.CharField(max_length=40)}


class NewItem(StrictSerializer):
    """Units of a SKU, added to those already in the cart."""

    sku = serializers.CharField(max_length=60)
    quantity = serializers.IntegerField(min_value=1, max_value=MOST_UNITS, default=1)


class ItemPatch(StrictSerializer):
    """The new number of units; 0 takes the item out."""

    quantity = serializers.IntegerField(min_value=0, max_value=MOST_UNITS)


class CouponCode(StrictSerializer):
    """A coupon code as typed."""

    code = serializers.CharField(max_length=40)


class PointsToSpend(StrictSerializer):
    """How many points the member would like to spend."""

    points = serializers.IntegerField(min_value=0, max_value=MOST_POINTS)


def _line(name: str, **more) -> serializers.CharField:
    longest = OrderAddress._meta.get_field(name).max_length
    return serializers.CharField(max_length=longest, **more)


_MAY_MISS = {"required": False, "allow_null": True, "allow_blank": True}


class DeliveryAddress(StrictSerializer):
    """Where an order goes, if not to the address of its cart."""

    recipient = _line("recipient")
    street = _line("street")
    country = serializers.RegexField(r"^[A-Z]{2}\Z", required=False)
    phone = serializers.CharField(max_length=40, **_MAY_MISS)
    province = _line("province", **_MAY_MISS)
    city = _line("city", **_MAY_MISS)
    district = _line("district", **_MAY_MISS)
    postcode = _line("postcode", **_MAY_MISS)

    def validate(self, attrs: dict) -> dict:
        """Take the shop's country where none is named."""
        return {"country": settings.DEFAULT_REGION, **attrs}


class CheckoutRequest(StrictSerializer):
    """The price the buyer saw: its total, the hash of its quote, or both."""

    expected_total = Amount(required=False)
    quote_hash = serializers.CharField(max_length=64, required=False)
    address = DeliveryAddress(required=False)

    def validate(self, attrs: dict) -> dict:
        """Ask for one of the two."""
        if not attrs.keys() & {"expected_total", "quote_hash"}:
            raise serializers.ValidationError(
                _("Send expected_total or quote_hash."), code="required"
            )
        return attrs


class CancelRequest(StrictSerializer):
    """Why an order is cancelled, if the buyer says so."""

    reason = serializers.CharField(
        max_length=200, required=False, default="", allow_blank=True
    )


class PaymentRequest(StrictSerializer):
    """How the buyer would like to pay, and how much of it (all that is open).

    Becomes ``provider`` and ``amount_minor``.
    """

    provider = serializers.CharField(max_length=40)
    amount = Amount(required=False)

    def validate(self, attrs: dict) -> dict:
        """Turn the amount into minor units."""
        amount = attrs.pop("amount", None)
        return {**attrs, "amount_minor": amount["amount"] if amount else None}


class OutcomeRequest(StrictSerializer):
    """What the test gateway shall tell the shop."""

    outcome = serializers.ChoiceField(choices=["captured", "failed"])
