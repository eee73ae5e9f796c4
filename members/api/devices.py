"""Where I am signed in."""

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.permissions import IsAuthenticated
from rest_framework.response import Response
from rest_framework.views import APIView

from crm.shared.strict import StrictQueryMixin
from members.authentication import IsMember, token_of
from members.models import Session
from members.queries import open_sessions
from members.services.devices import end_session, end_sessions
from members.sessions import key_mark


class DeviceShape(serializers.ModelSerializer):
    """One device; enough to recognise it, not enough to follow anybody."""

    id = serializers.CharField(source="public_id", read_only=True)
    signed_in_at = serializers.DateTimeField(source="created_at", read_only=True)
    current = serializers.SerializerMethodField()

    class Meta:
        model = Session
        fields = ["id", "device", "network", "signed_in_at", "seen_at", "current"]
        read_only_fields = fields

    def get_current(self, session: Session) -> bool:
        """Return whether it is the one that asks."""
        return session.session_key == self.context["mark"]


class DeviceList(serializers.Serializer):
    """All of them, last used first."""

    data = DeviceShape(many=True)


class MyDevices(StrictQueryMixin, APIView):
    """GET where I am signed in; DELETE signs me out everywhere else."""

    permission_classes = [IsAuthenticated, IsMember]

    @extend_schema(responses=DeviceList)
    def get(self, request):
        """Return the open sessions of the caller."""
        # Sessions live on real time: the shop's clock does not age them.
        standing = open_sessions(user_id=request.user.pk, now=timezone.now())
        shown = DeviceShape(standing, many=True, context={"mark": mark_of(request)})
        return Response({"data": shown.data})

    @extend_schema(operation_id="me_devices_destroy_others", responses={204: None})
    def delete(self, request):
        """End every session but the one that asks."""
        end_sessions(user_id=request.user.pk, keep=mark_of(request))
        return Response(status=204)


class MyDevice(StrictQueryMixin, APIView):
    """DELETE signs me out on one device."""

    permission_classes = [IsAuthenticated, IsMember]

    @extend_schema(responses={204: None})
    def delete(self, request, device_id: str):
        """End one session of the caller, also the one that asks."""
        end_session(user_id=request.user.pk, public_id=device_id)
        return Response(status=204)


def mark_of(request) -> str:
    """Return the hash of the token that came with a request."""
    return key_mark(token_of(request))
