"""Check-ins, reported events and the estimate of a cart, as programs meet them."""

import pytest
from rest_framework.test import APIClient

from crm.shared.clock import now
from crm.shared.server_keys import make_server_key
from loyalty.services.earning import earn_for_order
from tests.cast import make_variant
from tests.loyalty.api.test_points import of
from tests.loyalty.books import account_of, rule
from tests.orders.shop import fill_cart, pay, place

ME = "/api/storefront/v1/me/check-ins"


def test_a_member_checks_in_once_a_day(alice):
    rule("look-in", occasion="check_in", award="ladder", ladder=[5, 10])
    assert APIClient().post(ME, {}, format="json").status_code in {401, 403}
    client = of(alice)
    assert client.get(ME).json()["checked_in_today"] is False
    first = client.post(ME, {}, format="json")
    assert (first.status_code, first.json()["points"]) == (201, 5)
    again = client.post(ME, {}, format="json")
    assert (again.status_code, again.json()["streak"]) == (200, 1)
    assert again.json()["coming"][0]["points"] == 10
    assert account_of(alice).balance == 5


@pytest.fixture
def caller(db):
    _key, secret = make_server_key(
        name="App", scopes=["points:write"], actor="tests", now=now()
    )
    return APIClient(headers={"Authorization": f"Bearer {secret}"})


def report(client, member_id, **body):
    url = f"/api/server/v1/members/{member_id}/loyalty-events"
    return client.post(url, {"kind": "share", "reference": "post-1"} | body, "json")


def test_an_event_is_reported_once(caller, alice):
    rule("share", occasion="share", points=5, member_cap=8)
    first, again = (report(caller, alice.public_id) for _ in range(2))
    assert first.json() == again.json()
    assert (first.json()["points"], first.json()["capped"]) == (5, False)
    other = report(caller, alice.public_id, reference="post-2").json()
    assert (other["points"], other["capped"]) == (3, True)
    none = report(caller, alice.public_id, kind="survey").json()
    assert none == {"points": 0, "capped": False, "entry_id": None}


@pytest.mark.parametrize(
    "body",
    [{"kind": "order"}, {"kind": "birthday"}, {"reference": "a b"}, {"number": -1}],
)
def test_other_events_are_not_for_programs_to_report(caller, alice, body):
    assert report(caller, alice.public_id, **body).status_code in {400, 422}


def test_an_event_of_nobody_is_404_and_needs_its_scope(caller, alice):
    nobody = "mem_01JD2V7Q4N8Z6XK3M5T9W0RYHB"
    assert report(caller, nobody).status_code == 404
    _key, secret = make_server_key(
        name="ERP", scopes=["members:write"], actor="tests", now=now()
    )
    other = APIClient(headers={"Authorization": f"Bearer {secret}"})
    assert report(other, alice.public_id).status_code == 403


def test_x6_a_cart_says_what_its_order_earns(alice):
    rule("order", award="per_order", role="bonus", points=7)
    make_variant("TEA", 9_990, on_hand=9)
    at = now()
    cart = fill_cart({"TEA": 2}, member=alice, now=at)
    url = f"/api/storefront/v1/carts/{cart.public_id}/earning"
    told = of(alice).get(url, headers={"accept-language": "en"}).json()
    order = place(cart, now=at)
    pay(order, now=at)
    assert told["points"] == earn_for_order(order_id=order.pk, now=now()).points
    assert [each["name"] for each in told["rules"]] == ["Points for spending", "order"]
    assert told["available"] == "at_once"
