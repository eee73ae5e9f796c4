"""A small API on the ground floor alone: its views, and its URLs."""

from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, OperationalError
from django.http import Http404, HttpResponse
from django.urls import path
from rest_framework import serializers
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import Throttled
from rest_framework.generics import ListAPIView
from rest_framework.permissions import AllowAny, IsAuthenticated
from rest_framework.response import Response
from rest_framework.views import APIView

from crm.shared import health, problems
from crm.shared.audit import record_audit
from crm.shared.errors import Refusal
from crm.shared.idempotency import idempotent
from crm.shared.models import AuditEntry
from crm.shared.strict import StrictQueryMixin, StrictSerializer
from members.models import User
from tests.shared.outbox_cast import NOON


class NotEnough(Refusal):
    """You do not have that many."""

    code = "not_enough"
    message = "You are %(missing)s short."


class CouponSpent(Refusal):
    """Spent."""

    code = "coupon_spent"
    status = 422
    pointer = "/code"


class ByHeader(BaseAuthentication):
    """``X-User: 5`` signs in user 5."""

    def authenticate(self, request):
        number = request.headers.get("X-User")
        return (User(pk=int(number), username=number), None) if number else None


class Line(StrictSerializer):
    quantity = serializers.IntegerField(min_value=1)


class Wish(StrictSerializer):
    number = serializers.IntegerField(min_value=0)
    text = serializers.CharField(required=False)
    lines = Line(many=True, required=False)


class Open(APIView):
    authentication_classes = [ByHeader]
    permission_classes = [AllowAny]


class Write(Open):
    """Leaves one audit entry per effect; the number chooses the outcome."""

    @idempotent
    def post(self, request):
        wish = Wish(data=request.data)
        wish.is_valid(raise_exception=True)
        number = wish.validated_data["number"]
        entry = record_audit(
            actor=None, action="test.effect", object_id=str(number), now=NOON
        )
        if number == 409:
            raise NotEnough(missing=3)
        if number == 422:
            raise CouponSpent
        if number == 410:
            return Response({"gone": True}, status=410)
        return Response(
            {"z": entry.pk, "a": number}, status=201, headers={"Location": "/x/1"}
        )


#: What ``Spend`` may take from: the state of the shop that changes.
purse = 9


class Spend(Open):
    """Leaves an entry as long as the purse has so much."""

    @idempotent
    def post(self, request):
        number = request.data["number"]
        entry = record_audit(
            actor=None, action="test.effect", object_id=str(number), now=NOON
        )
        if number > purse:
            raise NotEnough(missing=number - purse)
        return Response({"entry": entry.pk}, status=201)


class MustWrite(Write):
    @idempotent(required=True)
    def post(self, request):
        return Response({"done": True})


ERRORS = {
    "missing": lambda: Http404(),
    "forbidden": lambda: PermissionDenied(),
    "busy": lambda: OperationalError("connection to 10.0.0.1 failed"),
    "odd": lambda: IntegrityError("Key (email)=(alice@example.com)"),
    "slow": lambda: Throttled(wait=12.2),
    "broken": lambda: ZeroDivisionError("secret 42"),
    "refused": lambda: NotEnough(missing=3),
}


class Fail(Open):
    def get(self, request, how):
        raise ERRORS[how]()


class Closed(Open):
    permission_classes = [IsAuthenticated]

    def get(self, request):
        return Response({"at": NOON})


class Shape(serializers.Serializer):
    id = serializers.IntegerField()
    at = serializers.DateTimeField()


class Trail(StrictQueryMixin, ListAPIView):
    authentication_classes = [ByHeader]
    permission_classes = [AllowAny]
    serializer_class = Shape
    queryset = AuditEntry.objects.all()
    filter_backends = []
    query_parameters = {"colour"}
    cursor_ordering = ["-at", "-id"]


class OtherTrail(Trail):
    pass


def crash(request):
    raise ZeroDivisionError("secret 42")


urlpatterns = [
    path("api/write", Write.as_view()),
    path("api/spend", Spend.as_view()),
    path("api/must-write", MustWrite.as_view()),
    path("api/fail/<str:how>", Fail.as_view()),
    path("api/closed", Closed.as_view()),
    path("api/trail", Trail.as_view()),
    path("api/other-trail", OtherTrail.as_view()),
    path("api/crash", crash),
    path("page", lambda request: HttpResponse("<p>hello")),
    path("admin/page", lambda request: HttpResponse("<p>hello")),
    path("crash", crash),
    path("livez", health.livez),
    path("readyz", health.readyz),
]
handler400 = problems.handler400
handler403 = problems.handler403
handler404 = problems.handler404
handler500 = problems.handler500
