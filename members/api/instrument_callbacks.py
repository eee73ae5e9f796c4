"""Where verifiers, and the one of demo shops, tell what they found."""

from django.http import Http404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.permissions import AllowAny
from rest_framework.response import Response
from rest_framework.views import APIView

from crm.shared import clock
from crm.shared.bounded_json import read_bounded
from crm.shared.strict import StrictQueryMixin, StrictSerializer
from members.models import Verification, VerificationResult
from members.services.instruments import take_verdict
from members.verifiers.base import verifier_of
from members.verifiers.test import signed_verdict


class VerifierCallback(APIView):
    """POST a verifier's message. The signature is the only credential."""

    authentication_classes: list = []
    permission_classes = [AllowAny]

    @extend_schema(exclude=True)
    def post(self, request, verifier: str):
        """Take the message; any number of times is once."""
        # The very bytes: a signature does not survive parsing.
        raw = request._request
        body = read_bounded(raw, request.headers.get("Content-Length"))
        take_verdict(
            verifier=verifier, body=body, headers=request.headers, now=clock.now()
        )
        return Response({"received": True})


class VerdictRequest(StrictSerializer):
    """What the verifier of a demo shop shall say."""

    outcome = serializers.ChoiceField(VerificationResult.Outcome.choices)


class TestVerdict(StrictQueryMixin, APIView):
    """POST plays the test verifier; not there in a production shop."""

    authentication_classes: list = []
    permission_classes = [AllowAny]

    @extend_schema(exclude=True, request=VerdictRequest)
    def post(self, request, instrument: str):
        """Answer the newest question about an instrument, signed as it should be."""
        verifier_of("test")
        wanted = VerdictRequest(data=request.data)
        wanted.is_valid(raise_exception=True)
        question = (
            Verification.objects.filter(instrument__public_id=instrument)
            .filter(instrument__verifier="test")
            .order_by("-pk")
            .first()
        )
        if question is None:
            raise Http404
        outcome = wanted.validated_data["outcome"]
        body, headers = signed_verdict(
            key=question.public_id,
            outcome=outcome,
            reason="" if outcome == "passed" else "declined",
            decided_at=clock.now(),
        )
        take_verdict(verifier="test", body=body, headers=headers, now=clock.now())
        return Response({"received": True})
