"""Forgetting a person: who may ask, what goes, what stays, and that it may stop."""

from datetime import timedelta
from threading import Barrier, Thread

import pytest
from django.core.files.storage import default_storage
from django.db import IntegrityError, connection, transaction
from django.db.models import Sum

from campaigns.models import Message
from crm.care.services.talking import open_ticket
from crm.shared import personal_data
from crm.shared.approvals import SamePerson
from crm.shared.jobs import run_all_queued
from crm.shared.models import AuditEntry, Fact
from loyalty.models import PointsAccount, PointsEntry
from loyalty.services.adjusting import grant_points
from loyalty.services.verification import verify_ledger
from members.models import (
    Consent,
    DataExport,
    Erasure,
    Member,
    MemberTag,
    Note,
    Session,
    User,
)
from members.services import erasing
from members.services.erasing import (
    ErasureNotConfirmed,
    ErasureTooLate,
    ErasureUnderWay,
    approve_erasure,
    ask_for_erasure,
    ask_to_be_forgotten,
    cancel_erasure,
    carry_out,
    start_due_erasures,
)
from members.services.exporting import ask_for_export, write_export
from members.services.freezing import ReasonMissing
from members.services.joining import join
from members.services.noting import add_note
from members.services.tagging import tag_member
from members.sessions import SessionStore
from orders.models import Cart, Order
from tests.cast import NOON, allow, make_user

WEEK = timedelta(days=7)


@pytest.fixture
def jing(db):
    """A member with something in every app."""
    member = join(
        name="王静",
        phone="13800001234",
        email="jing@example.com",
        birthday="1990-02-28",
        gender="female",
        region="上海",
        source="shop",
        external_id="X-17",
        user=make_user("jing", email="alias@id.invalid"),
        now=NOON,
    )
    for n in range(3):
        add_note(member_id=member.pk, text=f"note {n}", author=None, now=NOON)
    tag_member(member_id=member.pk, name="母婴", author=None, now=NOON)
    allow(member, "sms")
    open_ticket(
        member_id=member.pk, kind="complaint", subject="box", text="broken", now=NOON
    )
    Message.objects.create(
        member=member,
        channel="sms",
        template="t",
        subject="王静",
        body="Dear 王静",
        dedupe_key="k",
        send_after=NOON,
        created_at=NOON,
    )
    Cart.objects.create(member=member, created_at=NOON, updated_at=NOON)
    Order.objects.create(
        number="SO1",
        member=member,
        state="completed",
        currency="CNY",
        goods_minor=19_900,
        total_minor=19_900,
        paid_minor=19_900,
        placed_at=NOON,
        paid_at=NOON,
    )
    grant_points(
        member_id=member.pk,
        points=500,
        reason="welcome",
        actor="tests",
        source="test:1",
        now=NOON,
    )
    return member


@pytest.fixture
def erik(db):
    return make_user("erik", is_staff=True)


def begun(member, dana, erik):
    asked = ask_for_erasure(member_id=member.pk, reason="letter", author=dana, now=NOON)
    return approve_erasure(erasure_id=asked.pk, approver=erik, now=NOON)


def books():
    return (
        Order.objects.aggregate(n=Sum("total_minor"), paid=Sum("paid_minor")),
        list(PointsEntry.objects.order_by("id").values_list("points", "balance_after")),
        list(PointsAccount.objects.values_list("pk", "balance", "held", "debt")),
    )


# --- Asking -------------------------------------------------------------------


def test_members_confirm_and_have_a_week_to_think_again(jing, settings):
    settings.ERASURE_COOLING_DAYS = 7
    for wrong in ("", "yes", "M1"):
        with pytest.raises(ErasureNotConfirmed):
            ask_to_be_forgotten(member_id=jing.pk, confirm=wrong, now=NOON)
    assert not Erasure.objects.exists()
    asked = ask_to_be_forgotten(
        member_id=jing.pk, confirm=jing.number.lower(), now=NOON
    )
    assert (asked.state, asked.due_at) == ("scheduled", NOON + WEEK)
    later = NOON + timedelta(days=1)
    again = ask_to_be_forgotten(member_id=jing.pk, confirm=jing.number, now=later)
    assert again == asked
    assert start_due_erasures(now=NOON + WEEK - timedelta(seconds=1)) == 0
    assert start_due_erasures(now=NOON + WEEK) == 1
    assert start_due_erasures(now=NOON + WEEK) == 0


