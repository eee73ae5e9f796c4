"""The member's addresses. Somebody else's answer like none."""

from django.conf import settings
from django.http import Http404
from django.urls import reverse
from drf_spectacular.utils import extend_schema
from rest_framework.permissions import IsAuthenticated
from rest_framework.response import Response
from rest_framework.views import APIView

from crm.shared.bounded_json import JSONParser
from crm.shared.clock import now
from crm.shared.idempotency import idempotent
from crm.shared.strict import StrictQueryMixin
from members.api.profile_serializers import (
    AddressList,
    AddressPatch,
    AddressRequest,
    AddressShape,
)
from members.api.views import MergePatchParser
from members.authentication import IsMember
from members.queries import addresses_of
from members.services.addressing import add_address, change_address, remove_address


class MyAddresses(StrictQueryMixin, APIView):
    """GET my addresses, the default first; POST adds one."""

    permission_classes = [IsAuthenticated, IsMember]

    @extend_schema(operation_id="me_addresses_list", responses=AddressList)
    def get(self, request):
        """Return all addresses; there are 20 at most."""
        mine = addresses_of(member_id=request.user.member.pk)
        return Response({"data": AddressShape(mine, many=True).data})

    @extend_schema(request=AddressRequest, responses={201: AddressShape})
    @idempotent
    def post(self, request):
        """Keep an address; the first is the default. 422 ``too_many_addresses``."""
        wanted = AddressRequest(data=request.data)
        wanted.is_valid(raise_exception=True)
        lines = {"country": settings.DEFAULT_REGION, **wanted.validated_data}
        address = add_address(
            member_id=request.user.member.pk,
            is_default=lines.pop("is_default"),
            lines=lines,
            now=now(),
        )
        where = reverse("my-address", args=[address.public_id])
        return Response(
            AddressShape(address).data, status=201, headers={"Location": where}
        )


class MyAddress(StrictQueryMixin, APIView):
    """One of my addresses: GET, PATCH, DELETE."""

    permission_classes = [IsAuthenticated, IsMember]
    parser_classes = [JSONParser, MergePatchParser]

    @extend_schema(operation_id="me_addresses_retrieve", responses=AddressShape)
    def get(self, request, address: str):
        """Return one address."""
        for mine in addresses_of(member_id=request.user.member.pk):
            if mine.public_id == address:
                return Response(AddressShape(mine).data)
        raise Http404

    @extend_schema(request=AddressPatch, responses=AddressShape)
    def patch(self, request, address: str):
        """Change the named lines; null clears one."""
        wanted = AddressPatch(data=request.data)
        wanted.is_valid(raise_exception=True)
        lines = dict(wanted.validated_data)
        changed = change_address(
            member_id=request.user.member.pk,
            public_id=address,
            is_default=lines.pop("is_default"),
            lines=lines,
        )
        return Response(AddressShape(changed).data)

    @extend_schema(responses={204: None})
    def delete(self, request, address: str):
        """Forget the address; the oldest one left becomes the default."""
        remove_address(member_id=request.user.member.pk, public_id=address)
        return Response(status=204)
