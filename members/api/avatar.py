"""The member's picture: sent as the file itself, given to nobody else."""

from django.http import Http404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.permissions import IsAuthenticated
from rest_framework.response import Response
from rest_framework.views import APIView

from crm.shared.clock import now
from crm.shared.pictures import WEBP, PictureParser, picture_response
from crm.shared.strict import StrictQueryMixin
from members.authentication import IsMember
from members.queries import avatar_of
from members.services.picturing import remove_avatar, set_avatar


class MyAvatar(StrictQueryMixin, APIView):
    """My picture: GET, PUT, DELETE."""

    permission_classes = [IsAuthenticated, IsMember]
    parser_classes = [PictureParser]

    @extend_schema(responses={(200, WEBP): OpenApiTypes.BINARY, 404: OpenApiResponse()})
    def get(self, request):
        """Return the picture, a square WebP of 256 pixels."""
        avatar = avatar_of(member_id=request.user.member.pk)
        if avatar is None:
            raise Http404
        return picture_response(avatar.webp)

    @extend_schema(
        request=dict.fromkeys(("image/png", "image/jpeg"), OpenApiTypes.BINARY)
        | {WEBP: OpenApiTypes.BINARY},
        responses={204: None},
    )
    def put(self, request):
        """Keep a PNG, JPEG or WebP of at most 2 MB; 422 ``invalid_picture``."""
        data = request.data if isinstance(request.data, bytes) else b""
        set_avatar(member_id=request.user.member.pk, data=data, now=now())
        return Response(status=204)

    @extend_schema(responses={204: None})
    def delete(self, request):
        """Forget the picture; there may be none."""
        remove_avatar(member_id=request.user.member.pk)
        return Response(status=204)
