"""What the API says about exchanges: before they are asked for, and after."""

from typing import Any

from rest_framework import serializers

from crm.shared.money import as_api
from crm.shared.serializers import MoneyShape
from orders.models import Order, ReturnRequest
from orders.rules.exchanges import ExchangeQuote


class ExchangedItemShape(serializers.Serializer):
    """Units of one line, what they are worth, and what the new ones cost."""

    position = serializers.IntegerField()
    quantity = serializers.IntegerField()
    wanted = serializers.CharField(help_text="SKU of what replaces them.")
    value = MoneyShape()
    unit_price = MoneyShape()
    net = MoneyShape()


class ExchangeQuoteShape(serializers.Serializer):
    """What an exchange costs: value + to_pay - back = net."""

    items = ExchangedItemShape(many=True)
    value = MoneyShape()
    net = MoneyShape()
    to_pay = MoneyShape()
    back = MoneyShape()
    points_returned = serializers.IntegerField()
    quote_hash = serializers.CharField()


class ReplacementShape(serializers.Serializer):
    """The order that replaces units; it is paid like any other."""

    order = serializers.CharField()
    status = serializers.CharField()
    total = MoneyShape()
    to_pay = MoneyShape()
    pay_until = serializers.DateTimeField(allow_null=True)


def exchange_quote_shape(quote: ExchangeQuote, currency: str) -> dict[str, Any]:
    """Return what an exchange would cost or give back."""
    return {
        "items": [
            {
                "position": line.position,
                "quantity": line.units,
                "wanted": line.sku,
                "value": as_api(line.value_minor, currency),
                "unit_price": as_api(line.unit_price_minor, currency),
                "net": as_api(line.over.net_minor, currency),
            }
            for line in quote.lines
        ],
        "value": as_api(quote.value_minor, currency),
        "net": as_api(quote.net_minor, currency),
        "to_pay": as_api(quote.due_minor, currency),
        "back": as_api(quote.back_minor, currency),
        "points_returned": quote.points,
        "quote_hash": quote.hash,
    }


def replacement_shape(request: ReturnRequest) -> dict[str, Any] | None:
    """Return the order a return was exchanged for; it comes with its refund."""
    order = request.refund.replaced_by if request.refund is not None else None
    if order is None:
        return None
    waits = order.state == Order.State.PENDING
    missing = order.total_minor - order.paid_minor if waits else 0
    return {
        "order": order.public_id,
        "status": order.state,
        "total": as_api(order.total_minor, order.currency),
        "to_pay": as_api(missing, order.currency),
        "pay_until": order.payment_due_at if waits else None,
    }
