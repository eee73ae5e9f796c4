"""Addresses of tiers in the server API."""

from django.urls import re_path

from crm.shared.server_api import EXTERNAL_ID_PATTERN, SOURCE_PATTERN
from loyalty.api.server import MemberTier

urlpatterns = [
    re_path(
        rf"^members/(?P<source>{SOURCE_PATTERN})/(?P<external_id>{EXTERNAL_ID_PATTERN})/tier\Z",
        MemberTier.as_view(),
        name="server-member-tier",
    ),
]
