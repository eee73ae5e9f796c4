"""Shapes that several APIs share."""

from collections.abc import Callable
from typing import Any, ClassVar

from django.conf import settings
from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

from crm.shared.money import InvalidAmount, parse_amount
from crm.shared.strict import StrictSerializer


class MoneyShape(serializers.Serializer):
    """An amount: decimal text and ISO 4217 code, as ``crm.shared.money.as_api``."""

    amount = serializers.CharField()
    currency = serializers.CharField()


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


class WrittenShape(serializers.Serializer):
    """A shape that one function writes, in lists as for single rows."""

    #: Takes the row and returns what the shape says; a ``staticmethod``.
    write: ClassVar[Callable[[Any], dict[str, Any]]]

    def to_representation(self, row: Any) -> dict[str, Any]:
        """Have the row written."""
        return type(self).write(row)
