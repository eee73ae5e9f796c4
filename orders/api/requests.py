"""What the storefront API of orders takes."""

from django.conf import settings
from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

from crm.shared.money import InvalidAmount, parse_amount
from crm.shared.strict import StrictSerializer
from orders.services.carts import MOST_POINTS, MOST_UNITS


class NewCart(StrictSerializer):
    """An empty cart, of one sales channel if named."""

    channel = serializers.CharField(max_length=40, required=False, default="")


class CartPatch(StrictSerializer):
    """``{"owner": "me"}`` gives a visitor's cart to the signed-in member."""

    owner = serializers.ChoiceField(choices=["me"])


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


class Amount(StrictSerializer):
    """An amount in the shop's currency; becomes minor units."""

    amount = serializers.CharField(max_length=20)
    currency = serializers.CharField(max_length=3)

    def validate_currency(self, currency: str) -> str:
        """Refuse other currencies."""
        if currency != settings.SHOP_CURRENCY:
            raise serializers.ValidationError(_("This is not the shop's currency."))
        return currency

    def validate_amount(self, amount: str) -> int:
        """Read the decimal."""
        try:
            return parse_amount(amount, settings.SHOP_CURRENCY)
        except InvalidAmount as error:
            raise serializers.ValidationError(_("Enter an amount.")) from error


class CheckoutRequest(StrictSerializer):
    """The price the buyer saw: its total, the hash of its quote, or both."""

    expected_total = Amount(required=False)
    quote_hash = serializers.CharField(max_length=64, required=False)

    def validate(self, attrs: dict) -> dict:
        """Ask for one of the two."""
        if not attrs:
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
