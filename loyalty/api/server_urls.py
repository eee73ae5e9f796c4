"""Addresses of points and tiers in the server API."""

from django.urls import re_path

from crm.shared.server_api import EXTERNAL_ID_PATTERN, SOURCE_PATTERN
from loyalty.api.server_events import MemberLoyaltyEvents
from loyalty.api.server_points import MemberBalance, MemberPointsEntries
from loyalty.api.server_tiers import MemberTier

urlpatterns = [
    re_path(
        rf"^members/(?P<source>{SOURCE_PATTERN})/(?P<external_id>{EXTERNAL_ID_PATTERN})/tier\Z",
        MemberTier.as_view(),
        name="server-member-tier",
    ),
    re_path(
        r"^members/(?P<member>mem_[0-9A-Z]{26})/loyalty-events\Z",
        MemberLoyaltyEvents.as_view(),
        name="server-member-loyalty-events",
    ),
    re_path(
        r"^members/(?P<member_id>mem_[0-9A-Z]{26})/points/balance\Z",
        MemberBalance.as_view(),
        name="server-balance",
    ),
    re_path(
        r"^members/(?P<member_id>mem_[0-9A-Z]{26})/points/entries\Z",
        MemberPointsEntries.as_view(),
        name="server-points-entries",
    ),
]
