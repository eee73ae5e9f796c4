"""Addresses of points in the server API."""

from django.urls import re_path

from loyalty.api.server import MemberLoyaltyEvents

urlpatterns = [
    re_path(
        r"^members/(?P<member>mem_[0-9A-Z]{26})/loyalty-events\Z",
        MemberLoyaltyEvents.as_view(),
        name="server-member-loyalty-events",
    ),
]
