"""Shapes that several APIs share."""

from rest_framework import serializers


class MoneyShape(serializers.Serializer):
    """An amount: decimal text and ISO 4217 code, as ``crm.shared.money.as_api``."""

    amount = serializers.CharField()
    currency = serializers.CharField()
