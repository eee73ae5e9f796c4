"""Addresses of points and tiers in the server API: below a member, by public id."""

from django.urls import re_path

from loyalty.api.server_events import MemberLoyaltyEvents
from loyalty.api.server_points import MemberBalance, MemberPointsEntries
from loyalty.api.server_tiers import MemberTier

MEMBER = r"^members/(?P<member_id>mem_[0-9A-Z]{26})"

urlpatterns = [
    re_path(
        rf"{MEMBER}/tier\Z",
        MemberTier.as_view(),
        name="server-member-tier",
    ),
    re_path(
        rf"{MEMBER}/loyalty-events\Z",
        MemberLoyaltyEvents.as_view(),
        name="server-member-loyalty-events",
    ),
    re_path(
        rf"{MEMBER}/points/balance\Z",
        MemberBalance.as_view(),
        name="server-balance",
    ),
    re_path(
        rf"{MEMBER}/points/entries\Z",
        MemberPointsEntries.as_view(),
        name="server-points-entries",
    ),
]
