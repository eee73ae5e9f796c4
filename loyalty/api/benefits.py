"""Storefront endpoints of benefits and of what they saved."""

from datetime import date, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.response import Response
from rest_framework.views import APIView

from crm.shared import clock
from crm.shared.dates import bounds_of_day
from crm.shared.money import as_api
from crm.shared.serializers import MoneyShape, WrittenShape
from crm.shared.strict import StrictQueryMixin
from loyalty.queries.benefits import HeldBenefit, held_benefits
from loyalty.queries.savings import saved_by_source
from members.authentication import IsMember

#: Savings of other years are not asked for.
_FIRST_YEAR, _LAST_YEAR = 1970, 2999


def benefit_shape(held: HeldBenefit) -> dict[str, Any]:
    """Return a benefit as the API writes it for one member."""
    benefit = held.benefit
    return {
        "code": benefit.code,
        "kind": benefit.kind,
        "name": benefit.label,
        "description": benefit.story,
        "number": held.right.number,
        "because": [mark for mark in held.right.because if mark],
        "used": held.used,
        "left": held.left,
        "period": benefit.period,
        "until": held.span.ends_on.isoformat(),
    }


class BenefitShape(WrittenShape):
    """A benefit of the caller: what, how many uses are left, until when."""

    write = staticmethod(benefit_shape)

    code = serializers.CharField()
    kind = serializers.CharField()
    name = serializers.CharField()
    description = serializers.CharField()
    number = serializers.IntegerField(help_text="Points, hours or months, by kind.")
    because = serializers.ListField(
        child=serializers.CharField(), help_text="What brings it, such as tier:gold."
    )
    used = serializers.IntegerField()
    left = serializers.IntegerField(
        allow_null=True, help_text="Uses of this period; null: as many as wanted."
    )
    period = serializers.CharField()
    until = serializers.DateField(help_text="Last day of the period.")


class SavedShape(serializers.Serializer):
    """What one source saved."""

    source = serializers.CharField()
    amount = MoneyShape()


class SavingsShape(serializers.Serializer):
    """What the caller saved in a period of whole days, by source."""

    since = serializers.DateField()
    until = serializers.DateField()
    total = MoneyShape()
    by_source = SavedShape(many=True)


class SavingsQuery(serializers.Serializer):
    """From which day to which; the year that ends today when left out."""

    since = serializers.DateField(required=False)
    until = serializers.DateField(required=False)

    def validate_since(self, day: date) -> date:
        """Refuse days no shop was open: calendars end, and sums of days with them."""
        if not _FIRST_YEAR <= day.year <= _LAST_YEAR:
            raise serializers.ValidationError(_("There were no orders on this day."))
        return day

    validate_until = validate_since

    def validate(self, told: dict) -> dict:
        """Fill in what was left out.

        Raises:
            ValidationError: it ends before it begins.
        """
        zone = ZoneInfo(settings.SHOP_TIME_ZONE)
        today: date = clock.now().astimezone(zone).date()
        until = told.get("until", today)
        since = told.get("since", until - timedelta(days=364))
        if since > until:
            raise serializers.ValidationError({"since": "after_until"})
        return {"since": since, "until": until}


class MyBenefits(StrictQueryMixin, APIView):
    """GET what the caller has by tier, plan and rules."""

    permission_classes = [IsMember]
    pagination_class = None

    @extend_schema(operation_id="me_benefits_list", responses=BenefitShape(many=True))
    def get(self, request):
        """Answer for the caller."""
        held = held_benefits(request.user.member.pk, clock.now())
        return Response(BenefitShape(held, many=True).data)


class MySavings(StrictQueryMixin, APIView):
    """GET what reductions and benefits saved the caller."""

    permission_classes = [IsMember]
    query_parameters = ("since", "until")

    @extend_schema(
        operation_id="me_savings", parameters=[SavingsQuery], responses=SavingsShape
    )
    def get(self, request):
        """Answer for the caller."""
        asked = SavingsQuery(data=request.query_params)
        asked.is_valid(raise_exception=True)
        zone = ZoneInfo(settings.SHOP_TIME_ZONE)
        days = asked.validated_data
        saved = saved_by_source(
            member_id=request.user.member.pk,
            since=bounds_of_day(days["since"], zone)[0],
            until=bounds_of_day(days["until"], zone)[1],
        )
        currency = settings.SHOP_CURRENCY
        answer = {
            **days,
            "total": as_api(sum(each.amount_minor for each in saved), currency),
            "by_source": [
                {"source": each.source, "amount": as_api(each.amount_minor, currency)}
                for each in saved
            ],
        }
        return Response(SavingsShape(answer).data)
