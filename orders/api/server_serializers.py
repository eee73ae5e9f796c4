"""What the server API takes and gives about orders."""

from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

from crm.shared.serializers import Amount, MoneyShape
from crm.shared.server_api import EXTERNAL_ID_PATTERN, SOURCE_PATTERN
from crm.shared.strict import StrictSerializer
from orders.api.order_serializers import OrderOfferShape, ShipmentShape, TenderShape
from orders.api.serializers import OrderLineShape, RefundShape, TotalsShape
from orders.models import Order, Product
from orders.rules.ingesting import (
    REPORTED,
    GivenLine,
    GivenOrder,
    GivenShare,
    GivenTender,
)

MOST_LINES = 500
MOST_UNITS = 100_000
_MOST_SHARES = 20
_MOST_TENDERS = 20
#: Source campaigns, tenders and offers: codes of programs, not words of people.
CODE_PATTERN = r"\A[A-Za-z0-9_.:-]+\Z"
CAMPAIGN_PATTERN = r"\A[a-z0-9_.-]*\Z"


class Price(Amount):
    """An amount that is not negative."""

    def validate_amount(self, amount: str) -> int:
        """Read the decimal."""
        minor = super().validate_amount(amount)
        if minor < 0:
            raise serializers.ValidationError(
                _("Enter an amount that is not negative."), code="min_value"
            )
        return minor


class BuyerReference(StrictSerializer):
    """Whose order it is: exactly one of the three."""

    number = serializers.CharField(max_length=20, required=False)
    phone = serializers.CharField(max_length=40, required=False)
    external_id = serializers.RegexField(rf"\A{EXTERNAL_ID_PATTERN}\Z", required=False)
    source = serializers.RegexField(
        rf"\A{SOURCE_PATTERN}\Z",
        required=False,
        help_text="Whose external_id it is; the source of the order when left out.",
    )

    def validate(self, attrs: dict) -> dict:
        """Ask for exactly one."""
        named = set(attrs) - {"source"}
        if len(named) != 1 or ("source" in attrs and "external_id" not in attrs):
            raise serializers.ValidationError(
                _("Give one of number, phone and external_id."), code="one_of"
            )
        return attrs


class GivenDiscount(StrictSerializer):
    """What one offer of yours took off the line, all units together."""

    code = serializers.RegexField(CODE_PATTERN, max_length=40)
    name = serializers.CharField(max_length=160, required=False, default="")
    amount = Price()

    def validate_amount(self, amount: dict) -> dict:
        """Refuse what took nothing."""
        if not amount["amount"]:
            raise serializers.ValidationError(
                _("An offer that took nothing is none."), code="min_value"
            )
        return amount


class GivenLineRequest(StrictSerializer):
    """Units of one SKU. ``name`` and ``kind`` speak where the SKU is new."""

    sku = serializers.CharField(max_length=60)
    quantity = serializers.IntegerField(min_value=1, max_value=MOST_UNITS)
    unit_price = Price()
    discounts = GivenDiscount(
        many=True, required=False, default=list, max_length=_MOST_SHARES
    )
    name = serializers.CharField(max_length=160, required=False, default="")
    kind = serializers.ChoiceField(
        Product.Kind.choices, required=False, default=Product.Kind.GOODS
    )


class GivenTenderRequest(StrictSerializer):
    """Money that paid a part of the order."""

    name = serializers.RegexField(CODE_PATTERN, max_length=40)
    amount = Price()


class OrderValues(StrictSerializer):
    """The whole order, as it stands now at your system."""

    state = serializers.ChoiceField(REPORTED)
    member = BuyerReference(required=False, allow_null=True, default=None)
    channel = serializers.CharField(
        max_length=40, required=False, default="", allow_blank=True
    )
    region = serializers.CharField(
        max_length=60, required=False, default="", allow_blank=True
    )
    campaign = serializers.RegexField(
        CAMPAIGN_PATTERN, max_length=80, required=False, default="", allow_blank=True
    )
    device = serializers.ChoiceField(
        Order.Device.choices, required=False, default=Order.Device.UNKNOWN
    )
    lines = GivenLineRequest(many=True, allow_empty=False, max_length=MOST_LINES)
    freight = Price(required=False, allow_null=True, default=None)
    total = Price()
    tenders = GivenTenderRequest(
        many=True, required=False, default=list, max_length=_MOST_TENDERS
    )
    placed_at = serializers.DateTimeField()
    paid_at = serializers.DateTimeField(required=False, allow_null=True, default=None)
    shipped_at = serializers.DateTimeField(
        required=False, allow_null=True, default=None
    )
    delivered_at = serializers.DateTimeField(
        required=False, allow_null=True, default=None
    )
    carrier = serializers.CharField(
        max_length=60, required=False, default="", allow_blank=True
    )
    tracking = serializers.CharField(
        max_length=80, required=False, default="", allow_blank=True
    )
    create_products = serializers.BooleanField(
        default=False, help_text="Make unlisted products of unknown SKUs."
    )

    def request(self, *, source: str) -> dict:
        """Return the arguments of ``ingest_order`` that the body holds."""
        values = self.validated_data
        buyer = dict(values["member"]) if values["member"] else None
        if buyer and "external_id" in buyer:
            buyer.setdefault("source", source)
        freight = values["freight"]
        return {
            "buyer": buyer,
            "create_products": values["create_products"],
            "given": GivenOrder(
                lines=tuple(_line(line) for line in values["lines"]),
                total_minor=values["total"]["amount"],
                freight_minor=freight["amount"] if freight else 0,
                tenders=tuple(
                    GivenTender(tender["name"], tender["amount"]["amount"])
                    for tender in values["tenders"]
                ),
                **{name: values[name] for name in _PLAIN},
            ),
        }


