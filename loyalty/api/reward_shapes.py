"""Shapes of rewards and what members took."""

from typing import Any

from django.conf import settings
from django.urls import reverse
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from crm.shared.money import as_api
from crm.shared.serializers import Amount, MoneyShape, WrittenShape
from crm.shared.strict import StrictSerializer
from loyalty.models import Reward, RewardRedemption
from loyalty.queries.rewards import ShownReward
from loyalty.services.ending_redemptions import may_cancel
from loyalty.services.reward_kinds import reward_kind


def _money(minor: int | None) -> dict[str, str] | None:
    return None if minor is None else as_api(minor, settings.SHOP_CURRENCY)


def _picture(reward: Reward) -> str | None:
    if reward.picture_id is None:
        return None
    return reverse("reward-picture", args=[reward.picture_id])


def reward_shape(shown: ShownReward) -> dict[str, Any]:
    """Return a reward as the API writes it for one member."""
    reward = shown.reward
    return {
        "id": reward.public_id,
        "kind": reward.kind,
        "name": reward.label,
        "description": reward.story,
        "points": shown.points,
        "points_usually": reward.points,
        "price": _money(shown.price_minor or None),
        "value": _money(reward.amount_minor),
        "needs_address": reward_kind(reward.kind).is_sent,
        "left": reward.left,
        "per_member": reward.member_limit,
        "refundable_days": reward.refundable_days,
        "starts_at": reward.starts_at,
        "ends_at": reward.ends_at,
        "begins_at": reward.seat_at,
        "over_at": reward.seat_until,
        "place": reward.where,
        "picture": _picture(reward),
    }


class RewardShape(WrittenShape):
    """A reward, and what it costs whoever asks."""

    write = staticmethod(reward_shape)

    id = serializers.CharField()
    kind = serializers.CharField()
    name = serializers.CharField()
    description = serializers.CharField()
    points = serializers.IntegerField(help_text="What it costs the caller.")
    points_usually = serializers.IntegerField()
    price = MoneyShape(
        allow_null=True, help_text="In money besides the points; null: points only."
    )
    value = MoneyShape(allow_null=True)
    needs_address = serializers.BooleanField()
    left = serializers.IntegerField(allow_null=True, help_text="Pieces; null: enough.")
    per_member = serializers.IntegerField(allow_null=True)
    refundable_days = serializers.IntegerField()
    starts_at = serializers.DateTimeField(
        help_text="For all; whoever has early access sees it before."
    )
    ends_at = serializers.DateTimeField(allow_null=True)
    begins_at = serializers.DateTimeField(
        allow_null=True, help_text="When the occasion of an event seat begins."
    )
    over_at = serializers.DateTimeField(
        allow_null=True, help_text="Until then passes let in; null: all that day."
    )
    place = serializers.CharField(help_text="Where; empty for what is no seat.")
    picture = serializers.CharField(allow_null=True)


class RedemptionRequest(StrictSerializer):
    """What a storefront sends."""

    expected_points = serializers.IntegerField(
        min_value=0, help_text="The price the member saw."
    )
    expected_price = Amount(
        required=False, help_text="The money besides, where the reward costs any."
    )
    pay_with = serializers.ChoiceField(
        choices=["wallet"],
        required=False,
        help_text="Pays the money at once; else pay the order as any other.",
    )
    address = serializers.CharField(
        required=False,
        max_length=40,
        help_text="One of the member's addresses, for what is sent; else the default.",
    )

    def validate(self, attrs: dict) -> dict:
        """Turn the amount into minor units; who named none saw none."""
        price = attrs.pop("expected_price", None)
        way = attrs.pop("pay_with", "")
        return {
            **attrs,
            "expected_minor": price["amount"] if price else 0,
            "from_wallet": way == "wallet",
        }


class RedemptionShape(serializers.ModelSerializer):
    """A reward a member took, and how far it is."""

    id = serializers.CharField(source="public_id", read_only=True)
    reward = serializers.CharField(source="reward.public_id", read_only=True)
    name = serializers.CharField(source="label", read_only=True)
    price = serializers.SerializerMethodField()
    order = serializers.CharField(
        source="order.public_id",
        default=None,
        read_only=True,
        help_text="What the money is paid by; null: there was none to pay.",
    )
    result = serializers.CharField(
        read_only=True, help_text="What it brought, such as the id of a coupon."
    )
    begins_at = serializers.DateTimeField(
        source="seat_at",
        allow_null=True,
        read_only=True,
        help_text="When the occasion of an event seat begins, as was promised.",
    )
    place = serializers.CharField(source="where", read_only=True)
    ticket = serializers.CharField(
        read_only=True,
        help_text="To be shown at the door, once; empty for what is no seat.",
    )
    may_be_given_back = serializers.SerializerMethodField()

    class Meta:
        model = RewardRedemption
        fields = [
            *("id", "reward", "name", "kind", "state", "points", "price"),
            *("order", "result", "begins_at", "place", "ticket", "admitted_at"),
            *("requested_at", "due_at", "carrier", "tracking", "shipped_at"),
            *("delivered_at", "ended_at", "refundable_until", "may_be_given_back"),
        ]
        read_only_fields = fields

    @extend_schema_field(MoneyShape(allow_null=True))
    def get_price(self, redemption: RewardRedemption) -> dict[str, str] | None:
        """Return the money besides the points; None for none."""
        return _money(redemption.price_minor or None)

    def get_may_be_given_back(self, redemption: RewardRedemption) -> bool:
        """Return whether the member may still give it back."""
        return may_cancel(redemption, at=self.context["at"])
