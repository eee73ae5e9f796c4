"""What members send about returns."""

from rest_framework import serializers

from crm.shared.strict import StrictSerializer
from orders.models import ReturnRequest
from orders.services.carts import MOST_UNITS
from orders.services.return_requests import Wish

#: Lines of one return.
_MOST_LINES = 50


class ReturnItem(StrictSerializer):
    """Units of one line; ``wanted`` is the SKU wanted instead, for exchanges."""

    position = serializers.IntegerField(min_value=1, max_value=10_000)
    quantity = serializers.IntegerField(min_value=1, max_value=MOST_UNITS)
    wanted = serializers.CharField(max_length=60, required=False)


class NewReturn(StrictSerializer):
    """What comes back, why, and what for."""

    kind = serializers.ChoiceField(choices=ReturnRequest.Kind.choices)
    reason = serializers.ChoiceField(choices=ReturnRequest.Reason.choices)
    words = serializers.CharField(
        max_length=500, required=False, default="", allow_blank=True
    )
    items = ReturnItem(many=True, min_length=1, max_length=_MOST_LINES)

    def validate_items(self, items: list[dict]) -> list[dict]:
        """Refuse two entries for one line: which of them would count?"""
        if len({item["position"] for item in items}) != len(items):
            raise serializers.ValidationError("duplicate position", code="duplicate")
        return items

    def wish(self) -> Wish:
        """Return what was sent as the service takes it."""
        sent = self.validated_data
        return Wish(
            kind=sent["kind"],
            items={item["position"]: item["quantity"] for item in sent["items"]},
            reason_code=sent["reason"],
            words=sent["words"],
            wanted={
                item["position"]: item["wanted"]
                for item in sent["items"]
                if "wanted" in item
            },
        )


class ShipmentOfReturn(StrictSerializer):
    """Who carries the goods back, and under which number."""

    carrier = serializers.CharField(max_length=40)
    tracking_number = serializers.CharField(max_length=60)
