"""Paths of the loyalty API."""

from django.urls import path

from loyalty.api import referrals, views

urlpatterns = [
    path("me/loyalty", views.MyLoyalty.as_view(), name="my-loyalty"),
    path("me/points", views.MyPoints.as_view(), name="my-points"),
    path(
        "me/points/entries", views.MyPointsEntries.as_view(), name="my-points-entries"
    ),
    path("me/referrals", referrals.MyReferrals.as_view(), name="my-referrals"),
    path(
        "me/referrals/friends",
        referrals.MyReferredFriends.as_view(),
        name="my-referred-friends",
    ),
]
