import pytest
from django.core.cache import cache
from rest_framework.test import APIClient

from tests.members.api.signing_in import ADDRESS, PASSWORD, sign_up


@pytest.fixture(autouse=True)
def forget_rate_limits():
    cache.clear()
    yield
    cache.clear()


@pytest.fixture
def jing(db):
    """Return an API client that carries the session token of Wang Jing."""
    return client_of(sign_up(email=ADDRESS, password=PASSWORD, name="王静"))


@pytest.fixture
def eve(db):
    """Return an API client of somebody else."""
    return client_of(sign_up(email="eve@example.com", password=PASSWORD, name="Eve"))


def client_of(answer):
    return APIClient(
        headers={"X-Session-Token": answer.json()["meta"]["session_token"]}
    )
