"""How I sign in: linked accounts, proved phone and address."""

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.permissions import IsAuthenticated
from rest_framework.response import Response
from rest_framework.views import APIView

from crm.shared.clock import now
from crm.shared.strict import StrictQueryMixin, StrictSerializer
from members.authentication import IsMember
from members.identity.callers import address_of
from members.models import SignInCode
from members.queries import ways_in
from members.rules.devices import caller_of
from members.services.identities import unlink_identity
from members.services.requesting_codes import DIGITS, request_proof
from members.services.signing_in import prove_contact


class IdentityShape(serializers.Serializer):
    """One account elsewhere that opens this membership."""

    id = serializers.CharField()
    provider = serializers.CharField()
    linked_at = serializers.DateTimeField()


class WaysIn(serializers.Serializer):
    """Every way to sign in to this membership."""

    data = IdentityShape(many=True)
    password = serializers.BooleanField()
    passkeys = serializers.IntegerField()
    phone_verified_at = serializers.DateTimeField(allow_null=True)
    email_verified_at = serializers.DateTimeField(allow_null=True)


class ProofRequest(StrictSerializer):
    """Which of my two contacts I want to prove."""

    channel = serializers.ChoiceField(SignInCode.Channel.choices)


class ProofSent(serializers.Serializer):
    """A code is on its way."""

    id = serializers.CharField(source="public_id")
    expires_at = serializers.DateTimeField()


class Proof(StrictSerializer):
    """The code that came."""

    id = serializers.CharField(max_length=40)
    code = serializers.CharField(min_length=DIGITS, max_length=DIGITS)


class MyIdentities(StrictQueryMixin, APIView):
    """GET how I can sign in."""

    permission_classes = [IsAuthenticated, IsMember]

    @extend_schema(responses=WaysIn)
    def get(self, request):
        """Return linked accounts and what else opens this membership."""
        return Response(WaysIn(ways_in(member=request.user.member)).data)


class MyIdentity(StrictQueryMixin, APIView):
    """DELETE unlinks an account elsewhere; 409 ``last_way_in``."""

    permission_classes = [IsAuthenticated, IsMember]

    @extend_schema(responses={204: None})
    def delete(self, request, identity_id: str):
        """Unlink one of the caller's accounts."""
        unlink_identity(user_id=request.user.pk, identity=identity_id, now=now())
        return Response(status=204)


class RequestProof(StrictQueryMixin, APIView):
    """POST which contact to prove; a code goes to the one in my profile."""

    permission_classes = [IsAuthenticated, IsMember]

    @extend_schema(request=ProofRequest, responses={202: ProofSent})
    def post(self, request):
        """Queue a code to the caller's own phone or address."""
        wanted = ProofRequest(data=request.data)
        wanted.is_valid(raise_exception=True)
        code = request_proof(
            member_id=request.user.member.pk,
            channel=wanted.validated_data["channel"],
            caller=caller_of(address_of(request)),
            now=now(),
        )
        return Response(ProofSent(code).data, status=202)


class GiveProof(StrictQueryMixin, APIView):
    """POST the code; the contact counts as proved from then on."""

    permission_classes = [IsAuthenticated, IsMember]

    @extend_schema(request=Proof, responses={204: None})
    def post(self, request):
        """Mark the caller's phone or address as proved."""
        given = Proof(data=request.data)
        given.is_valid(raise_exception=True)
        prove_contact(
            member_id=request.user.member.pk,
            code_id=given.validated_data["id"],
            digits=given.validated_data["code"],
            caller=caller_of(address_of(request)),
            now=now(),
        )
        return Response(status=204)
