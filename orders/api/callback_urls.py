"""Paths for payment providers, under ``/api/payments/``."""

from django.urls import path

from orders.api import callback_views as views

urlpatterns = [
    path(
        "test/<str:payment>/outcome",
        views.TestOutcome.as_view(),
        name="test-payment-outcome",
    ),
    path(
        "<slug:provider>/callbacks", views.Callback.as_view(), name="payment-callbacks"
    ),
]
