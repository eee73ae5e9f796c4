"""Shapes of the campaigns API."""

from typing import Any

from django.conf import settings
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from campaigns.models import Coupon, CouponTemplate, Message
from campaigns.queries.coupons import why_not_claimable
from campaigns.rules.coupons import Terms, display_code
from campaigns.services.choosing import Choice
from campaigns.services.issuing import terms_of
from crm.shared.bilingual import in_request_language
from crm.shared.money import as_api
from crm.shared.serializers import MoneyShape
from crm.shared.strict import StrictSerializer
from orders.reasons import reason_params, reason_text
from orders.rules.offers import Refused


class CouponTerms(serializers.Serializer):
    """What a coupon takes off, of which goods, and from which spend."""

    kind = serializers.ChoiceField(choices=CouponTemplate.Kind.choices)
    amount = MoneyShape(allow_null=True)
    percent = serializers.CharField(allow_null=True)
    at_most = MoneyShape(allow_null=True)
    min_spend = MoneyShape()
    skips_discounted = serializers.BooleanField()


def terms_shape(terms: Terms) -> dict:
    """Return terms as the API writes them; a percentage as ``"20.00"``."""
    currency = settings.SHOP_CURRENCY
    is_percent = terms.kind == CouponTemplate.Kind.PERCENT
    cap = terms.cap_minor
    return {
        "kind": terms.kind,
        "amount": None if is_percent else as_api(terms.amount_minor, currency),
        "percent": f"{terms.percent_bp / 100:.2f}" if is_percent else None,
        "at_most": None if cap is None else as_api(cap, currency),
        "min_spend": as_api(terms.min_spend_minor, currency),
        "skips_discounted": terms.skips_discounted,
    }


class CouponShape(serializers.ModelSerializer):
    """A coupon in the member's wallet, as it stands ``at`` a time of the context."""

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
            "usable_from",
            "expires_at",
            "used_at",
            "is_transferable",
            "is_offered",
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
        if is_open and coupon.expires_at <= self.context["at"]:
            return Coupon.State.EXPIRED.value
        return coupon.state

    @extend_schema_field(CouponTerms)
    def get_terms(self, coupon: Coupon) -> dict:
        """Return the promise made at issue."""
        return terms_shape(Terms(**coupon.terms))


class WhyNotShape(serializers.Serializer):
    """Why something is not possible: for programs, for people, and the numbers."""

    code = serializers.CharField()
    message = serializers.CharField()
    params = serializers.DictField()


def reason_shape(why: Refused) -> dict[str, Any]:
    """Return a reason as the API writes it."""
    currency = settings.SHOP_CURRENCY
    return {
        "code": why.code,
        "message": reason_text(why, currency),
        "params": reason_params(why, currency),
    }


class CouponCodeRequest(StrictSerializer):
    """A code as typed."""

    code = serializers.CharField(max_length=40)


class CouponChoiceShape(serializers.Serializer):
    """A coupon of mine beside a cart: what it saves, or why not (C20)."""

    coupon = CouponShape()
    usable = serializers.BooleanField()
    saves = MoneyShape()
    reason = WhyNotShape(allow_null=True)

    def to_representation(self, choice: Choice) -> dict[str, Any]:
        """Write one choice."""
        return {
            "coupon": CouponShape(choice.coupon, context=self.context).data,
            "usable": choice.is_usable,
            "saves": as_api(choice.saves_minor, settings.SHOP_CURRENCY),
            "reason": None if choice.why is None else reason_shape(choice.why),
        }


class CouponOfferShape(serializers.ModelSerializer):
    """A coupon of the claim centre, and whether this member can claim it now."""

    id = serializers.CharField(source="public_id", read_only=True)
    name = serializers.CharField(source="label", read_only=True)
    terms = serializers.SerializerMethodField()
    remaining = serializers.SerializerMethodField()
    claimed = serializers.IntegerField(read_only=True)
    claimable = serializers.SerializerMethodField()
    reason = serializers.SerializerMethodField()

    class Meta:
        model = CouponTemplate
        fields = [
            *("id", "name", "terms", "valid_days", "valid_from", "valid_until"),
            *("starts_at", "ends_at", "remaining", "points_price"),
            *("per_member_limit", "claimed", "claimable", "reason"),
        ]
        read_only_fields = fields

    @extend_schema_field(CouponTerms)
    def get_terms(self, template: CouponTemplate) -> dict:
        """Return what the coupon takes off."""
        return terms_shape(terms_of(template))

    def get_remaining(self, template: CouponTemplate) -> int | None:
        """Return how many are left; ``null`` if there is no limit."""
        return None if template.stock is None else template.stock - template.issued

    def get_claimable(self, template: CouponTemplate) -> bool:
        """Return whether claiming it now would give one, points aside."""
        return self._why_not(template) is None

    @extend_schema_field(WhyNotShape(allow_null=True))
    def get_reason(self, template: CouponTemplate) -> dict[str, Any] | None:
        """Return why it cannot be claimed now."""
        code = self._why_not(template)
        return None if code is None else reason_shape(Refused(code))

    def _why_not(self, template: CouponTemplate) -> str | None:
        return why_not_claimable(template, at=self.context["at"])


class NotificationShape(serializers.ModelSerializer):
    """A message in the member's inbox."""

    id = serializers.CharField(source="public_id", read_only=True)
    body = serializers.CharField(read_only=True)

    class Meta:
        model = Message
        fields = ["id", "subject", "body", "created_at"]
        read_only_fields = fields
