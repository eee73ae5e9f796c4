"""A lived-in shop and somebody signed in."""

import pytest
from django.test import Client

from crm.shared.clock import now
from tests.console.shop import lived_in


@pytest.fixture
def shop(db):
    """Return the rows of a small shop by name."""
    return lived_in(at=now())


@pytest.fixture
def signed_in(shop):
    """Return a function ``role -> client``."""

    def sign_in(role: str = "admin") -> Client:
        client = Client()
        client.force_login(
            shop["users"][role], backend="django.contrib.auth.backends.ModelBackend"
        )
        return client

    return sign_in
