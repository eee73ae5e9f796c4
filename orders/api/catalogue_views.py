"""The catalogue, open to everybody."""

from django.conf import settings
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import (
    OpenApiParameter,
    extend_schema,
    extend_schema_view,
)
from rest_framework import generics
from rest_framework.exceptions import ValidationError
from rest_framework.permissions import AllowAny

from crm.shared.paging import CursorPage
from crm.shared.strict import StrictQueryMixin
from orders.api.serializers import CategoryShape, ProductShape
from orders.models import Category
from orders.queries.catalogue import listed_products

_SHORTEST_TEXT = 2
_LONGEST_TEXT = 80


class _Catalogue(StrictQueryMixin):
    permission_classes = [AllowAny]
    serializer_class = ProductShape
    filter_backends: list = []

    def get_serializer_context(self) -> dict:
        """Tell the shapes which currency prices are in."""
        return super().get_serializer_context() | {"currency": settings.SHOP_CURRENCY}


@extend_schema_view(
    get=extend_schema(
        operation_id="products_list",
        parameters=[
            OpenApiParameter("category", description="Code; children are included."),
            OpenApiParameter("q", description="Part of a name, or a whole SKU."),
        ],
    )
)
class Products(_Catalogue, generics.ListAPIView):
    """GET what is on sale, newest first."""

    pagination_class = CursorPage
    query_parameters = ["category", "q"]

    def get_queryset(self):
        """Return the listed products the query asks for."""
        text = self.request.query_params.get("q", "").strip()
        if text and not _SHORTEST_TEXT <= len(text) <= _LONGEST_TEXT:
            raise ValidationError({"q": [_("Use 2 to 80 characters.")]})
        category = self.request.query_params.get("category", "")
        return listed_products(category=category, text=text)


@extend_schema_view(get=extend_schema(operation_id="products_retrieve"))
class ProductDetail(_Catalogue, generics.RetrieveAPIView):
    """GET one product; 404 when it is not on sale."""

    pagination_class = None
    lookup_field = "public_id"
    lookup_url_kwarg = "product"

    def get_queryset(self):
        """Return what can be looked at."""
        return listed_products()


class CategoryPage(CursorPage):
    """Categories in the order the shop gave them."""

    ordering = ("position", "id")


@extend_schema_view(get=extend_schema(operation_id="categories_list"))
class Categories(StrictQueryMixin, generics.ListAPIView):
    """GET the category tree, flat; ``parent`` tells the branch."""

    permission_classes = [AllowAny]
    serializer_class = CategoryShape
    pagination_class = CategoryPage
    filter_backends: list = []
    queryset = Category.objects.select_related("parent")
