"""Callers of the API."""

import pytest
from rest_framework.test import APIClient

ROOT = "/api/storefront/v1"


def client_of(member) -> APIClient:
    client = APIClient()
    client.force_login(member.user)
    return client


@pytest.fixture
def as_alice(alice):
    return client_of(alice)


@pytest.fixture
def as_mallory(mallory):
    return client_of(mallory)


@pytest.fixture
def visitor(db):
    return APIClient()
