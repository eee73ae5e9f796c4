"""What the member may say about themselves beyond the profile."""

from drf_spectacular.utils import extend_schema
from rest_framework.permissions import IsAuthenticated
from rest_framework.response import Response
from rest_framework.views import APIView

from crm.shared.bounded_json import JSONParser
from crm.shared.clock import now
from crm.shared.strict import StrictQueryMixin
from members.api.profile_serializers import (
    AttributeList,
    AttributesPatch,
    WordList,
    attribute_shape,
)
from members.api.views import MergePatchParser
from members.authentication import IsMember
from members.queries import (
    attribute_definitions,
    attribute_values,
    offered_interests,
)
from members.services.attributing import Author, set_attributes


class MyAttributes(StrictQueryMixin, APIView):
    """GET the attributes I may write, with what is kept; PATCH some of them."""

    permission_classes = [IsAuthenticated, IsMember]
    parser_classes = [JSONParser, MergePatchParser]

    @extend_schema(responses=AttributeList)
    def get(self, request):
        """Return attributes with type, purpose, choices, value and where it is from."""
        return attributes_response(request.user.member.pk)

    @extend_schema(request=AttributesPatch, responses=AttributeList)
    def patch(self, request):
        """Write all the values or none; 422 ``invalid_attribute`` names the culprit."""
        wanted = AttributesPatch(data=request.data)
        wanted.is_valid(raise_exception=True)
        set_attributes(
            member_id=request.user.member.pk,
            values=wanted.validated_data["values"],
            author=Author.MEMBER,
            source="storefront",
            now=now(),
        )
        return attributes_response(request.user.member.pk)


def attributes_response(member_id: int) -> Response:
    """Return all a member may write."""
    kept = attribute_values(member_id=member_id)
    shapes = [
        attribute_shape(definition, kept.get(definition.pk))
        for definition in attribute_definitions(Author.MEMBER)
    ]
    return Response({"data": shapes})


class Interests(StrictQueryMixin, APIView):
    """GET the words to choose interests from."""

    permission_classes = [IsAuthenticated, IsMember]

    @extend_schema(responses=WordList)
    def get(self, request):
        """Return the vocabulary in the language asked for."""
        words = [
            {"code": word.code, "label": word.label} for word in offered_interests()
        ]
        return Response({"data": words})
