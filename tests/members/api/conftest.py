import pytest
from django.core.cache import cache
from rest_framework.test import APIClient

from crm import wiring
from tests.cast import NOON
from tests.members.api.codes import Handset
from tests.members.api.signing_in import ADDRESS, PASSWORD, sign_up


@pytest.fixture(autouse=True)
def forget_rate_limits(db):
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


@pytest.fixture
def handset(monkeypatch):
    """Return the SMS that left: ``(number, text)``."""
    monkeypatch.setitem(wiring.CHANNELS, "sms", "tests.members.api.codes.Handset")
    monkeypatch.setattr(Handset, "sent", [])
    return Handset.sent


@pytest.fixture
def at(monkeypatch):
    """Return a function that sets the shop's time for the doors."""
    moment = [NOON]
    monkeypatch.setattr("members.api.sign_in.now", lambda: moment[0])

    def move(now):
        moment[0] = now
        return now

    return move
