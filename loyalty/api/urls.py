"""Paths of the loyalty API."""

from django.urls import path

from loyalty.api import earning, views

urlpatterns = [
    path("me/check-ins", earning.MyCheckIns.as_view(), name="my-check-ins"),
    path(
        "carts/<str:cart>/earning", earning.CartEarning.as_view(), name="cart-earning"
    ),
    path("me/loyalty", views.MyLoyalty.as_view(), name="my-loyalty"),
    path("me/points", views.MyPoints.as_view(), name="my-points"),
    path(
        "me/points/entries", views.MyPointsEntries.as_view(), name="my-points-entries"
    ),
]
