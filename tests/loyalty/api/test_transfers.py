"""Passing points on, by the storefront (P25)."""

import pytest
from rest_framework.test import APIClient

from crm.shared import clock
from loyalty.models import PointsEntry, Program
from loyalty.queries.points import points_summary
from loyalty.services.adjusting import grant_points

URL = "/api/storefront/v1/me/points/transfers"


@pytest.fixture
def rich(alice):
    Program.objects.update(transfer_max=500, transfer_month_max=800)
    grant_points(
        member_id=alice.pk,
        points=600,
        reason="x",
        actor="t",
        source="s",
        now=clock.now(),
    )
    return alice


def post(member, body, key="key-1"):
    client = APIClient()
    client.force_authenticate(member.user)
    return client.post(URL, body, format="json", headers={"Idempotency-Key": key})


def test_points_go_over_once_for_one_key(rich, bob):
    body = {"to": bob.number.lower(), "points": 200}
    answer = post(rich, body)
    again = post(rich, body)

    assert answer.status_code == 201, answer.content
    assert answer.content == again.content
    told = answer.json()
    assert (told["points"], told["available"]) == (200, 400)
    assert told["expiring"][0]["points"] == 200
    assert points_summary(bob.pk, clock.now()).available == 200


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"to": "M000000021", "points": 501}, 422, "transfer_too_large"),
        ({"to": "M999999999", "points": 1}, 422, "unknown_receiver"),
        ({"to": "M000000013", "points": 1}, 422, "unknown_receiver"),
        ({"to": "M000000021"}, 400, None),
        ({"to": "M000000021", "points": 0}, 400, None),
        ({"to": "M000000021", "points": 1, "now": 1}, 400, None),
    ],
)
def test_refusals_write_nothing(rich, bob, body, status, code):
    answer = post(rich, body)
    assert answer.status_code == status, answer.content
    assert code is None or answer.json()["code"] == code
    assert not PointsEntry.objects.filter(kind="gift").exists()


def test_it_takes_a_key(rich, bob):
    client = APIClient()
    client.force_authenticate(rich.user)
    answer = client.post(URL, {"to": bob.number, "points": 1}, format="json")
    assert answer.status_code == 400
    assert answer.json()["code"] == "idempotency_key_required"


def test_visitors_pass_nothing_on(rich):
    assert APIClient().post(URL, {"to": "x", "points": 1}).status_code == 401
