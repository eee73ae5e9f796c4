"""Where payment providers, and the gateway of demo shops, tell what happened."""

from django.http import Http404, HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework.permissions import AllowAny
from rest_framework.response import Response
from rest_framework.views import APIView

from crm.shared import clock
from crm.shared.bounded_json import read_bounded
from crm.shared.strict import StrictQueryMixin
from orders.api.requests import OutcomeRequest
from orders.api.serializers import ReceivedShape
from orders.models import Payment
from orders.providers.base import provider_of
from orders.providers.test import signed_message
from orders.services.payment import take_callback


class Callback(APIView):
    """POST a provider's message. The signature is the only credential."""

    authentication_classes: list = []
    permission_classes = [AllowAny]

    @extend_schema(exclude=True)
    def post(self, request, provider: str):
        """Take the message; any number of times is once."""
        # The very bytes: a signature does not survive parsing.
        raw = request._request
        body = read_bounded(raw, request.headers.get("Content-Length"))
        take_callback(
            provider=provider, body=body, headers=request.headers, now=clock.now()
        )
        receipt = provider_of(provider).receipt
        if receipt:
            return HttpResponse(receipt, content_type="text/plain")
        return Response({"received": True})


class TestOutcome(StrictQueryMixin, APIView):
    """POST plays the buyer at the test gateway; not there in a production shop."""

    authentication_classes: list = []
    permission_classes = [AllowAny]
    pagination_class = None

    @extend_schema(exclude=True, request=OutcomeRequest, responses=ReceivedShape)
    def post(self, request, payment: str):
        """Sign the outcome as the gateway would and hand it to the shop."""
        provider_of("test")
        wanted = OutcomeRequest(data=request.data)
        wanted.is_valid(raise_exception=True)
        known = Payment.objects.select_related("order").filter(
            public_id=payment, provider="test"
        )
        found = known.first()
        if found is None:
            raise Http404
        body, headers = signed_message(
            payment_id=found.public_id,
            amount_minor=found.amount_minor,
            currency=found.order.currency,
            kind=wanted.validated_data["outcome"],
        )
        take_callback(provider="test", body=body, headers=headers, now=clock.now())
        return Response({"received": True})
