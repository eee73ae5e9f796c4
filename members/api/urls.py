"""Addresses of the members API."""

from django.urls import path

from members.api.privacy_views import MyDataExport, MyDataExportFile, MyErasure
from members.api.views import Me, MyConsents

urlpatterns = [
    path("me", Me.as_view(), name="me"),
    path("me/consents", MyConsents.as_view(), name="my-consents"),
    path("me/data-export", MyDataExport.as_view(), name="my-data-export"),
    path(
        "me/data-export/<str:public_id>/file",
        MyDataExportFile.as_view(),
        name="my-data-export-file",
    ),
    path("me/erasure", MyErasure.as_view(), name="my-erasure"),
]
