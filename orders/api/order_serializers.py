"""What the storefront API takes and gives about one order."""

from datetime import date

from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import inline_serializer
from rest_framework import serializers

from crm.shared.serializers import MoneyShape
from crm.shared.strict import StrictSerializer
from orders.api.order_shapes import order_detail_shape
from orders.api.serializers import OrderShape
from orders.models import Order
from orders.queries.orders import ShownOrder
from orders.rules.lifecycle import GROUPS

_FIRST_YEAR, _LAST_YEAR = 1970, 2999


class OrderQuery(serializers.Serializer):
    """Which orders are asked for; everything given must hold."""

    status = serializers.CharField(
        required=False, help_text="One state, or several with commas between them."
    )
    group = serializers.ChoiceField(
        choices=sorted(GROUPS), required=False, help_text="States that belong together."
    )
    placed_from = serializers.DateField(
        required=False, help_text="First day, in the shop's time zone."
    )
    placed_until = serializers.DateField(
        required=False, help_text="Last day, in the shop's time zone."
    )

    def validate_status(self, text: str) -> list[str]:
        """Read the states."""
        states = text.split(",")
        if not set(states) <= set(Order.State.values):
            raise serializers.ValidationError(_("There is no such status."))
        return states

    def validate_placed_from(self, day: date) -> date:
        """Refuse days no shop was open."""
        if not _FIRST_YEAR <= day.year <= _LAST_YEAR:
            raise serializers.ValidationError(_("There were no orders on this day."))
        return day

    validate_placed_until = validate_placed_from

    def request(self) -> dict:
        """Return the arguments of ``orders_of``."""
        wanted = dict(self.validated_data)
        states = wanted.pop("status", None)
        group = wanted.pop("group", None)
        if group is not None:
            states = [s for s in GROUPS[group] if states is None or s in states]
        return {**wanted, "states": states, "may_wait": group != "to_ship"}


class ConfirmRequest(StrictSerializer):
    """Nothing more is to be said."""


class ShareShape(serializers.Serializer):
    """What an offer took off one line."""

    position = serializers.IntegerField()
    amount = MoneyShape()
    points = serializers.IntegerField()


class OrderOfferShape(serializers.Serializer):
    """An offer as it was on the day of the order, with its share of each line."""

    type = serializers.CharField()
    id = serializers.CharField()
    name = serializers.CharField()
    amount = MoneyShape()
    points = serializers.IntegerField()
    shares = ShareShape(many=True)


class TenderShape(serializers.Serializer):
    """Money that paid the order, or a part of it."""

    id = serializers.CharField()
    provider = serializers.CharField()
    tender = serializers.CharField(
        allow_blank=True, help_text="Name of the way to pay at another system."
    )
    status = serializers.CharField()
    amount = MoneyShape()
    refunded = MoneyShape()
    captured_at = serializers.DateTimeField(allow_null=True)


class ShippedUnitsShape(serializers.Serializer):
    """Units of one line in a parcel."""

    position = serializers.IntegerField()
    quantity = serializers.IntegerField()


class ShipmentShape(serializers.Serializer):
    """A parcel."""

    id = serializers.CharField()
    status = serializers.CharField()
    carrier = serializers.CharField(allow_blank=True)
    tracking = serializers.CharField(allow_blank=True)
    items = ShippedUnitsShape(many=True)
    sent_at = serializers.DateTimeField()
    delivered_at = serializers.DateTimeField(allow_null=True)


#: What the buyer may do now. By name, for one of them is a word of Python.
DeedsShape = inline_serializer(
    "DeedsShape",
    {
        deed: serializers.BooleanField()
        for deed in ("cancel", "pay", "confirm", "return", "review")
    },
)


class OrderDetailShape(OrderShape):
    """An order with offers, tenders, parcels, and what its buyer may do."""

    offers = OrderOfferShape(many=True)
    tenders = TenderShape(many=True)
    shipments = ShipmentShape(many=True)
    can = DeedsShape

    def to_representation(self, order: ShownOrder) -> dict:
        """Write an order of ``orders.queries.orders.order_of``, as of ``now``."""
        return order_detail_shape(order, now=self.context["now"])
