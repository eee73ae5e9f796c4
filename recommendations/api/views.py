"""Storefront endpoints of recommendations."""

from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.exceptions import ValidationError
from rest_framework.permissions import AllowAny
from rest_framework.response import Response
from rest_framework.views import APIView

from crm.shared.strict import StrictQueryMixin
from members.authentication import IsMember
from orders.models import Product
from recommendations.api.serializers import SuggestionsShape, suggestions_shape
from recommendations.queries import for_member, related

_DEFAULT_LIMIT = 10
_MOST = 20
_LIMIT = OpenApiParameter("limit", int, description="1 to 20, default 10.")


def _limit(request) -> int:
    """Return how many suggestions are wanted."""
    text = request.query_params.get("limit", str(_DEFAULT_LIMIT))
    is_number = text.isascii() and text.isdecimal() and len(text) <= 2
    if not is_number or not 1 <= int(text) <= _MOST:
        raise ValidationError({"limit": [_("Give a whole number from 1 to 20.")]})
    return int(text)


class MyRecommendations(StrictQueryMixin, APIView):
    """GET products the member may like, with reasons."""

    permission_classes = [IsMember]
    query_parameters = ["limit"]

    @extend_schema(
        operation_id="me_recommendations",
        parameters=[_LIMIT],
        responses=SuggestionsShape,
    )
    def get(self, request):
        """Answer for the caller; without profiling only what is popular."""
        found = for_member(member_id=request.user.member.pk, limit=_limit(request))
        return Response(suggestions_shape(found))


class RelatedProducts(StrictQueryMixin, APIView):
    """GET products that buyers of a product also bought."""

    permission_classes = [AllowAny]
    query_parameters = ["limit"]

    @extend_schema(
        operation_id="products_related",
        parameters=[_LIMIT],
        responses=SuggestionsShape,
    )
    def get(self, request, product: str):
        """Answer for anybody; 404 for what is not on sale."""
        about = get_object_or_404(Product, public_id=product, is_listed=True)
        return Response(
            suggestions_shape(related(product=about, limit=_limit(request)))
        )
