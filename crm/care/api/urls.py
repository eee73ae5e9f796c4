"""Addresses of the service desk API."""

urlpatterns: list = []
