"""How members earn: check-ins, and what a cart would bring."""

from django.http import Http404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.permissions import AllowAny
from rest_framework.response import Response
from rest_framework.views import APIView

from crm.shared import clock
from crm.shared.idempotency import idempotent
from crm.shared.strict import StrictQueryMixin, StrictSerializer
from loyalty.models import Program
from loyalty.queries.check_ins import check_in_standing
from loyalty.queries.earning import names_of_rules
from loyalty.queries.program import program
from loyalty.services.checking_in import check_in
from loyalty.services.estimating import estimate_cart
from members.authentication import IsMember
from orders.queries.carts import find_cart
from orders.services.quoting import priced_cart


class ComingDayShape(serializers.Serializer):
    """A day to check in, and what it brings if none before it is left out."""

    day = serializers.DateField()
    streak = serializers.IntegerField()
    points = serializers.IntegerField()


class CheckInShape(serializers.Serializer):
    """The streak, and what the next days bring before caps."""

    checked_in_today = serializers.BooleanField(source="is_done")
    streak = serializers.IntegerField()
    coming = ComingDayShape(many=True)


class CheckedInShape(CheckInShape):
    """A check-in of today; ``points`` is what it brought, also when asked again."""

    points = serializers.IntegerField()


class Nothing(StrictSerializer):
    """An empty body."""


class RuleShareShape(serializers.Serializer):
    """What one rule brings."""

    name = serializers.CharField()
    points = serializers.IntegerField()


class EarningShape(serializers.Serializer):
    """What a cart would earn if it were paid now."""

    points = serializers.IntegerField()
    rules = RuleShareShape(many=True)
    available = serializers.ChoiceField(choices=Program.Activation.choices)


class MyCheckIns(StrictQueryMixin, APIView):
    """GET how the streak stands; POST checks in today."""

    permission_classes = [IsMember]

    @extend_schema(operation_id="me_check_ins_retrieve", responses=CheckInShape)
    def get(self, request):
        """Return the streak and the points of the next days."""
        standing = check_in_standing(member=request.user.member, at=clock.now())
        return Response(CheckInShape(standing).data)

    @extend_schema(
        operation_id="me_check_ins_create",
        request=Nothing,
        responses={200: CheckedInShape, 201: CheckedInShape},
    )
    @idempotent
    def post(self, request):
        """Check in (201); again on the same day changes nothing (200)."""
        Nothing(data=request.data).is_valid(raise_exception=True)
        now = clock.now()
        member = request.user.member
        done = check_in(member_id=member.pk, now=now)
        standing = check_in_standing(member=member, at=now)
        body = CheckInShape(standing).data | {"points": done.points}
        return Response(body, status=201 if done.is_new else 200)


class CartEarning(StrictQueryMixin, APIView):
    """GET what a cart would earn."""

    permission_classes = [AllowAny]

    @extend_schema(operation_id="carts_earning_retrieve", responses=EarningShape)
    def get(self, request, cart: str):
        """Return the points of the cart as it is priced now, rule by rule."""
        now = clock.now()
        member = getattr(request.user, "member", None)
        found = find_cart(public_id=cart, member_id=member.pk if member else None)
        if found is None:
            raise Http404
        priced = priced_cart(cart=found, now=now)
        earned = estimate_cart(priced=priced, member=member, now=now)
        given = [each for each in earned.counted if each.points]
        names = names_of_rules(each.rule.code for each in given)
        return Response(
            {
                "points": earned.points,
                "rules": [
                    {"name": names[each.rule.code], "points": each.points}
                    for each in given
                ],
                "available": program().activation,
            }
        )
