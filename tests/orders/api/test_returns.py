"""Returns and statements by HTTP: good, bad, anonymous and foreign requests."""

import pytest

from crm.shared import clock
from crm.shared.outbox import drain
from orders.models import Order, Payment, Refund, ReturnRequest
from orders.services.refunding import refund_order
from orders.services.return_requests import approve_return, receive_return
from orders.services.settling_exchanges import exchange_return
from orders.services.settling_returns import Finding, inspect_return
from tests.cast import make_variant
from tests.orders.api.conftest import ROOT
from tests.orders.api.test_cart import problem
from tests.orders.shop import fill_cart, notify, pay, place

WISH = {
    "kind": "return",
    "reason": "damaged",
    "words": "It arrived broken.",
    "items": [{"position": 1, "quantity": 1}],
}


@pytest.fixture
def order(alice, tea, settings):
    settings.FREIGHT_MINOR = 800
    now = clock.now()
    made = place(fill_cart({"TEA": 2}, member=alice, now=now), now=now)
    pay(made, now=now)
    Order.objects.filter(pk=made.pk).update(state="delivered", delivered_at=now)
    made.refresh_from_db()
    return made


def returns(order, rest=""):
    return f"{ROOT}/me/orders/{order.public_id}/returns{rest}"


def mine(request, rest=""):
    return f"{ROOT}/me/returns/{request['id']}{rest}"


def ask(client, order, body=WISH, *, key="k1"):
    return client.post(
        returns(order), body, format="json", headers={"Idempotency-Key": key}
    )


def test_a_quote_comes_first_and_writes_nothing(as_alice, order):
    answer = as_alice.post(returns(order, "/quote"), WISH, format="json")
    body = answer.json()
    assert answer.status_code == 200
    assert body["items"] == [
        {
            "position": 1,
            "quantity": 1,
            "amount": {"amount": "100.00", "currency": "CNY"},
            "points": 0,
        }
    ]
    # The shop's fault: the freight comes back, too (R5).
    assert body["freight"]["amount"] == "8.00"
    assert (body["amount"]["amount"], body["deductions"]) == ("108.00", [])
    assert len(body["quote_hash"]) == 64
    assert not ReturnRequest.objects.exists()


def test_asking_twice_with_one_key_is_one_return(as_alice, order):
    first, again = ask(as_alice, order), ask(as_alice, order)
    assert (first.status_code, again.status_code) == (201, 201)
    body = first.json()
    assert body == again.json()
    assert first["Location"].endswith(mine(body))
    assert (body["status"], body["words"], body["order"]) == (
        "requested",
        "It arrived broken.",
        order.public_id,
    )
    assert [event["status"] for event in body["events"]] == ["requested"]
    assert as_alice.get(mine(body)).json() == body
    assert as_alice.get(f"{ROOT}/me/returns").json()["data"] == [body]


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"items": []}, 400, "validation_error"),
        ({"items": [{"position": 1, "quantity": 0}]}, 400, "validation_error"),
        ({"items": [{"position": 1, "quantity": 3}]}, 409, "nothing_to_refund"),
        ({"items": [{"position": 7, "quantity": 1}]}, 409, "nothing_to_refund"),
        ({"items": [{"position": 1, "quantity": 1}] * 2}, 400, "validation_error"),
        ({"kind": "gift"}, 400, "validation_error"),
        ({"reason": "because"}, 400, "validation_error"),
        ({"words": "x" * 501}, 400, "validation_error"),
        ({"price": "1.00"}, 400, "validation_error"),
        ({"kind": "exchange"}, 422, "return_exchange_unknown"),
    ],
)
def test_what_makes_no_sense_is_refused(as_alice, order, changes, status, code):
    problem(ask(as_alice, order, WISH | changes), status, code)
    assert not ReturnRequest.objects.exists()
    assert order.lines.get().returning_quantity == 0


def test_a_return_needs_a_key(as_alice, order):
    answer = as_alice.post(returns(order), WISH, format="json")
    problem(answer, 400, "idempotency_key_required")


def test_out_of_time(as_alice, order, settings):
    settings.RETURN_DAYS = -1
    problem(ask(as_alice, order), 409, "return_too_late")
    answer = as_alice.post(returns(order, "/quote"), WISH, format="json")
    problem(answer, 409, "return_too_late")


def test_what_is_on_its_way_back_cannot_be_cancelled(as_alice, order):
    body = ask(as_alice, order).json()
    sent = {"carrier": "SF", "tracking_number": "SF123"}
    answer = as_alice.post(mine(body, "/shipment"), sent, format="json")
    problem(answer, 409, "return_state_refused")
    request = ReturnRequest.objects.get()
    approve_return(return_id=request.pk, actor="dana", note="Yes.", now=clock.now())
    for _again in range(2):
        answer = as_alice.post(mine(body, "/shipment"), sent, format="json")
        assert (answer.status_code, answer.json()["status"]) == (200, "in_transit")
    problem(as_alice.post(mine(body, "/cancel")), 409, "return_state_refused")


