"""Shapes of paid plans in the API."""

from datetime import date, timedelta
from typing import Any

from django.conf import settings
from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

from crm.shared.money import InvalidAmount, as_api, parse_amount
from crm.shared.serializers import MoneyShape
from crm.shared.strict import StrictSerializer
from loyalty.models import Plan, PlanPrice, Subscription
from loyalty.services.changing_plans import PlannedChange


class PlanPriceShape(serializers.Serializer):
    """What a plan costs; put ``sku`` into a cart to buy it."""

    period = serializers.ChoiceField(choices=PlanPrice.Period.choices)
    sku = serializers.CharField()
    price = MoneyShape()


class PlanShape(serializers.Serializer):
    """A plan on offer."""

    code = serializers.CharField()
    name = serializers.CharField()
    multiplier = serializers.CharField(help_text="Points multiplier, such as 1.50.")
    trial_days = serializers.IntegerField()
    may_pause = serializers.BooleanField()
    prices = PlanPriceShape(many=True)


class HeldPlanShape(serializers.Serializer):
    """The plan a member has. ``paid_until`` is its last day."""

    id = serializers.CharField()
    code = serializers.CharField()
    name = serializers.CharField()
    period = serializers.ChoiceField(choices=PlanPrice.Period.choices)
    state = serializers.ChoiceField(choices=Subscription.State.choices)
    since = serializers.DateField()
    paid_until = serializers.DateField(allow_null=True)
    days_kept = serializers.IntegerField(allow_null=True)
    renews = serializers.BooleanField()
    price = MoneyShape()
    saved = MoneyShape(help_text="By prices for the plan, since it began.")
    pays_with = serializers.CharField(
        help_text="wallet, the id of an instrument, or empty: the member pays.",
    )
    unpaid_order = serializers.CharField(allow_null=True)


class MyPlanShape(serializers.Serializer):
    """The plan of the member, if there is one."""

    plan = HeldPlanShape(allow_null=True)


class ChangeShape(serializers.Serializer):
    """What changing today means. Unused days are credited, rounded down."""

    code = serializers.CharField()
    period = serializers.ChoiceField(choices=PlanPrice.Period.choices)
    price = MoneyShape()
    credit = MoneyShape()
    due = MoneyShape()
    paid_until = serializers.DateField()


class ChangeOrderShape(serializers.Serializer):
    """The order of a change: with its payment the plan changes."""

    order = serializers.CharField()
    due = MoneyShape()


class WantedPlan(StrictSerializer):
    """Which plan, and for how long it is paid at once."""

    plan = serializers.SlugField(max_length=40)
    period = serializers.ChoiceField(choices=PlanPrice.Period.choices)


class WantedChange(WantedPlan):
    """The same with the sum the member agreed to."""

    expected_due = serializers.DictField(child=serializers.CharField())

    def validate_expected_due(self, value: dict[str, str]) -> int:
        """Return minor units of the shop's currency."""
        if value.get("currency") != settings.SHOP_CURRENCY:
            raise serializers.ValidationError(_("This is another currency."))
        try:
            return parse_amount(value.get("amount", ""), settings.SHOP_CURRENCY)
        except InvalidAmount as error:
            raise serializers.ValidationError(_("This is no amount.")) from error


class WayToPay(StrictSerializer):
    """With what renewals are paid."""

    pays_with = serializers.CharField(max_length=40, allow_blank=True)


def plan_shape(plan: Plan) -> dict[str, Any]:
    """Return a plan as the API writes it."""
    return {
        "code": plan.code,
        "name": plan.label,
        "multiplier": f"{plan.multiplier_bp / 10000:.2f}",
        "trial_days": plan.trial_days,
        "may_pause": plan.may_pause,
        "prices": [
            {
                "period": price.period,
                "sku": price.variant.sku,
                "price": _money(price.variant.price_minor),
            }
            for price in plan.prices.all()
        ],
    }


def held_shape(held: Subscription | None, *, saved_minor: int = 0) -> dict[str, Any]:
    """Return what a member has as the API writes it."""
    if held is None or not held.is_open:
        return {"plan": None}
    is_paused = held.state == Subscription.State.PAUSED
    waiting = held.renewal if held.state == Subscription.State.GRACE else None
    return {
        "plan": {
            "id": held.public_id,
            "code": held.plan.code,
            "name": held.plan.label,
            "period": held.price.period,
            "state": held.state,
            "since": held.started_on.isoformat(),
            "paid_until": None if is_paused else _last_day(held.ends_on),
            "days_kept": held.kept_days,
            "renews": not held.cancels,
            "price": _money(held.price_minor),
            "saved": _money(saved_minor),
            "pays_with": held.instrument.public_id
            if held.instrument
            else held.provider,
            "unpaid_order": waiting.public_id if waiting else None,
        }
    }


def change_shape(planned: PlannedChange) -> dict[str, Any]:
    """Return what a change means as the API writes it."""
    price, change = planned.price, planned.change
    return {
        "code": price.plan.code,
        "period": price.period,
        "price": _money(price.variant.price_minor),
        "credit": _money(change.credit_minor),
        "due": _money(change.due_minor),
        "paid_until": _last_day(change.ends_on),
    }


def _money(minor: int) -> dict[str, str]:
    return as_api(minor, settings.SHOP_CURRENCY)


def _last_day(ends_on: date) -> str:
    return (ends_on - timedelta(days=1)).isoformat()
