"""Shapes that several APIs share."""

from collections.abc import Callable
from typing import Any, ClassVar

from rest_framework import serializers


class MoneyShape(serializers.Serializer):
    """An amount: decimal text and ISO 4217 code, as ``crm.shared.money.as_api``."""

    amount = serializers.CharField()
    currency = serializers.CharField()


class WrittenShape(serializers.Serializer):
    """A shape that one function writes, in lists as for single rows."""

    #: Takes the row and returns what the shape says; a ``staticmethod``.
    write: ClassVar[Callable[[Any], dict[str, Any]]]

    def to_representation(self, row: Any) -> dict[str, Any]:
        """Have the row written."""
        return type(self).write(row)
