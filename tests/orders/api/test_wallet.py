"""Stored value, gift cards and parts of a payment by HTTP."""

import pytest

from crm.shared import clock
from orders.models import GiftCard, Payment
from orders.rules.gift_codes import in_groups
from orders.services.gift_cards import issue_gift_cards, redeem_gift_card
from orders.services.wallets import top_up_wallet
from tests.cast import make_variant
from tests.orders.api.conftest import ROOT
from tests.orders.api.test_cart import problem
from tests.orders.shop import fill_cart, pay, place


def cny(amount):
    return {"amount": amount, "currency": "CNY"}


@pytest.fixture
def rich(alice):
    top_up_wallet(
        member_id=alice.pk,
        amount_minor=6_000,
        reason="goodwill, told to Dana",
        actor="dana",
        source="staff:1",
        now=clock.now(),
    )
    return alice


@pytest.fixture
def order(alice, tea):
    now = clock.now()
    return place(fill_cart({"TEA": 1}, member=alice, now=now), now=now)


@pytest.fixture
def card(alice):
    make_variant("CARD", 10_000, kind="gift_card")
    now = clock.now()
    bought = place(fill_cart({"CARD": 1}, member=alice, now=now), now=now)
    pay(bought, now=now)
    (made,) = issue_gift_cards(order_id=bought.pk, now=now)
    return made


def start(client, order, **body):
    url = f"{ROOT}/orders/{order.public_id}/payments"
    return client.post(url, {"provider": "wallet", **body}, format="json")


def test_the_wallet_and_its_entries(as_alice, as_mallory, visitor, rich):
    assert as_alice.get(f"{ROOT}/me/wallet").json() == {
        "balance": cny("60.00"),
        "held": cny("0.00"),
        "available": cny("60.00"),
    }
    (entry,) = as_alice.get(f"{ROOT}/me/wallet/entries").json()["data"]
    assert (entry["type"], entry["amount"], entry["source"]) == (
        *("top_up", cny("60.00")),
        None,
    )
    # Why, and who among the staff, is not for the member.
    assert not {"reason", "actor"} & set(entry)
    assert as_mallory.get(f"{ROOT}/me/wallet").json()["balance"] == cny("0.00")
    assert as_mallory.get(f"{ROOT}/me/wallet/entries").json()["data"] == []
    for rest in ("", "/entries"):
        problem(visitor.get(f"{ROOT}/me/wallet{rest}"), 401, "not_authenticated")
    problem(as_alice.get(f"{ROOT}/me/wallet?all=1"), 400, "unknown_parameter")


def test_a_part_from_the_wallet_the_rest_by_the_gateway(as_alice, rich, order):
    held = start(as_alice, order, amount=cny("60.00"))
    assert held.status_code == 201
    assert (held.json()["status"], held.json()["pay_url"]) == ("held", "")
    assert as_alice.get(f"{ROOT}/me/wallet").json()["available"] == cny("0.00")
    rest = start(as_alice, order, provider="test").json()
    assert rest["amount"] == cny("40.00")
    as_alice.post(rest["pay_url"], {"outcome": "captured"}, format="json")
    shown = as_alice.get(f"{ROOT}/me/orders/{order.public_id}").json()
    assert (shown["status"], shown["paid"]) == ("paid", cny("100.00"))
    spent = as_alice.get(f"{ROOT}/me/wallet/entries").json()["data"][0]
    assert (spent["amount"], spent["source"]) == (cny("-60.00"), held.json()["id"])


def test_refusals_of_a_part(as_alice, as_mallory, visitor, rich, order):
    problem(start(as_alice, order), 409, "not_enough_in_wallet")
    problem(
        start(as_alice, order, amount=cny("100.01")), 422, "payment_amount_too_high"
    )
    for amount in ("0.00", "-1.00"):
        problem(
            start(as_alice, order, amount=cny(amount)), 422, "payment_amount_too_high"
        )
    for amount in ("1e3", "1.001", ""):
        problem(start(as_alice, order, amount=cny(amount)), 400, "validation_error")
    wrong = {"amount": "1.00", "currency": "EUR"}
    problem(start(as_alice, order, amount=wrong), 400, "validation_error")
    assert start(as_mallory, order).status_code == 404
    assert start(visitor, order).status_code == 401
    assert not Payment.objects.exists()


def test_nobody_tells_us_what_stands_in_our_books(visitor):
    answer = visitor.post("/api/payments/wallet/callbacks", {}, format="json")
    problem(answer, 403, "invalid_signature")


def test_the_buyer_sees_the_codes_and_nobody_else(
    as_alice, as_mallory, visitor, card, bob
):
    url = f"{ROOT}/me/orders/{card.line.order.public_id}/gift-cards"
    answer = as_alice.get(url)
    assert answer.json() == [
        {
            "id": card.public_id,
            "position": 1,
            "code": in_groups(card.code),
            "amount": cny("100.00"),
            "status": "issued",
            "expires_at": None,
        }
    ]
    assert "no-store" in answer["Cache-Control"]
    assert as_mallory.get(url).status_code == 404
    assert visitor.get(url).status_code == 401
    redeem_gift_card(member_id=bob.pk, code=card.code, caller="c", now=clock.now())
    (spent,) = as_alice.get(url).json()
    assert (spent["code"], spent["status"]) == (None, "redeemed")


def test_whoever_brings_the_code_gets_the_value(as_mallory, visitor, card):
    url = f"{ROOT}/me/gift-cards"
    for _again in range(2):
        answer = as_mallory.post(url, {"code": in_groups(card.code)}, format="json")
        assert (answer.status_code, answer.json()["amount"]) == (200, cny("100.00"))
        assert answer.json()["wallet"]["available"] == cny("100.00")
    assert visitor.post(url, {"code": card.code}, format="json").status_code == 401
    for body in ({}, {"code": ""}, {"code": "x" * 41}, {"code": "x", "for": "me"}):
        problem(as_mallory.post(url, body, format="json"), 400, "validation_error")
    entry = as_mallory.get(f"{ROOT}/me/wallet/entries").json()["data"][0]
    assert entry["source"] == card.public_id


def test_c5_guessing_ends_with_wait(as_mallory, card):
    url = f"{ROOT}/me/gift-cards"
    for _try in range(10):
        answer = as_mallory.post(url, {"code": "0123456789ABCDEE"}, format="json")
        problem(answer, 422, "gift_card_not_valid")
    answer = as_mallory.post(url, {"code": card.code}, format="json")
    problem(answer, 429, "too_often")
    assert 0 < int(answer["Retry-After"]) <= 600
    assert GiftCard.objects.get().state == "issued"
