"""Paths for verifiers of payment instruments, under ``/api/instruments/``."""

from django.urls import path

from members.api.instrument_callbacks import TestVerdict, VerifierCallback

urlpatterns = [
    path("test/<str:instrument>/verdict", TestVerdict.as_view(), name="test-verdict"),
    path(
        "<slug:verifier>/callbacks",
        VerifierCallback.as_view(),
        name="verifier-callbacks",
    ),
]
