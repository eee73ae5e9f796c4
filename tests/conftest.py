"""What every test may use: the database, and the cast.

The first lines set the environment and Django up, so the rest of this file, and
every test, may import models at the top.
"""

# isort: off
from tests import database

database.prepare_environment()

import django  # noqa: E402

django.setup()
# isort: on

import os  # noqa: E402
from datetime import timedelta  # noqa: E402

import pytest  # noqa: E402
from django.db import connections  # noqa: E402
from django.test import TransactionTestCase  # noqa: E402

from crm.shared import clock  # noqa: E402
from tests import cast  # noqa: E402

# --- The database -------------------------------------------------------------


def pytest_configure(config):
    """Clear away what earlier runs left, once per run."""
    if not hasattr(config, "workerinput"):
        database.sweep()


def pytest_unconfigure(config):
    """Throw the server away after the last test of the last process."""
    if not hasattr(config, "workerinput"):
        connections.close_all()
        database.end_run()


@pytest.fixture(scope="session")
def django_db_setup(django_test_environment, django_db_blocker):
    """Give this process its own copy of the migrated template.

    Replaces pytest-django's fixture of the same name, which would run every
    migration again in every process.
    """
    worker = os.environ.get("PYTEST_XDIST_WORKER", "main")
    with django_db_blocker.unblock():
        name = database.copy_template(worker)
        connections.close_all()
        # The very dictionary that connections of other threads read, too.
        connections["default"].settings_dict["NAME"] = name
        connections["default"].settings_dict["TEST"]["NAME"] = name
    yield
    with django_db_blocker.unblock():
        connections.close_all()
        database.drop(name)


def _renew_database(test):
    """Undo a test that committed: swap in a fresh copy of the template.

    Django would TRUNCATE, which append-only tables refuse, and which loses the
    rows that migrations put in. A copy takes about 0.1 s.
    """
    name = connections["default"].settings_dict["NAME"]
    connections.close_all()
    database.renew(name)


TransactionTestCase._fixture_teardown = _renew_database


@pytest.fixture(autouse=True)
def shop_clock_with_real_time():
    """Begin with a shop clock nobody moved, and let asking it cost no query.

    Query budgets would otherwise depend on when the offset was last read.
    """
    clock.trust(timedelta(0), seconds=3600)


# --- The cast -----------------------------------------------------------------
# Alice buys, Bob is new, Mallory must never see what is Alice's, Dana is staff.


@pytest.fixture
def alice(db):
    """Return a member with a login."""
    return cast.make_member(1, name="Alice", user=cast.make_user("alice"))


@pytest.fixture
def bob(db):
    """Return a member who never bought anything."""
    return cast.make_member(2, name="Bob", user=cast.make_user("bob"))


@pytest.fixture
def mallory(db):
    """Return a member who tries other people's things."""
    return cast.make_member(3, name="Mallory", user=cast.make_user("mallory"))


@pytest.fixture
def dana(db):
    """Return a staff login without any right."""
    return cast.make_user("dana", is_staff=True)
