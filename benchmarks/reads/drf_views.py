"""The same answers by Django REST framework as its tutorial has it.

Everything beside a row is prefetched; pages by number (with a count) and by cursor.
"""

from django.db.models import Prefetch
from django.urls import path
from rest_framework import generics
from rest_framework.pagination import CursorPagination, PageNumberPagination
from rest_framework.permissions import AllowAny

from benchmarks.reads.drf_shapes import Carts, OrderInDetail, Orders, Products
from benchmarks.reads.plain_views import ROWS
from members.authentication import IsMember
from orders.models import (
    Cart,
    CartLine,
    Order,
    OrderLine,
    Payment,
    Price,
    Product,
    ProductImage,
    Variant,
)


class ByNumber(PageNumberPagination):
    """Pages by number, with a count."""

    page_size = ROWS


class ByCursor(CursorPagination):
    """Pages by cursor."""

    page_size = ROWS
    ordering = ("-created_at", "-id")


class OrdersByCursor(ByCursor):
    """The same of orders."""

    ordering = ("-placed_at", "-id")


_SALES = Price.objects.filter(kind="sale", audience="", ends_at=None)


class ProductViews:
    """Products on sale."""

    permission_classes = [AllowAny]
    serializer_class = Products
    filter_backends: list = []
    lookup_field = "public_id"

    def get_queryset(self):
        """Return them with everything beside them prefetched."""
        skus = Variant.objects.filter(is_active=True).order_by("price_minor", "id")
        return (
            Product.objects.filter(
                is_listed=True, kind__in=["goods", "gift_card"], channels=None
            )
            .select_related("brand", "category")
            .prefetch_related(
                "attributes__attribute",
                Prefetch(
                    "images",
                    ProductImage.objects.select_related("variant").defer("picture"),
                ),
                Prefetch(
                    "variants",
                    skus.prefetch_related(Prefetch("prices", _SALES, to_attr="sales")),
                ),
            )
            .order_by("-created_at", "-id")
        )


class OrderViews:
    """The caller's orders."""

    permission_classes = [IsMember]
    serializer_class = Orders
    filter_backends: list = []
    lookup_field = "public_id"

    def get_queryset(self):
        """Return them with everything beside them prefetched."""
        lines = OrderLine.objects.select_related("variant__product").order_by(
            "position"
        )
        return (
            Order.objects.filter(member=self.request.user.member)
            .select_related("channel")
            .prefetch_related(
                Prefetch("lines", lines.prefetch_related("allocations")), "refunds"
            )
            .order_by("-placed_at", "-id")
        )


class OneOrder(OrderViews, generics.RetrieveAPIView):
    """One of the caller's orders."""

    serializer_class = OrderInDetail

    def get_queryset(self):
        """Return them with everything beside them prefetched."""
        paid = Payment.objects.filter(
            state__in=["held", "captured", "surplus", "returned"]
        )
        return (
            super()
            .get_queryset()
            .prefetch_related(
                "offers",
                Prefetch("payments", paid, to_attr="tenders"),
                "shipments__lines__order_line",
            )
        )


class OneCart(generics.RetrieveAPIView):
    """One of the caller's carts."""

    permission_classes = [IsMember]
    serializer_class = Carts
    filter_backends: list = []
    lookup_field = "public_id"

    def get_queryset(self):
        """Return them with everything beside them prefetched."""
        skus = Variant.objects.select_related("product")
        skus = skus.prefetch_related(Prefetch("prices", _SALES, to_attr="sales"))
        lines = CartLine.objects.order_by("id")
        return Cart.objects.filter(member=self.request.user.member).prefetch_related(
            Prefetch("lines", lines.prefetch_related(Prefetch("variant", skus)))
        )


def _page(views: type, pages: type):
    made = type("Page", (views, generics.ListAPIView), {"pagination_class": pages})
    return made.as_view()


OneProduct = type("OneProduct", (ProductViews, generics.RetrieveAPIView), {})

urlpatterns = [
    path("api/drf/products", _page(ProductViews, ByNumber)),
    path("api/drf/cursor/products", _page(ProductViews, ByCursor)),
    path("api/drf/product/<str:public_id>", OneProduct.as_view()),
    path("api/drf/orders", _page(OrderViews, ByNumber)),
    path("api/drf/cursor/orders", _page(OrderViews, OrdersByCursor)),
    path("api/drf/order/<str:public_id>", OneOrder.as_view()),
    path("api/drf/cart/<str:public_id>", OneCart.as_view()),
]
