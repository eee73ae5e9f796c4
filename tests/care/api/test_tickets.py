import pytest
from rest_framework.test import APIClient

from crm.care.models import Ticket, TicketMessage
from crm.care.services.talking import reply_as_staff, solve_ticket
from orders.models import Order
from tests.cast import NOON

TICKETS = "/api/storefront/v1/me/tickets"
ASKED = {"kind": "question", "subject": "Where?", "text": "Where is my tea?"}


def of(member):
    client = APIClient()
    client.force_authenticate(member.user)
    return client


def order_of(member, number):
    return Order.objects.create(
        number=number,
        member=member,
        currency="CNY",
        goods_minor=100,
        total_minor=100,
        placed_at=NOON,
    )


@pytest.fixture
def ticket(alice):
    of(alice).post(TICKETS, ASKED, format="json")
    return Ticket.objects.get()


def test_a_member_asks_about_an_order_and_finds_the_ticket(alice):
    order = order_of(alice, "A1")
    answer = of(alice).post(
        TICKETS, {**ASKED, "order_id": order.public_id}, format="json"
    )

    assert answer.status_code == 201, answer.content
    ticket = Ticket.objects.get()
    assert answer["Location"].endswith(f"{TICKETS}/{ticket.public_id}")
    body = answer.json()
    assert (body["id"], body["order_id"], body["state"]) == (
        ticket.public_id,
        order.public_id,
        "open",
    )
    assert set(body) == {
        "id",
        "kind",
        "state",
        "subject",
        "order_id",
        "created_at",
        "due_at",
        "solved_at",
    }
    assert of(alice).get(answer["Location"]).json() == body
    assert of(alice).get(TICKETS).json()["data"] == [body]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {**ASKED, "kind": "love"},
        {**ASKED, "subject": ""},
        {**ASKED, "subject": "x" * 161},
        {**ASKED, "text": "x" * 4001},
        {**ASKED, "state": "solved"},
        {**ASKED, "order_id": "ord_none"},
        {**ASKED, "order_id": 7.5},
        [],
    ],
)
def test_a_bad_ticket_is_refused_and_not_kept(alice, body):
    answer = of(alice).post(TICKETS, body, format="json")
    assert answer.status_code == 400, answer.content
    assert not Ticket.objects.exists()


def test_the_order_of_somebody_else_is_as_unknown_as_none(alice, mallory):
    order = order_of(alice, "A1")
    foreign = of(mallory).post(
        TICKETS, {**ASKED, "order_id": order.public_id}, format="json"
    )
    none = of(mallory).post(TICKETS, {**ASKED, "order_id": "ord_none"}, format="json")
    assert foreign.status_code == none.status_code == 400
    assert foreign.json()["errors"] == none.json()["errors"]
    assert not Ticket.objects.exists()


def test_repeating_a_request_opens_one_ticket(alice):
    key = {"Idempotency-Key": "k-1"}
    first = of(alice).post(TICKETS, ASKED, format="json", headers=key)
    second = of(alice).post(TICKETS, ASKED, format="json", headers=key)
    assert first.content == second.content
    assert Ticket.objects.count() == TicketMessage.objects.count() == 1


def test_the_member_reads_answers_and_no_private_notes(alice, dana, ticket):
    reply_as_staff(
        ticket_id=ticket.pk, text="Third time!", author=dana, is_private=True, now=NOON
    )
    reply_as_staff(ticket_id=ticket.pk, text="On its way.", author=dana, now=NOON)

    answer = of(alice).get(f"{TICKETS}/{ticket.public_id}/messages")

    assert answer.status_code == 200, answer.content
    said = {(m["text"], m["is_from_member"]) for m in answer.json()["data"]}
    assert said == {("Where is my tea?", True), ("On its way.", False)}
    assert "dana" not in answer.content.decode()


def test_writing_opens_a_solved_ticket_again(alice, dana, ticket):
    solve_ticket(ticket_id=ticket.pk, actor=dana, now=NOON)
    answer = of(alice).post(
        f"{TICKETS}/{ticket.public_id}/messages", {"text": "No!"}, format="json"
    )
    assert answer.status_code == 201, answer.content
    assert (answer.json()["text"], answer.json()["is_from_member"]) == ("No!", True)
    ticket.refresh_from_db()
    assert ticket.state == "open"


@pytest.mark.parametrize(
    "body", [{}, {"text": ""}, {"text": "x" * 4001}, {"text": "a", "is_private": True}]
)
def test_a_bad_message_is_refused(alice, ticket, body):
    answer = of(alice).post(
        f"{TICKETS}/{ticket.public_id}/messages", body, format="json"
    )
    assert answer.status_code == 400
    assert TicketMessage.objects.count() == 1


def test_somebody_elses_ticket_answers_like_none(mallory, ticket):
    client = of(mallory)
    one, none = f"{TICKETS}/{ticket.public_id}", f"{TICKETS}/tkt_none"
    for foreign, absent in (
        (client.get(one), client.get(none)),
        (client.get(f"{one}/messages"), client.get(f"{none}/messages")),
        (
            client.post(f"{one}/messages", {"text": "hi"}, format="json"),
            client.post(f"{none}/messages", {"text": "hi"}, format="json"),
        ),
    ):
        assert foreign.status_code == absent.status_code == 404
        assert foreign.json()["code"] == absent.json()["code"] == "not_found"
    assert client.get(TICKETS).json()["data"] == []
    assert TicketMessage.objects.count() == 1


@pytest.mark.parametrize(
    "path", [TICKETS, f"{TICKETS}/tkt_x", f"{TICKETS}/tkt_x/messages"]
)
def test_strangers_are_asked_who_they_are(db, path):
    answer = APIClient().get(path)
    assert (answer.status_code, answer.json()["code"]) == (401, "not_authenticated")


def test_the_list_filters_by_state_and_refuses_other_parameters(alice, ticket):
    assert len(of(alice).get(f"{TICKETS}?state=open").json()["data"]) == 1
    assert of(alice).get(f"{TICKETS}?state=solved").json()["data"] == []
    assert of(alice).get(f"{TICKETS}?state=nonsense").status_code == 400
    assert of(alice).get(f"{TICKETS}?member=1").status_code == 400


def test_the_list_costs_the_same_for_one_and_for_many(
    alice, django_assert_max_num_queries
):
    for _n in range(5):
        of(alice).post(TICKETS, ASKED, format="json")
    with django_assert_max_num_queries(2):
        assert len(of(alice).get(f"{TICKETS}?limit=5").json()["data"]) == 5