def test_a_change_of_mind_counts_until_it_begins(jing):
    asked = ask_to_be_forgotten(member_id=jing.pk, confirm=jing.number, now=NOON)
    cancel_erasure(erasure_id=asked.pk, actor="member", now=NOON)
    assert start_due_erasures(now=NOON + 2 * WEEK) == 0
    with pytest.raises(ErasureTooLate):
        cancel_erasure(erasure_id=asked.pk, actor="member", now=NOON)
    second = ask_to_be_forgotten(member_id=jing.pk, confirm=jing.number, now=NOON)
    assert second != asked
    start_due_erasures(now=NOON + WEEK)
    with pytest.raises(ErasureTooLate):
        cancel_erasure(erasure_id=second.pk, actor="member", now=NOON)


def test_staff_need_a_reason_and_a_second_person(jing, dana, erik):
    with pytest.raises(ReasonMissing):
        ask_for_erasure(member_id=jing.pk, reason=" ", author=dana, now=NOON)
    asked = ask_for_erasure(member_id=jing.pk, reason="letter", author=dana, now=NOON)
    assert start_due_erasures(now=NOON + 10 * WEEK) == 0
    with pytest.raises(SamePerson):
        approve_erasure(erasure_id=asked.pk, approver=dana, now=NOON)
    with pytest.raises(ErasureUnderWay):
        ask_for_erasure(member_id=jing.pk, reason="again", author=erik, now=NOON)
    with pytest.raises(ErasureUnderWay):
        ask_to_be_forgotten(member_id=jing.pk, confirm=jing.number, now=NOON)
    approve_erasure(erasure_id=asked.pk, approver=erik, now=NOON)
    with pytest.raises(ErasureTooLate):
        approve_erasure(erasure_id=asked.pk, approver=erik, now=NOON)
    assert list(
        AuditEntry.objects.filter(action__startswith="members.erasure")
        .order_by("id")
        .values_list("action", "actor")
    ) == [("members.erasure.ask", "dana"), ("members.erasure.approve", "erik")]


@pytest.mark.parametrize(
    "change",
    [
        {"approver": "dana"},
        {"state": "scheduled", "due_at": NOON},
        {"state": "done"},
        {"state": "running", "approver": "erik"},
    ],
)
def test_the_table_itself_refuses_what_must_not_be(jing, dana, erik, change):
    asked = ask_for_erasure(member_id=jing.pk, reason="letter", author=dana, now=NOON)
    people = {"dana": dana, "erik": erik}
    change = {name: people.get(value, value) for name, value in change.items()}
    with pytest.raises(IntegrityError), transaction.atomic():
        Erasure.objects.filter(pk=asked.pk).update(**change)


# --- Doing --------------------------------------------------------------------


def test_the_person_goes_and_the_books_stay(jing, dana, erik):
    before = books()
    begun(jing, dana, erik)
    run_all_queued()
    erasure = Erasure.objects.get()
    assert erasure.state == "done"
    member = Member.objects.get(pk=jing.pk)
    assert (member.state, member.number, member.public_id) == (
        "erased",
        jing.number,
        jing.public_id,
    )
    assert [
        getattr(member, name)
        for name in ("name", "phone", "email", "birthday", "birth_month", "user_id")
    ] == [None] * 6
    assert [member.phone_index, member.phone_tail_index, member.email_index] == [
        None
    ] * 3
    assert (member.name_tokens, member.gender, member.region) == ([], "", "")
    assert member.external_id is None
    for gone in (Note, MemberTag, Cart):
        assert not gone.objects.filter(member=jing).exists()
    assert not User.objects.filter(username="jing").exists()
    message = Message.objects.get()
    assert (message.subject, message.body, message.state) == ("", "", "suppressed")
    ticket = jing.tickets.get()
    assert (ticket.subject, ticket.messages.get().text) == ("", "")
    assert Consent.objects.filter(member=jing).exists()
    assert books() == before
    assert not verify_ledger().findings


def test_the_certificate_says_what_how_many_and_when(jing, dana, erik):
    begun(jing, dana, erik)
    run_all_queued()
    erasure = Erasure.objects.get()
    assert erasure.counts == {
        "care.TicketMessage": 1,
        "care.Ticket": 1,
        "campaigns.Message": 1,
        "orders.Cart": 1,
        "members.User": 1,
        "members.Note": 3,
        "members.MemberTag": 1,
        "members.Member": 1,
    }
    assert erasure.finished_at is not None
    assert (erasure.author, erasure.approver) == (dana, erik)
    done = AuditEntry.objects.get(action="members.erasure.done")
    assert done.detail == {"erasure": erasure.public_id, **erasure.counts}
    assert Fact.objects.get(name="members.MemberErased").payload == {
        "member_id": jing.pk
    }


