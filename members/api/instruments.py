"""The member's cards and wallets."""

from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.permissions import IsAuthenticated
from rest_framework.response import Response
from rest_framework.views import APIView

from crm.shared.clock import now
from crm.shared.strict import StrictQueryMixin, StrictSerializer
from members.authentication import IsMember
from members.models import PaymentInstrument
from members.queries import instruments_of
from members.services.instruments import (
    bind_instrument,
    remove_instrument,
    verify_instrument,
)


class InstrumentShape(serializers.ModelSerializer):
    """An instrument as its member sees it; the token never leaves."""

    id = serializers.CharField(source="public_id", read_only=True)
    status = serializers.ChoiceField(PaymentInstrument.Status.choices, read_only=True)
    checked_at = serializers.DateTimeField(
        source="decided_at", read_only=True, allow_null=True
    )

    class Meta:
        model = PaymentInstrument
        fields = [
            "id",
            "kind",
            "verifier",
            "brand",
            "last_four",
            "status",
            "checked_at",
            "bound_at",
        ]
        read_only_fields = fields


class InstrumentList(serializers.Serializer):
    """All that are bound."""

    data = InstrumentShape(many=True)


class InstrumentRequest(StrictSerializer):
    """What a storefront knows of a card or wallet after the provider's own form.

    Messages never repeat what was sent: it might be a card number after all.
    """

    verifier = serializers.CharField(max_length=20)
    kind = serializers.ChoiceField(
        PaymentInstrument.Kind.choices,
        error_messages={"invalid_choice": _("There is no such kind.")},
    )
    token = serializers.CharField(max_length=200)
    brand = serializers.CharField(max_length=20, required=False, allow_blank=True)
    last_four = serializers.CharField(max_length=4, required=False, allow_blank=True)


class MyInstruments(StrictQueryMixin, APIView):
    """GET what I have bound; POST one more."""

    permission_classes = [IsAuthenticated, IsMember]

    @extend_schema(responses=InstrumentList)
    def get(self, request):
        """Return the newest first, each with what its verification says."""
        found = instruments_of(member_id=request.user.member.pk)
        return Response({"data": InstrumentShape(found, many=True).data})

    @extend_schema(request=InstrumentRequest, responses={201: InstrumentShape})
    def post(self, request):
        """Bind a token; the same token again answers the same instrument."""
        wanted = InstrumentRequest(data=request.data)
        wanted.is_valid(raise_exception=True)
        row = bind_instrument(
            member_id=request.user.member.pk, now=now(), **wanted.validated_data
        )
        return Response(InstrumentShape(row).data, status=201)


class MyInstrument(StrictQueryMixin, APIView):
    """DELETE an instrument of mine."""

    permission_classes = [IsAuthenticated, IsMember]

    @extend_schema(responses={204: None})
    def delete(self, request, instrument: str):
        """Forget it."""
        remove_instrument(
            member_id=request.user.member.pk, instrument=instrument, now=now()
        )
        return Response(status=204)


class VerifyInstrument(StrictQueryMixin, APIView):
    """POST has an instrument of mine checked."""

    permission_classes = [IsAuthenticated, IsMember]

    @extend_schema(request=None, responses={202: InstrumentShape})
    def post(self, request, instrument: str):
        """Ask, or ask again; look at ``status`` until it is not ``pending``."""
        row = verify_instrument(
            member_id=request.user.member.pk, instrument=instrument, now=now()
        )
        return Response(InstrumentShape(row).data, status=202)
