"""Addresses of the members API."""

urlpatterns: list = []
