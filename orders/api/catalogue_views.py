"""The catalogue, open to everybody."""

from collections.abc import Sequence
from datetime import datetime
from itertools import islice

from django.http import Http404, HttpResponse
from django.utils.translation import gettext_lazy as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import (
    OpenApiParameter,
    OpenApiResponse,
    extend_schema,
    extend_schema_view,
)
from rest_framework import generics
from rest_framework.exceptions import ValidationError
from rest_framework.permissions import AllowAny
from rest_framework.response import Response
from rest_framework.views import APIView

from crm.shared.clock import now
from crm.shared.paging import CursorPage
from crm.shared.pictures import WEBP, public_picture_response
from crm.shared.strict import StrictQueryMixin
from orders.api.catalogue_serializers import CategoryTreeShape, ProductShape
from orders.api.catalogue_shapes import product_shape, tree_shape
from orders.queries.catalogue import (
    ShownProduct,
    Wanted,
    best_first,
    category_tree,
    listed_products,
    picture_of,
    product_on_sale,
)
from orders.rules.lines import PriceLine
from orders.services.showing_prices import shown_prices

_LONGEST_TEXT = 80
_CHANNEL = OpenApiParameter(
    "channel", description="Code; without it, only what is sold everywhere."
)


class _Catalogue(StrictQueryMixin):
    permission_classes = [AllowAny]
    serializer_class = ProductShape
    filter_backends: list = []

    def shapes(
        self, products: Sequence[ShownProduct], *, channel: str, at: datetime
    ) -> Sequence[dict]:
        """Return products as whoever asks sees them in a channel at ``at``."""
        lines: list[PriceLine] = []
        for product in products:
            lines += product.lines(first=len(lines) + 1)
        prices = iter(
            shown_prices(
                lines=lines, member_id=self._member_id(), channel_code=channel, now=at
            )
        )
        return [
            product_shape(product, list(islice(prices, len(product.skus))))
            for product in products
        ]

    def _member_id(self) -> int | None:
        member = getattr(self.request.user, "member", None)
        return member.pk if member is not None and member.may_sign_in else None

    def wanted(self) -> Wanted:
        """Return what the query asks for.

        Raises:
            ValidationError: a search longer than anything that could be found.
        """
        query = self.request.query_params
        text = query.get("q", "").strip()
        if len(text) > _LONGEST_TEXT:
            raise ValidationError({"q": [_("Use at most 80 characters.")]})
        return Wanted(
            category=query.get("category", ""),
            brand=query.get("brand", ""),
            tag=query.get("tag", ""),
            channel=query.get("channel", ""),
            text=text,
        )


@extend_schema_view(
    get=extend_schema(
        operation_id="products_list",
        parameters=[
            OpenApiParameter("category", description="Code; its branch is included."),
            OpenApiParameter("brand", description="Code of a brand."),
            OpenApiParameter("tag", description="A whole tag."),
            _CHANNEL,
            OpenApiParameter(
                "q",
                description="Beginnings of words, Chinese in characters, pinyin or its "
                "initials, a SKU or barcode. Finds names, brand, categories, tags and "
                "attributes; a whole code comes first, then names.",
            ),
        ],
    )
)
class Products(_Catalogue, generics.ListAPIView):
    """GET what is on sale, newest first; of a search, the best first."""

    pagination_class = CursorPage
    query_parameters = ["category", "brand", "tag", "channel", "q"]

    def list(self, request, *args, **kwargs) -> Response:
        """Return a page of the products the query asks for."""
        wanted, at = self.wanted(), now()
        products = listed_products(wanted, at=at)
        if wanted.text:
            page = self.paginate_queryset(best_first(products, wanted.text))
        else:
            page = self.paginate_queryset(products)
        return self.get_paginated_response(
            self.shapes(page, channel=wanted.channel, at=at)
        )


@extend_schema_view(
    get=extend_schema(operation_id="products_retrieve", parameters=[_CHANNEL])
)
class ProductDetail(_Catalogue, generics.RetrieveAPIView):
    """GET one product; 404 when it is not on sale."""

    pagination_class = None
    query_parameters = ["channel"]

    def retrieve(self, request, product: str) -> Response:
        """Return the product."""
        at = now()
        channel = request.query_params.get("channel", "")
        found = product_on_sale(product, channel=channel, at=at)
        if found is None:
            raise Http404
        return Response(self.shapes([found], channel=channel, at=at)[0])


class ProductPicture(StrictQueryMixin, APIView):
    """GET a picture of a product: a WebP that caches may keep for good."""

    permission_classes = [AllowAny]

    @extend_schema(responses={(200, WEBP): OpenApiTypes.BINARY, 404: OpenApiResponse()})
    def get(self, request, product: str, image: str) -> HttpResponse:
        """Return the picture."""
        found = picture_of(product=product, image=image)
        if found is None:
            raise Http404
        return public_picture_response(bytes(found.picture))


class Categories(StrictQueryMixin, APIView):
    """GET the category tree, in the order the shop gave it."""

    permission_classes = [AllowAny]
    query_parameters = ["channel"]

    @extend_schema(
        operation_id="categories_list",
        parameters=[_CHANNEL],
        responses=CategoryTreeShape,
    )
    def get(self, request) -> Response:
        """Return the roots, each with all below it."""
        channel = request.query_params.get("channel", "")
        return Response({"data": tree_shape(category_tree(channel=channel))})
