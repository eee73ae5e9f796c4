"""A lived-in shop and somebody signed in."""

import copy

import pytest
from django.db import transaction
from django.test import Client
from django.utils import translation

from crm.shared.clock import now
from tests.console.shop import lived_in
from tests.staff import client_of


@pytest.fixture(scope="module")
def furnished(django_db_setup, django_db_blocker):
    """Make the small shop once for a module, in a transaction around its tests.

    It takes half a second, and hundreds of tests want it.
    """
    with django_db_blocker.unblock(), transaction.atomic():
        yield lived_in(at=now())
        transaction.set_rollback(True)


@pytest.fixture
def shop(furnished, db):
    """Return the rows of a small shop by name; what a test changes is its own."""
    return copy.deepcopy(furnished)


@pytest.fixture(autouse=True)
def _own_language():
    """Leave no language behind: a page that was read in Chinese stays Chinese."""
    translation.deactivate()
    yield
    translation.deactivate()


@pytest.fixture
def signed_in(shop):
    """Return a function ``role -> client``."""

    def sign_in(role: str = "admin") -> Client:
        return client_of(shop["users"][role])

    return sign_in
