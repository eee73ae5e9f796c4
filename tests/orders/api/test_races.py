"""One Idempotency-Key at many doors at once: one order, and the same bytes for all."""

import pytest
from rest_framework.test import APIClient

from crm.shared import idempotency
from crm.shared.models import IdempotencyKey
from orders.models import Order
from orders.services.quoting import quote_cart
from tests.cast import NOON, make_member, make_user, make_variant
from tests.faults.callers import all_at_once, at_once
from tests.orders.api.test_checkout import check_out
from tests.orders.shop import fill_cart
from tests.orders.unguarded import unlock_carts

pytestmark = pytest.mark.django_db(transaction=True)
SLOW = pytest.mark.slow


def door_and_cart():
    """Return a function that gives a signed-in client, and a cart."""
    make_variant("TEA", 10_000, on_hand=5)
    member = make_member(1, user=make_user("alice"))
    first = APIClient()
    first.force_login(member.user)

    def door() -> APIClient:
        client = APIClient()
        client.cookies = first.cookies
        return client

    return door, fill_cart({"TEA": 1}, member=member)


@pytest.mark.parametrize("count", [20, pytest.param(500, marks=SLOW)])
def test_x1_one_checkout_key_many_times_at_once_is_one_order(count):
    door, cart = door_and_cart()

    def press(_number: int) -> tuple[int, bytes]:
        answer = check_out(door(), cart)
        return answer.status_code, answer.content

    ((status, _body), times), *others = all_at_once(count, press).items()
    assert (status, times, others) == (201, count, [])
    assert Order.objects.count() == IdempotencyKey.objects.count() == 1


def test_x1_twenty_bodies_under_one_key_are_one_order_and_refusals():
    door, cart = door_and_cart()
    bodies = [
        {"expected_total": {"amount": "100.00", "currency": "CNY"}},
        {"quote_hash": quote_cart(cart=cart, now=NOON).hash},
    ]
    answers = at_once(
        [lambda n=n: check_out(door(), cart, bodies[n % 2]) for n in range(20)]
    )
    kept = {answer.content for answer in answers if answer.status_code == 201}
    refused = [answer for answer in answers if answer.status_code != 201]
    assert len(kept) == 1
    # Who came while the first was at work is told to come again, and nothing else.
    assert {answer.json()["code"] for answer in refused} <= {
        "idempotency_key_reused",
        "idempotency_in_progress",
    }
    assert check_out(door(), cart, bodies[0]).status_code in {201, 422}
    assert Order.objects.count() == 1


def test_control_without_the_key_and_the_cart_s_guards_there_are_two(monkeypatch):
    """The cart is a guard of its own, so it goes, too."""
    door, cart = door_and_cart()
    monkeypatch.setattr(idempotency, "_claim", lambda *key: None)
    monkeypatch.setattr(idempotency, "_keep", lambda *given: given[-1])
    unlock_carts(monkeypatch, 2)
    outcome = all_at_once(2, lambda _n: check_out(door(), cart).status_code)
    assert outcome == {201: 2}
    assert Order.objects.count() == 2
