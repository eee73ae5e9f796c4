import threading
from datetime import timedelta

import pytest
from django.db import connection

from crm.care.models import Ticket, TicketMessage
from crm.care.queries import queue_counts, tickets_in
from crm.care.services.talking import (
    EmptyMessage,
    NotStaff,
    TooManyTickets,
    assign_ticket,
    open_ticket,
    reply_as_member,
    reply_as_staff,
    solve_ticket,
)
from crm.shared.models import AuditEntry
from tests.cast import NOON, make_member, make_user


def ask(member, *, kind="question", at=NOON):
    return open_ticket(
        member_id=member.pk,
        kind=kind,
        subject=" Where? ",
        text=" Where is it? ",
        now=at,
    )


@pytest.mark.parametrize(
    ("kind", "hours"),
    [("complaint", 8), ("return", 24), ("question", 24), ("suggestion", 72)],
)
def test_a_ticket_opens_with_its_first_message_and_a_deadline(alice, kind, hours):
    ask(alice, kind=kind)
    ticket = Ticket.objects.get()
    assert (ticket.subject, ticket.state, ticket.member, ticket.owner) == (
        "Where?",
        "open",
        alice,
        None,
    )
    assert ticket.due_at == NOON + timedelta(hours=hours)
    message = TicketMessage.objects.get()
    assert (message.text, message.is_from_member, message.is_private) == (
        "Where is it?",
        True,
        False,
    )


@pytest.mark.parametrize("empty", [{"subject": " "}, {"text": "\n"}])
def test_an_empty_ticket_is_refused_and_nothing_is_written(alice, empty):
    with pytest.raises(EmptyMessage):
        open_ticket(
            **{
                "member_id": alice.pk,
                "kind": "question",
                "subject": "s",
                "text": "t",
                **empty,
            },
            now=NOON,
        )
    assert not Ticket.objects.exists()
    assert not TicketMessage.objects.exists()


def test_answer_wait_write_again_solve_reopen(alice, dana):
    ticket = ask(alice)
    reply_as_staff(ticket_id=ticket.pk, text="At the door.", author=dana, now=NOON)
    ticket.refresh_from_db()
    assert (ticket.state, ticket.owner) == ("waiting", dana)

    later = NOON + timedelta(days=2)
    reply_as_member(ticket_id=ticket.pk, text="Which door?", now=later)
    ticket.refresh_from_db()
    assert (ticket.state, ticket.due_at) == ("open", later + timedelta(hours=24))

    solve_ticket(ticket_id=ticket.pk, actor=dana, now=later)
    solve_ticket(ticket_id=ticket.pk, actor=dana, now=later + timedelta(days=1))
    ticket.refresh_from_db()
    assert (ticket.state, ticket.solved_at) == ("solved", later)
    assert AuditEntry.objects.filter(action="care.solve").count() == 1

    reply_as_member(ticket_id=ticket.pk, text="Not solved!", now=later)
    ticket.refresh_from_db()
    assert (ticket.state, ticket.solved_at) == ("open", None)


def test_a_private_note_changes_nothing_else(alice, dana):
    ticket = ask(alice)
    reply_as_staff(
        ticket_id=ticket.pk,
        text="Third time this month.",
        author=dana,
        is_private=True,
        now=NOON,
    )
    ticket.refresh_from_db()
    assert (ticket.state, ticket.owner) == ("open", None)
    assert TicketMessage.objects.filter(is_private=True, author=dana).count() == 1


def test_a_second_answer_keeps_the_owner(alice, dana):
    ticket = ask(alice)
    other = make_user("olga", is_staff=True)
    reply_as_staff(ticket_id=ticket.pk, text="a", author=dana, now=NOON)
    reply_as_staff(ticket_id=ticket.pk, text="b", author=other, now=NOON)
    ticket.refresh_from_db()
    assert ticket.owner == dana


def test_a_ticket_is_handed_to_staff_only(alice, bob, dana):
    ticket = ask(alice)
    assign_ticket(ticket_id=ticket.pk, owner=dana, actor=dana, now=NOON)
    with pytest.raises(NotStaff):
        assign_ticket(ticket_id=ticket.pk, owner=bob.user, actor=dana, now=NOON)
    assert Ticket.objects.get().owner == dana
    assign_ticket(ticket_id=ticket.pk, owner=None, actor=dana, now=NOON)
    assert Ticket.objects.get().owner is None
    details = AuditEntry.objects.order_by("id").values_list("detail", flat=True)
    assert list(details) == [{"owner": "dana"}, {"owner": None}]


@pytest.mark.django_db(transaction=True)
def test_of_many_tickets_at_once_no_more_than_the_limit_open():
    member = make_member(1)
    for _n in range(15):
        ask(member)
    outcomes = []

    def attempt():
        try:
            ask(member)
            outcomes.append("opened")
        except TooManyTickets:
            outcomes.append("refused")
        finally:
            connection.close()

    threads = [threading.Thread(target=attempt) for _n in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["opened"] * 5 + ["refused"] * 7
    assert Ticket.objects.count() == 20


def test_queues_hold_what_they_say(alice, bob, dana, django_assert_num_queries):
    overdue = ask(alice, at=NOON - timedelta(hours=24))
    soon = ask(alice, at=NOON - timedelta(hours=23))
    angry = ask(bob, kind="complaint")
    calm = ask(bob, kind="suggestion")
    assign_ticket(ticket_id=calm.pk, owner=dana, actor=dana, now=NOON)
    solved = ask(bob, kind="complaint", at=NOON - timedelta(days=9))
    solve_ticket(ticket_id=solved.pk, actor=dana, now=NOON)
    answered = ask(bob, at=NOON - timedelta(days=9))
    reply_as_staff(ticket_id=answered.pk, text="x", author=dana, now=NOON)

    def queue(name):
        return list(tickets_in(name, user_id=dana.pk, at=NOON))

    assert queue("overdue") == [overdue]
    assert queue("due_soon") == [soon]
    assert queue("complaints") == [angry]
    assert queue("unassigned") == [overdue, soon, angry]
    assert queue("mine") == [answered, calm]
    with django_assert_num_queries(1):
        counts = queue_counts(user_id=dana.pk, at=NOON)
    assert counts == {
        "overdue": 1,
        "due_soon": 1,
        "complaints": 1,
        "unassigned": 3,
        "mine": 2,
    }
