"""Addresses of members in the server API."""

from django.urls import path, re_path

from crm.shared.server_api import EXTERNAL_ID_PATTERN, SOURCE_PATTERN
from members.api.server import MemberBatch, MemberByExternalId, MemberLookup

urlpatterns = [
    path("members/lookup", MemberLookup.as_view(), name="server-member-lookup"),
    path("members/batch", MemberBatch.as_view(), name="server-member-batch"),
    re_path(
        rf"^members/(?P<source>{SOURCE_PATTERN})/(?P<external_id>{EXTERNAL_ID_PATTERN})\Z",
        MemberByExternalId.as_view(),
        name="server-member",
    ),
]
