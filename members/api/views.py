"""The member's own profile."""

import re

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.exceptions import ValidationError
from rest_framework.permissions import IsAuthenticated
from rest_framework.response import Response
from rest_framework.views import APIView

from crm.shared.bounded_json import JSONParser
from crm.shared.clock import now
from crm.shared.strict import StrictQueryMixin
from members.api.serializers import Profile, ProfilePatch
from members.authentication import IsMember
from members.models import Member
from members.services.correcting import correct_member

_ETAG = re.compile(r'(?:W/)?"([0-9]{1,9})"')


class MergePatchParser(JSONParser):
    """The media type of RFC 7396; the body is JSON like any other."""

    media_type = "application/merge-patch+json"


class Me(StrictQueryMixin, APIView):
    """GET my profile; PATCH what changed, optionally with ``If-Match``."""

    permission_classes = [IsAuthenticated, IsMember]
    parser_classes = [JSONParser, MergePatchParser]

    @extend_schema(responses=Profile)
    def get(self, request):
        """Return the caller's own profile in clear."""
        return profile_response(request.user.member)

    @extend_schema(
        request=ProfilePatch,
        responses=Profile,
        parameters=[
            OpenApiParameter(
                "If-Match", str, OpenApiParameter.HEADER, description="ETag last seen."
            )
        ],
    )
    def patch(self, request):
        """Change the named fields; null clears one; 412 when the ETag is stale."""
        wanted = ProfilePatch(data=request.data)
        wanted.is_valid(raise_exception=True)
        member = correct_member(
            member_id=request.user.member.pk,
            changes=wanted.validated_data,
            version=version_of(request),
            now=now(),
        )
        return profile_response(member)


def profile_response(member: Member) -> Response:
    """Return a profile with its version as ETag."""
    return Response(Profile(member).data, headers={"ETag": f'"{member.version}"'})


def version_of(request) -> int | None:
    """Return the version named by ``If-Match``, if any.

    Raises:
        ValidationError: it is no ETag of ours.
    """
    header = request.headers.get("If-Match", "*").strip()
    if header == "*":
        return None
    found = _ETAG.fullmatch(header)
    if not found:
        raise ValidationError({"If-Match": ["invalid"]})
    return int(found[1])
