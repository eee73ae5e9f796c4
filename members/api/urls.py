"""Addresses of the members API."""

from django.urls import path

from members.api.instruments import MyInstrument, MyInstruments, VerifyInstrument
from members.api.views import Me, MyConsents

urlpatterns = [
    path("me", Me.as_view(), name="me"),
    path("me/consents", MyConsents.as_view(), name="my-consents"),
    path("me/payment-instruments", MyInstruments.as_view(), name="my-instruments"),
    path(
        "me/payment-instruments/<str:instrument>",
        MyInstrument.as_view(),
        name="my-instrument",
    ),
    path(
        "me/payment-instruments/<str:instrument>/verify",
        VerifyInstrument.as_view(),
        name="verify-instrument",
    ),
]