_PLAIN = (
    *("state", "channel", "region", "campaign", "device", "carrier", "tracking"),
    *("placed_at", "paid_at", "shipped_at", "delivered_at"),
)


def _line(line: dict) -> GivenLine:
    return GivenLine(
        sku=line["sku"],
        quantity=line["quantity"],
        unit_price_minor=line["unit_price"]["amount"],
        shares=tuple(
            GivenShare(
                share["code"], share["name"] or share["code"], share["amount"]["amount"]
            )
            for share in line["discounts"]
        ),
        name=line["name"],
        kind=line["kind"],
    )


class OrderItem(OrderValues):
    """One order of a batch."""

    source = serializers.RegexField(rf"\A{SOURCE_PATTERN}\Z")
    external_ref = serializers.RegexField(rf"\A{EXTERNAL_ID_PATTERN}\Z")


class OrderBatchSchema(serializers.Serializer):
    """Up to 100 orders (shape for the API description)."""

    items = OrderItem(many=True)


class RefundItem(StrictSerializer):
    """Units of one line that came back."""

    position = serializers.IntegerField(min_value=1, max_value=MOST_LINES)
    quantity = serializers.IntegerField(min_value=1, max_value=MOST_UNITS)


class RefundValues(StrictSerializer):
    """A refund your system gave, by its number there."""

    external_ref = serializers.RegexField(rf"\A{EXTERNAL_ID_PATTERN}\Z")
    items = RefundItem(many=True, required=False, default=list, max_length=MOST_LINES)
    freight = serializers.BooleanField(default=False)
    amount = Price()
    reason = serializers.CharField(
        max_length=200, required=False, default="", allow_blank=True
    )

    def validate_items(self, items: list[dict]) -> list[dict]:
        """Refuse a line named twice."""
        if len({item["position"] for item in items}) < len(items):
            raise serializers.ValidationError(
                _("Name each position once."), code="unique"
            )
        return items

    def request(self) -> dict:
        """Return the arguments of ``ingest_refund`` that the body holds."""
        values = dict(self.validated_data)
        return {
            "refund_ref": values["external_ref"],
            "items": {item["position"]: item["quantity"] for item in values["items"]},
            "freight": values["freight"],
            "amount_minor": values["amount"]["amount"],
            "reason": values["reason"],
        }


class ServerRefundShape(RefundShape):
    """A refund, with its number at the other system."""

    external_ref = serializers.CharField(allow_null=True)


class ServerMemberReference(serializers.Serializer):
    """Who bought."""

    id = serializers.CharField()
    number = serializers.CharField()


class ServerOrderShape(serializers.Serializer):
    """An order, for programs. Nothing in it says who the buyer is but their number."""

    id = serializers.CharField()
    number = serializers.CharField()
    source = serializers.CharField()
    external_ref = serializers.CharField()
    state = serializers.CharField()
    member = ServerMemberReference(allow_null=True)
    channel = serializers.CharField(allow_null=True)
    region = serializers.CharField(allow_blank=True)
    campaign = serializers.CharField(allow_blank=True)
    device = serializers.CharField()
    lines = OrderLineShape(many=True)
    totals = TotalsShape()
    paid = MoneyShape()
    refunded = MoneyShape()
    offers = OrderOfferShape(many=True)
    tenders = TenderShape(many=True)
    shipments = ShipmentShape(many=True)
    refunds = ServerRefundShape(many=True)
    placed_at = serializers.DateTimeField()
    paid_at = serializers.DateTimeField(allow_null=True)
    shipped_at = serializers.DateTimeField(allow_null=True)
    delivered_at = serializers.DateTimeField(allow_null=True)
    closed_at = serializers.DateTimeField(allow_null=True)
