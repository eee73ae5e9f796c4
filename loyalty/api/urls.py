"""Paths of the loyalty API."""

from django.urls import path

from loyalty.api import views

urlpatterns = [
    path("me/loyalty", views.MyLoyalty.as_view(), name="my-loyalty"),
    path("me/points", views.MyPoints.as_view(), name="my-points"),
    path("me/points/transfers", views.MyTransfers.as_view(), name="my-transfers"),
    path(
        "me/points/entries", views.MyPointsEntries.as_view(), name="my-points-entries"
    ),
]
