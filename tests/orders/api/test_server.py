"""The server API: orders by the number another system knows them under."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from rest_framework.test import APIClient

from crm.shared import clock
from crm.shared.models import Fact
from crm.shared.outbox import drain
from orders.models import (
    Allocation,
    AppliedOffer,
    Order,
    OrderEvent,
    Payment,
    Product,
    Refund,
    Shipment,
    Variant,
)
from orders.services.returning import send_due_refunds
from tests.cast import make_channel, make_member, make_variant
from tests.members.api.test_server import caller, code_of
from tests.members.services.test_merging import merge

ROOT = "/api/server/v1/orders"
URL = f"{ROOT}/erp/A-17"
REFUNDS = f"{URL}/refunds"
BATCH = f"{ROOT}/batch"
PLACED = datetime.now(UTC).replace(microsecond=0) - timedelta(days=2)


def cny(amount: str) -> dict:
    return {"amount": amount, "currency": "CNY"}


def at(hours: int) -> str:
    return (PLACED + timedelta(hours=hours)).isoformat()


def body(**changes) -> dict:
    """Return three teas at 100.00 less 10.00, one cup at 33.33, freight 8.00."""
    return {
        "state": "paid",
        "placed_at": at(0),
        "paid_at": at(1),
        "lines": [
            {
                "sku": "TEA",
                "quantity": 3,
                "unit_price": cny("100.00"),
                "discounts": [
                    {"code": "SUMMER", "name": "夏日", "amount": cny("10.00")}
                ],
            },
            {"sku": "CUP", "quantity": 1, "unit_price": cny("33.33")},
        ],
        "freight": cny("8.00"),
        "total": cny("331.33"),
        "tenders": [{"name": "cash", "amount": cny("331.33")}],
        **changes,
    }


@pytest.fixture
def erp(db, tea, cup):
    """Return a client whose key may read and write; the shop sells TEA and CUP."""
    return caller("orders:read", "orders:write")


def put(client, url=URL, **changes):
    return client.put(url, body(**changes), format="json")


def rows() -> list:
    """Return everything an order is made of, to see that nothing changed."""
    tables = (Order, OrderEvent, Payment, Allocation, Shipment, Refund, Fact, Variant)
    return [list(table.objects.order_by("pk").values()) for table in tables]


# --- Who may ------------------------------------------------------------------

REQUESTS = [
    ("get", URL, None, "orders:read"),
    ("put", URL, body(), "orders:write"),
    (
        "post",
        REFUNDS,
        {
            "external_ref": "R1",
            "items": [{"position": 1, "quantity": 1}],
            "amount": cny("1.00"),
        },
        "orders:write",
    ),
    ("post", BATCH, {"items": [{}]}, "orders:write"),
]


@pytest.mark.parametrize(("method", "url", "sent", "scope"), REQUESTS)
def test_each_request_needs_a_key_with_its_scope(tea, cup, method, url, sent, scope):
    def send(client):
        return getattr(client, method)(url, sent, format="json")

    assert code_of(send(APIClient())) == (401, "not_authenticated")
    (other,) = {"orders:read", "orders:write"} - {scope}
    for scopes in [(other,), ("members:read", "members:write")]:
        assert code_of(send(caller(*scopes))) == (403, "insufficient_scope")
    assert not Order.objects.exists()
    assert send(caller(scope)).status_code in {200, 201, 404}


def test_sessions_open_nothing_here(as_alice):
    assert as_alice.get(URL).status_code == 401


# --- A new order --------------------------------------------------------------


def test_a_paid_order_comes_in(erp, alice, tea):
    make_channel("store")
    answer = put(
        erp,
        member={"number": alice.number},
        channel="store",
        campaign="autumn_26",
        device="counter",
        region="杭州",
    )
    assert answer.status_code == 201, answer.content
    order = Order.objects.get()
    told = answer.json()
    assert told == erp.get(URL).json()
    assert told["member"] == {"id": alice.public_id, "number": alice.number}
    assert (told["source"], told["external_ref"], told["state"]) == (
        "erp",
        "A-17",
        "paid",
    )
    assert (told["channel"], told["campaign"], told["device"], told["region"]) == (
        "store",
        "autumn_26",
        "counter",
        "杭州",
    )
    assert told["totals"] == {
        "goods": cny("333.33"),
        "discount": cny("10.00"),
        "freight": cny("8.00"),
        "total": cny("331.33"),
    }
    assert (order.paid_minor, order.paid_at) == (33_133, PLACED + timedelta(hours=1))
    assert order.payment_due_at is None
    (offer,) = told["offers"]
    assert (offer["type"], offer["id"], offer["name"]) == ("external", "SUMMER", "夏日")
    assert offer["shares"] == [{"position": 1, "amount": cny("10.00"), "points": 0}]
    (tender,) = told["tenders"]
    assert (tender["provider"], tender["tender"], tender["amount"]) == (
        "elsewhere",
        "cash",
        cny("331.33"),
    )
    key = f"key:{erp.key.public_id}"
    moves = OrderEvent.objects.order_by("id").values_list(
        "from_state", "to_state", "actor"
    )
    assert list(moves) == [("", "pending", key), ("pending", "paid", key)]
    facts = Fact.objects.filter(name__startswith="orders.").order_by("id")
    assert [fact.name for fact in facts] == ["orders.OrderPlaced", "orders.OrderPaid"]
    tea.refresh_from_db()
    assert (tea.on_hand, tea.reserved) == (5, 0)
    assert alice.name not in answer.content.decode()


def test_the_same_again_changes_nothing(erp):
    put(erp)
    before = rows()
    answer = put(erp)
    assert answer.status_code == 200
    assert rows() == before


def test_an_idempotency_key_brings_the_first_answer_back(erp):
    headers = {"Idempotency-Key": "once"}
    first = erp.put(URL, body(), format="json", headers=headers)
    again = erp.put(URL, body(), format="json", headers=headers)
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.content == first.content


@pytest.mark.parametrize("by", ["number", "phone", "external_id", "source", "merged"])
def test_the_buyer_is_found(erp, by):
    member = make_member(
        5, source="erp", external_id="c1", phone="+8613800001234", name="王静"
    )
    reference = {
        "number": {"number": member.number},
        "phone": {"phone": "138 0000 1234"},
        "external_id": {"external_id": "c1"},
        "source": {"external_id": "c1", "source": "erp"},
        "merged": {"external_id": "c1"},
    }[by]
    if by == "merged":
        winner = make_member(6)
        merge(winner, member)
        member = winner
    assert put(erp, member=reference).status_code == 201
    assert Order.objects.get().member == member
    assert put(erp, member=reference).status_code == 200


def test_orders_stay_the_members_who_was_merged_later(erp):
    member = make_member(5, source="erp", external_id="c1")
    put(erp, member={"external_id": "c1"})
    winner = make_member(6)
    merge(winner, member)
    assert put(erp, member={"external_id": "c1"}).status_code == 200
    assert Order.objects.get().member == winner


def test_unknown_skus_become_unlisted_products_when_wanted(erp):
    lines = [
        {"sku": "NEW", "quantity": 1, "unit_price": cny("5.00"), "name": "New thing"},
        {"sku": "BAG", "quantity": 2, "unit_price": cny("1.00"), "kind": "fee"},
        {"sku": "NEW", "quantity": 1, "unit_price": cny("5.00")},
    ]
    changes = {"lines": lines, "total": cny("20.00"), "tenders": []}
    refused = put(erp, **changes)
    assert code_of(refused) == (422, "unknown_sku")
    assert refused.json()["params"] == {"position": 1, "sku": "NEW"}
    assert refused.json()["errors"][0]["pointer"] == "/lines/0/sku"
    assert not Order.objects.exists()
    assert Product.objects.count() == 2

    made = put(erp, **changes, create_products=True)
    assert made.status_code == 201, made.content
    thing = Product.objects.get(name="New thing")
    assert (thing.is_listed, thing.kind, thing.variants.get().price_minor) == (
        False,
        "goods",
        500,
    )
    assert Product.objects.get(name="BAG").kind == "fee"
    assert Product.objects.count() == 4
    assert put(erp, **changes).status_code == 200


# --- Refused ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "status", "code", "pointer"),
    [
        ({"total": cny("331.32")}, 422, "order_sums_differ", "/total"),
        (
            {"tenders": [{"name": "cash", "amount": cny("1.00")}]},
            422,
            "tenders_differ",
            "/tenders",
        ),
        ({"paid_at": None}, 422, "time_missing", "/paid_at"),
        ({"paid_at": at(-1)}, 422, "times_out_of_order", "/paid_at"),
        ({"paid_at": at(99)}, 422, "times_out_of_order", "/paid_at"),
        ({"member": {"number": "M999999999"}}, 422, "unknown_member", "/member"),
        ({"member": {"phone": "1"}}, 422, "unknown_member", "/member"),
        ({"channel": "moon"}, 422, "unknown_channel", "/channel"),
        ({"member": {}}, 400, "one_of", "/member"),
        ({"member": {"number": "1", "phone": "2"}}, 400, "one_of", "/member"),
        ({"member": {"number": "1", "source": "x"}}, 400, "one_of", "/member"),
        ({"state": "refunded"}, 400, "invalid_choice", "/state"),
        ({"campaign": "Autumn!"}, 400, "invalid", "/campaign"),
        ({"campaign": "a" * 81}, 400, "max_length", "/campaign"),
        ({"device": "fridge"}, 400, "invalid_choice", "/device"),
        ({"lines": []}, 400, "empty", "/lines"),
        ({"freight": cny("-1.00")}, 400, "min_value", "/freight/amount"),
        (
            {"total": {"amount": "1.00", "currency": "EUR"}},
            400,
            "invalid",
            "/total/currency",
        ),
        ({"total": "331.33"}, 400, "invalid", "/total"),
        ({"points": 5}, 400, "unknown_field", "/points"),
        ({"placed_at": "yesterday"}, 400, "invalid", "/placed_at"),
    ],
)
def test_what_does_not_fit_is_refused_and_writes_nothing(
    erp, changes, status, code, pointer
):
    before = rows()
    answer = put(erp, **changes)
    assert answer.status_code == status, answer.content
    assert answer["Content-Type"] == "application/problem+json"
    errors = answer.json()["errors"]
    assert [(e["pointer"], e["code"]) for e in errors] == [(pointer, code)]
    assert rows() == before


@pytest.mark.parametrize(
    ("line", "pointer"),
    [
        ({"quantity": 0}, "/lines/0/quantity"),
        ({"quantity": 100_001}, "/lines/0/quantity"),
        ({"unit_price": cny("-1.00")}, "/lines/0/unit_price/amount"),
        ({"unit_price": cny("1.001")}, "/lines/0/unit_price/amount"),
        (
            {"discounts": [{"code": "A", "amount": cny("0.00")}]},
            "/lines/0/discounts/0/amount",
        ),
        (
            {"discounts": [{"code": "A b", "amount": cny("1.00")}]},
            "/lines/0/discounts/0/code",
        ),
        ({"sku": ""}, "/lines/0/sku"),
        ({"price": 1}, "/lines/0/price"),
    ],
)
def test_a_line_that_cannot_be_is_refused(erp, line, pointer):
    lines = [{**body()["lines"][0], **line}]
    answer = put(erp, lines=lines)
    assert answer.status_code == 400, answer.content
    assert answer.json()["errors"][0]["pointer"] == pointer
    assert not Order.objects.exists()


def test_the_difference_is_named(erp):
    params = put(erp, total=cny("330.00")).json()["params"]
    assert params == {"expected": "331.33", "given": "330.00", "difference": "-1.33"}


@pytest.mark.parametrize("source", ["storefront", "exchange"])
def test_orders_of_this_shop_are_not_told_by_others(erp, source):
    answer = put(erp, f"{ROOT}/{source}/A-17")
    assert code_of(answer) == (422, "reserved_source")
    assert not Order.objects.exists()


@pytest.mark.parametrize("path", ["ERP/1", "erp/", "erp/a b", f"erp/{'1' * 81}"])
def test_an_address_that_cannot_be_is_not_there(erp, path):
    assert put(erp, f"{ROOT}/{path}").status_code == 404


def test_what_nobody_told_of_is_not_there(erp):
    assert code_of(erp.get(URL)) == (404, "not_found")
    put(erp)
    assert code_of(erp.get(f"{URL}?expand=x")) == (400, "unknown_parameter")
    assert erp.delete(URL).status_code == 405


# --- Moving on ----------------------------------------------------------------


def test_an_order_moves_on_state_by_state(erp):
    put(erp, state="pending", paid_at=None)
    assert Order.objects.get().state == "pending"
    assert not Payment.objects.exists()
    put(erp)
    assert Order.objects.get().state == "paid"
    sent = {"state": "shipped", "shipped_at": at(5), "carrier": "SF", "tracking": "77"}
    told = put(erp, **sent).json()
    (parcel,) = told["shipments"]
    assert (parcel["carrier"], parcel["tracking"], parcel["status"]) == (
        "SF",
        "77",
        "sent",
    )
    assert parcel["items"] == [
        {"position": 1, "quantity": 3},
        {"position": 2, "quantity": 1},
    ]
    put(erp, **{**sent, "state": "delivered", "delivered_at": at(20)})
    order = Order.objects.get()
    assert (order.state, order.shipped_at, order.delivered_at) == (
        "delivered",
        PLACED + timedelta(hours=5),
        PLACED + timedelta(hours=20),
    )
    before = rows()
    for old in ({"state": "paid"}, sent, {"state": "pending", "paid_at": None}):
        assert put(erp, **old).status_code == 200
    assert rows() == before
    put(erp, state="completed")
    moves = OrderEvent.objects.order_by("id").values_list("to_state", flat=True)
    way = ["pending", "paid", "shipped", "delivered", "completed"]
    assert list(moves) == way
    assert Order.objects.get().state == "completed"


def test_a_sale_at_the_till_comes_in_completed(erp):
    told = put(erp, state="completed").json()
    assert told["state"] == "completed"
    # It was handed over when it was paid, so returns count from then (R17).
    assert told["delivered_at"] == told["paid_at"] == told["shipped_at"]
    assert [parcel["status"] for parcel in told["shipments"]] == ["delivered"]
    names = list(Fact.objects.order_by("id").values_list("name", flat=True))
    assert names == [
        "orders.OrderPlaced",
        "orders.OrderPaid",
        "orders.OrderShipped",
        "orders.ShipmentSent",
        "orders.OrderDelivered",
        "orders.OrderCompleted",
    ]


def test_an_unpaid_order_is_cancelled_a_paid_one_is_not(erp):
    put(erp, state="pending", paid_at=None)
    gone = {"state": "cancelled", "paid_at": None}
    for _again in range(2):
        assert put(erp, **gone).json()["state"] == "cancelled"
    assert Fact.objects.filter(name="orders.OrderCancelled").count() == 1
    paid = put(erp)
    assert code_of(paid) == (409, "order_contradicts")
    other = f"{ROOT}/erp/A-18"
    put(erp, other)
    refused = put(erp, other, **gone)
    assert code_of(refused) == (409, "order_contradicts")
    assert refused.json()["errors"][0]["pointer"] == "/state"


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"freight": None, "total": cny("323.33"), "tenders": []}, "freight"),
        ({"campaign": "spring"}, "campaign"),
        ({"placed_at": at(-2)}, "placed_at"),
        ({"tenders": [{"name": "card", "amount": cny("331.33")}]}, "tenders"),
        ({"member": "somebody"}, "member"),
    ],
)
def test_what_was_agreed_is_not_told_otherwise(erp, changes, field):
    if "member" in changes:
        changes = {"member": {"number": make_member(1).number}}
    put(erp)
    before = rows()
    answer = put(erp, **changes)
    assert code_of(answer) == (409, "order_contradicts"), answer.content
    assert answer.json()["params"] == {"field": field}
    assert rows() == before


def test_points_are_earned_once(erp, alice):
    sale = {"state": "completed", "member": {"number": alice.number}}
    for _again in range(3):
        put(erp, **sale)
        drain(now=clock.now())
    paid = Fact.objects.get(name="orders.OrderPaid")
    assert paid.payload == {"order_id": Order.objects.get().pk}
    assert not paid.deliveries.exclude(state="done").exists()


def test_what_has_no_parcel_is_done_at_once(erp):
    make_variant("CARD", 5_000, kind="gift_card")
    lines = [{"sku": "CARD", "quantity": 1, "unit_price": cny("50.00")}]
    told = put(
        erp,
        state="delivered",
        lines=lines,
        freight=None,
        total=cny("50.00"),
        tenders=[],
    ).json()
    assert (told["state"], told["shipments"]) == ("completed", [])


# --- Refunds ------------------------------------------------------------------


def refund(erp, **changes):
    told = {
        "external_ref": "R-1",
        "items": [{"position": 1, "quantity": 1}],
        "amount": cny("96.67"),
        "reason": "broken",
        **changes,
    }
    return erp.post(REFUNDS, told, format="json")


def test_a_refund_is_told_once(erp):
    put(erp)
    first = refund(erp)
    assert first.status_code == 201, first.content
    assert (first.json()["external_ref"], first.json()["amount"]) == (
        "R-1",
        cny("96.67"),
    )
    again = refund(erp)
    assert (again.status_code, again.json()["id"]) == (200, first.json()["id"])
    send_due_refunds(now=clock.now())
    told = Refund.objects.get()
    assert (told.state, told.source, told.external_ref) == ("completed", "erp", "R-1")
    assert told.actor == f"key:{erp.key.public_id}"
    assert Fact.objects.filter(name="orders.RefundCompleted").count() == 1
    assert erp.get(URL).json()["refunds"][0]["status"] == "completed"
    assert put(erp).status_code == 200


def test_r2_all_of_it_in_portions_is_exactly_what_was_paid(erp):
    put(erp)
    amounts = ["96.67", "96.66", "96.67"]
    for number, amount in enumerate(amounts):
        answer = refund(erp, external_ref=f"R-{number}", amount=cny(amount))
        assert answer.status_code == 201, answer.content
    last = refund(
        erp,
        external_ref="R-9",
        items=[{"position": 2, "quantity": 1}],
        freight=True,
        amount=cny("41.33"),
    )
    assert last.status_code == 201, last.content
    send_due_refunds(now=clock.now())
    order = Order.objects.get()
    assert (order.state, order.refunded_minor) == ("refunded", 33_133)
    assert put(erp).status_code == 200


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"amount": cny("96.66")}, 422, "refund_sums_differ"),
        ({"items": [{"position": 3, "quantity": 1}]}, 409, "nothing_to_refund"),
        ({"items": [{"position": 1, "quantity": 4}]}, 409, "nothing_to_refund"),
        ({"items": []}, 409, "nothing_to_refund"),
        ({"items": [{"position": 1, "quantity": 1}] * 2}, 400, "validation_error"),
        ({"items": [{"position": 1, "quantity": 0}]}, 400, "validation_error"),
        ({"amount": cny("-1.00")}, 400, "validation_error"),
        ({"refund": 1}, 400, "validation_error"),
        ({"external_ref": "a b"}, 400, "validation_error"),
    ],
)
def test_a_refund_that_cannot_be_writes_nothing(erp, changes, status, code):
    put(erp)
    before = rows()
    assert code_of(refund(erp, **changes)) == (status, code)
    assert rows() == before


def test_a_number_stands_for_one_refund(erp):
    put(erp)
    refund(erp)
    other = refund(erp, items=[{"position": 1, "quantity": 2}], amount=cny("193.33"))
    assert code_of(other) == (409, "refund_contradicts")
    assert other.json()["params"] == {"field": "items"}
    other = refund(erp, amount=cny("96.66"))
    assert other.json()["params"] == {"field": "amount"}
    assert Refund.objects.count() == 1


def test_nothing_goes_back_of_what_is_unpaid_or_unknown(erp):
    assert code_of(refund(erp)) == (404, "not_found")
    put(erp, state="pending", paid_at=None)
    assert code_of(refund(erp)) == (409, "order_not_refundable")
    assert not Refund.objects.exists()


# --- Batch, races -------------------------------------------------------------


def test_each_of_a_batch_succeeds_or_fails_alone(erp):
    put(erp)
    named = {"source": "erp", "external_ref": "A-17"}
    items = [
        {**body(), **named},
        {**body(), **named, "external_ref": "A-18"},
        {**body(campaign="other"), **named},
        {**body(total=cny("1.00")), **named, "external_ref": "A-19"},
        {**body(), "source": "erp"},
        {**body(create_products=True), **named, "external_ref": "A-20"},
    ]
    answer = erp.post(BATCH, {"items": items}, format="json")
    assert answer.status_code == 200, answer.content
    results = answer.json()["data"]
    assert [(r["index"], r["status"]) for r in results] == [
        (0, 200),
        (1, 201),
        (2, 409),
        (3, 422),
        (4, 400),
        (5, 201),
    ]
    assert results[2]["params"] == {"field": "campaign"}
    assert results[3]["code"] == "order_sums_differ"
    assert results[4]["errors"][0]["pointer"] == "/external_ref"
    refs = Order.objects.order_by("external_ref").values_list("external_ref", flat=True)
    assert list(refs) == ["A-17", "A-18", "A-20"]


@pytest.mark.parametrize(
    "sent", [{}, {"items": []}, {"items": [{}] * 101}, {"items": [1]}]
)
def test_a_bad_batch_is_refused_whole(erp, sent):
    assert erp.post(BATCH, sent, format="json").status_code == 400
    assert not Order.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_eight_programs_make_one_order_of_one_number_and_one_product():
    clients = [caller("orders:write") for _ in range(8)]

    def send(client):
        try:
            return put(client, state="completed", create_products=True).status_code
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        statuses = sorted(pool.map(send, clients))
    assert statuses == [200] * 7 + [201]
    assert Order.objects.count() == 1
    assert Product.objects.count() == 2
    assert Fact.objects.filter(name="orders.OrderPaid").count() == 1


def test_buyers_do_not_pay_elsewhere(as_alice, alice, tea):
    order = Order.objects.create(
        number="X1",
        member=alice,
        currency="CNY",
        goods_minor=100,
        total_minor=100,
        placed_at=clock.now(),
    )
    url = f"/api/storefront/v1/orders/{order.public_id}/payments"
    answer = as_alice.post(url, {"provider": "elsewhere"}, format="json")
    assert code_of(answer) == (422, "unknown_payment_provider")
    assert not Payment.objects.exists()
    assert AppliedOffer.objects.count() == 0
