"""Addresses of the members API."""

from django.urls import path

from members.api.views import Me, MyConsents

urlpatterns = [
    path("me", Me.as_view(), name="me"),
    path("me/consents", MyConsents.as_view(), name="my-consents"),
]
