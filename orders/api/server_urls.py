"""Addresses of orders in the server API."""

from django.urls import path, re_path

from crm.shared.server_api import EXTERNAL_ID_PATTERN, SOURCE_PATTERN
from orders.api.server import OrderByExternalRef, OrderRefunds, OrdersBatch

_ORDER = (
    rf"^orders/(?P<source>{SOURCE_PATTERN})/(?P<external_ref>{EXTERNAL_ID_PATTERN})"
)

urlpatterns = [
    path("orders/batch", OrdersBatch.as_view(), name="server-order-batch"),
    re_path(rf"{_ORDER}\Z", OrderByExternalRef.as_view(), name="server-order"),
    re_path(
        rf"{_ORDER}/refunds\Z", OrderRefunds.as_view(), name="server-order-refunds"
    ),
]