def test_it_goes_on_where_it_was_stopped(jing, dana, erik, monkeypatch):
    erasure = begun(jing, dana, erik)
    monkeypatch.setattr(personal_data, "CHUNK", 1)

    class Stopped(Exception):
        pass

    seen = []

    def stop(rows):
        seen.append(rows)
        if rows in {2, 5}:
            raise Stopped  # inside the chunk's transaction: it is undone

    for _ in range(2):
        with pytest.raises(Stopped):
            carry_out(public_id=erasure.public_id, now=NOON, tell=stop)
    assert Member.objects.get(pk=jing.pk).state == "closed"
    carry_out(public_id=erasure.public_id, now=NOON)
    assert sum(Erasure.objects.get().counts.values()) == 10
    again = carry_out(public_id=erasure.public_id, now=NOON)
    assert again.state == "done"
    assert Fact.objects.filter(name="members.MemberErased").count() == 1


def test_what_comes_in_during_the_last_look_goes_too(jing, dana, erik, monkeypatch):
    erasure = begun(jing, dana, erik)
    certify, late = erasing._certify, []

    def with_a_late_note(erasure, *, now):
        if not late:
            late.append(add_note(member_id=jing.pk, text="late", author=None, now=now))
        return certify(erasure, now=now)

    monkeypatch.setattr(erasing, "_certify", with_a_late_note)
    carry_out(public_id=erasure.public_id, now=NOON)
    assert not Note.objects.exists()
    assert Erasure.objects.get().counts["members.Note"] == 4


def test_only_the_sessions_of_the_member_end(jing, bob, dana, erik):
    for user in (jing.user, bob.user, dana):
        session = SessionStore()
        session["_auth_user_id"] = str(user.pk)
        session.save()
    begun(jing, dana, erik)
    run_all_queued()
    left = set(Session.objects.values_list("user_id", flat=True))
    assert left == {bob.user.pk, dana.pk}


def test_an_unfetched_copy_of_the_data_goes(jing, dana, erik):
    export = ask_for_export(member_id=jing.pk, now=NOON)
    write_export(public_id=export.public_id, now=NOON)
    file = DataExport.objects.get().file
    begun(jing, dana, erik)
    run_all_queued()
    assert (DataExport.objects.get().state, DataExport.objects.get().file) == (
        "expired",
        "",
    )
    assert not default_storage.exists(file)


def test_a_login_of_staff_stays(jing, dana, erik):
    User.objects.filter(pk=jing.user_id).update(is_staff=True)
    begun(jing, dana, erik)
    run_all_queued()
    assert User.objects.filter(username="jing").exists()
    assert Member.objects.get(pk=jing.pk).user is None


def test_nobody_can_write_a_person_back(jing, dana, erik):
    begun(jing, dana, erik)
    run_all_queued()
    member = Member.objects.get(pk=jing.pk)
    member.name = "王静"
    with pytest.raises(IntegrityError), transaction.atomic():
        member.save(update_fields=["name"])
    again = join(phone="13800001234", email="jing@example.com", source="s", now=NOON)
    assert again.pk != jing.pk


def test_what_has_not_begun_is_not_carried_out(jing, dana):
    asked = ask_for_erasure(member_id=jing.pk, reason="r", author=dana, now=NOON)
    with pytest.raises(ErasureTooLate):
        carry_out(public_id=asked.public_id, now=NOON)
    assert Member.objects.get(pk=jing.pk).name == "王静"


@pytest.mark.django_db(transaction=True)
def test_two_workers_at_once_write_one_certificate():
    member = join(name="王静", phone="13800001234", source="shop", now=NOON)
    for n in range(30):
        add_note(member_id=member.pk, text=f"note {n}", author=None, now=NOON)
    author, approver = make_user("dana"), make_user("erik")
    erasure = begun(member, author, approver)
    barrier, errors = Barrier(2), []

    def work():
        try:
            barrier.wait()
            carry_out(public_id=erasure.public_id, now=NOON)
        except Exception as error:
            errors.append(error)
        finally:
            connection.close()

    threads = [Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert Erasure.objects.get().counts == {"members.Note": 30, "members.Member": 1}
    assert Fact.objects.filter(name="members.MemberErased").count() == 1
    assert AuditEntry.objects.filter(action="members.erasure.done").count() == 1