def test_cancelling_frees_the_units(as_alice, order):
    body = ask(as_alice, order).json()
    for _again in range(2):
        answer = as_alice.post(mine(body, "/cancel"))
        assert (answer.status_code, answer.json()["status"]) == (200, "cancelled")
    assert order.lines.get().returning_quantity == 0


def test_foreign_returns_are_not_there_and_visitors_sign_in(
    as_alice, as_mallory, visitor, order
):
    body = ask(as_alice, order).json()
    sent = {"carrier": "SF", "tracking_number": "1"}
    for client, status in ((as_mallory, 404), (visitor, 401)):
        answers = [
            ask(client, order, key="other"),
            client.post(returns(order, "/quote"), WISH, format="json"),
            client.get(mine(body)),
            client.post(mine(body, "/cancel")),
            client.post(mine(body, "/shipment"), sent, format="json"),
        ]
        assert [answer.status_code for answer in answers] == [status] * 5
    assert as_mallory.get(f"{ROOT}/me/returns").json()["data"] == []
    assert visitor.get(f"{ROOT}/me/returns").status_code == 401
    assert ReturnRequest.objects.get().state == "requested"


# --- Statements (R22) ---------------------------------------------------------


@pytest.fixture
def refund(order):
    return refund_order(
        order_id=order.pk,
        items={1: 1},
        reason="",
        actor="dana",
        request_key="k",
        now=clock.now(),
    )


def statement(refund):
    return f"{ROOT}/me/refunds/{refund.public_id}/statement"


def test_r22_a_statement_has_parts_that_add_up(as_alice, refund):
    body = as_alice.get(statement(refund)).json()
    assert [item["amount"]["amount"] for item in body["items"]] == ["100.00"]
    assert [part["amount"]["amount"] for part in body["tenders"]] == ["100.00"]
    assert (body["amount"]["amount"], body["elsewhere"]["amount"]) == ("100.00", "0.00")
    assert (body["freight"]["amount"], body["deductions"]) == ("0.00", [])
    assert body["tenders"][0]["status"] == "due"


def test_r22_statements_are_their_members_alone(as_mallory, visitor, refund):
    assert as_mallory.get(statement(refund)).status_code == 404
    assert visitor.get(statement(refund)).status_code == 401
    assert Refund.objects.count() == 1


# --- Exchanges (R13, R14) -------------------------------------------------------


def wish_for(sku):
    item = {"position": 1, "quantity": 1, "wanted": sku}
    return WISH | {"kind": "exchange", "items": [item]}


@pytest.mark.parametrize(
    ("price", "to_pay", "back"), [(12_000, "20.00", "0.00"), (7_000, "0.00", "30.00")]
)
def test_r14_an_exchange_says_what_it_costs(as_alice, order, price, to_pay, back):
    make_variant("OTHER", price)
    quote = as_alice.post(returns(order, "/quote"), wish_for("OTHER"), format="json")
    exchange = quote.json()["exchange"]
    amounts = [exchange[name]["amount"] for name in ("value", "to_pay", "back")]
    assert amounts == ["100.00", to_pay, back]
    assert exchange["items"][0]["wanted"] == "OTHER"
    assert exchange["net"] == exchange["items"][0]["net"]
    plain = as_alice.post(returns(order, "/quote"), WISH, format="json")
    assert plain.json()["exchange"] is None


def test_r14_a_member_pays_the_difference(as_alice, as_mallory, order):
    make_variant("OTHER", 12_000, on_hand=1)
    body = ask(as_alice, order, wish_for("OTHER")).json()
    assert body["replacement"] is None
    request = ReturnRequest.objects.get()
    told = {"return_id": request.pk, "actor": "dana", "now": clock.now()}
    approve_return(**told)
    receive_return(**told)
    inspect_return(**told, findings={1: Finding(1, True, "as_new")})
    new = exchange_return(**told, reason="ok")
    body = as_alice.get(mine(body)).json()
    assert (body["status"], body["replacement"]["order"]) == (
        "inspected",
        new.public_id,
    )
    assert body["replacement"]["to_pay"]["amount"] == "20.00"
    assert body["replacement"]["pay_until"] is not None
    paying = f"{ROOT}/orders/{new.public_id}/payments"
    asked = {"provider": "test"}, {"Idempotency-Key": "pay"}
    foreign = as_mallory.post(paying, asked[0], format="json", headers=asked[1])
    assert foreign.status_code == 404
    started = as_alice.post(paying, asked[0], format="json", headers=asked[1])
    assert started.status_code == 201
    notify(Payment.objects.select_related("order").get(order=new, provider="test"))
    drain(now=clock.now())
    body = as_alice.get(mine(body)).json()
    assert (body["status"], body["replacement"]["status"]) == ("exchanged", "paid")
    assert body["replacement"]["to_pay"]["amount"] == "0.00"


def test_gift_cards_are_not_wanted_instead(as_alice, order):
    card = make_variant("CARD", 10_000)
    card.product.kind = "gift_card"
    card.product.save(update_fields=["kind"])
    problem(ask(as_alice, order, wish_for("CARD")), 422, "return_exchange_unknown")
