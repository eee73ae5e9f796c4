"""Shapes of the campaigns API."""

from django.conf import settings
from django.utils import timezone
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from campaigns.models import Coupon, CouponTemplate, Message
from campaigns.rules.coupons import display_code
from crm.shared.bilingual import in_request_language
from crm.shared.money import as_api
from crm.shared.serializers import MoneyShape


class CouponTerms(serializers.Serializer):
    """What a coupon takes off, and from which spend."""

    kind = serializers.ChoiceField(choices=CouponTemplate.Kind.choices)
    amount = MoneyShape(allow_null=True)
    percent = serializers.CharField(allow_null=True)
    at_most = MoneyShape(allow_null=True)
    min_spend = MoneyShape()


def terms_shape(terms: dict) -> dict:
    """Return terms as the API writes them; a percentage as ``"20.00"``."""
    currency = settings.SHOP_CURRENCY
    is_percent = terms["kind"] == CouponTemplate.Kind.PERCENT
    cap = terms["cap_minor"]
    return {
        "kind": terms["kind"],
        "amount": None if is_percent else as_api(terms["amount_minor"], currency),
        "percent": f"{terms['percent_bp'] / 100:.2f}" if is_percent else None,
        "at_most": None if cap is None else as_api(cap, currency),
        "min_spend": as_api(terms["min_spend_minor"], currency),
    }


class CouponShape(serializers.ModelSerializer):
    """A coupon in the member's wallet."""

    id = serializers.CharField(source="public_id", read_only=True)
    code = serializers.SerializerMethodField()
    name = serializers.SerializerMethodField()
    status = serializers.SerializerMethodField()
    terms = serializers.SerializerMethodField()

    class Meta:
        model = Coupon
        fields = [
            "id",
            "code",
            "name",
            "status",
            "terms",
            "issued_at",
            "expires_at",
            "used_at",
        ]
        read_only_fields = fields

    def get_code(self, coupon: Coupon) -> str:
        """Return the code in groups."""
        return display_code(coupon.code)

    def get_name(self, coupon: Coupon) -> str:
        """Return the name in the request's language."""
        return in_request_language(coupon.terms["name"], coupon.terms["name_en"])

    def get_status(self, coupon: Coupon) -> str:
        """Return the state; an unused coupon past its date is expired."""
        is_open = coupon.state in {Coupon.State.AVAILABLE, Coupon.State.HELD}
        at = self.context.get("at") or timezone.now()
        if is_open and coupon.expires_at <= at:
            return Coupon.State.EXPIRED.value
        return coupon.state

    @extend_schema_field(CouponTerms)
    def get_terms(self, coupon: Coupon) -> dict:
        """Return the promise made at issue."""
        return terms_shape(coupon.terms)


class CouponOfferShape(serializers.ModelSerializer):
    """A coupon of the claim centre."""

    id = serializers.CharField(source="public_id", read_only=True)
    name = serializers.CharField(source="label", read_only=True)
    terms = serializers.SerializerMethodField()
    remaining = serializers.SerializerMethodField()

    class Meta:
        model = CouponTemplate
        fields = ["id", "name", "terms", "valid_days", "ends_at", "remaining"]
        read_only_fields = fields

    @extend_schema_field(CouponTerms)
    def get_terms(self, template: CouponTemplate) -> dict:
        """Return what the coupon takes off."""
        return terms_shape(
            {
                "kind": template.kind,
                "amount_minor": template.amount_minor,
                "percent_bp": template.percent_bp,
                "cap_minor": template.cap_minor,
                "min_spend_minor": template.min_spend_minor,
            }
        )

    def get_remaining(self, template: CouponTemplate) -> int | None:
        """Return how many are left; ``null`` if there is no limit."""
        return None if template.stock is None else template.stock - template.issued


class NotificationShape(serializers.ModelSerializer):
    """A message in the member's inbox."""

    id = serializers.CharField(source="public_id", read_only=True)
    body = serializers.CharField(read_only=True)

    class Meta:
        model = Message
        fields = ["id", "subject", "body", "created_at"]
        read_only_fields = fields
