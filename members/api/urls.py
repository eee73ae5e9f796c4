"""Addresses of the members API."""

from django.urls import path

from members.api.consents import ConsentTexts, MyConsents, MyInvitation
from members.api.views import Me

urlpatterns = [
    path("me", Me.as_view(), name="me"),
    path("me/consents", MyConsents.as_view(), name="my-consents"),
    path("me/invitation", MyInvitation.as_view(), name="my-invitation"),
    path("consent-texts", ConsentTexts.as_view(), name="consent-texts"),
]
