"""Addresses of points in the server API."""

from django.urls import re_path

from loyalty.api.server import MemberPointsEntries

urlpatterns = [
    re_path(
        r"^members/(?P<member_id>mem_[0-9A-Z]{26})/points/entries\Z",
        MemberPointsEntries.as_view(),
        name="server-points-entries",
    ),
]
