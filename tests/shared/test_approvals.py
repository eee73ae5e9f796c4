"""What waits for a second person: who decides, once, and that it ends."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission
from django.db import IntegrityError, transaction

from crm import wiring
from crm.shared.approvals import (
    ApprovalClosed,
    Deed,
    NoteMissing,
    SamePerson,
    approve,
    ask_for_approval,
    expire_approvals,
    may_decide,
    reject,
    waiting_approvals,
    withdraw,
)
from crm.shared.errors import Refusal
from crm.shared.models import Approval, AuditEntry
from members.models import Note, User
from tests.cast import NOON, make_user

WEEK = timedelta(days=7)


class NotNow(Refusal):
    """Not now."""


class Notice(Deed):
    """A deed that writes its number down, or is refused for a number of 0."""

    permission = "members.add_note"
    label = "notice"

    def words(self, params):
        return f"Write {params['number']}."

    def carry_out(self, approval, *, now):
        Note.objects.create(
            member_id=approval.params["member"],
            text=f"{approval.params['number']} by {approval.author}",
            created_at=now,
        )
        if not approval.params["number"]:
            raise NotNow


@pytest.fixture(autouse=True)
def one_kind(monkeypatch):
    monkeypatch.setattr(wiring, "APPROVALS", {"test.notice": f"{__name__}.Notice"})


@pytest.fixture
def erik(db):
    return make_user("erik", is_staff=True)


def ask(member, author, *, number=7, source="staff:1"):
    return ask_for_approval(
        kind="test.notice",
        params={"member": member.pk, "number": number},
        subject=member.number,
        reason=" because ",
        author=author,
        source=source,
        now=NOON,
    )


def done():
    return [note.text for note in Note.objects.all()]


def deeds():
    entries = AuditEntry.objects.filter(action__startswith="approvals.").order_by("id")
    return list(entries.values_list("action", "actor", "reason"))


def test_two_people_do_it_together(alice, dana, erik):
    asked = ask(alice, dana)
    assert (asked.state, asked.reason, asked.expires_at) == (
        *("waiting", "because"),
        NOON + WEEK,
    )
    assert done() == []
    approve(approval_id=asked.pk, decider=erik, note="fine", now=NOON)
    asked.refresh_from_db()
    assert (asked.state, asked.decider, asked.decided_at, asked.note) == (
        *("approved", erik),
        *(NOON, "fine"),
    )
    assert done() == ["7 by dana"]
    assert deeds() == [
        ("approvals.ask", "dana", " because "),
        ("approvals.approve", "erik", "fine"),
    ]
    detail = AuditEntry.objects.get(action="approvals.approve").detail
    assert detail == {"kind": "test.notice", "member": alice.pk, "number": 7}


def test_asked_again_it_is_one_request(alice, dana):
    assert ask(alice, dana) == ask(alice, dana)
    assert len(deeds()) == 1


def test_nobody_decides_on_what_they_asked_for(alice, dana):
    asked = ask(alice, dana)
    for verb in (approve, reject):
        with pytest.raises(SamePerson):
            verb(approval_id=asked.pk, decider=dana, note="I like it", now=NOON)
    asked.refresh_from_db()
    assert (asked.state, done(), len(deeds())) == ("waiting", [], 1)


@pytest.mark.parametrize("state", ["approved", "rejected"])
def test_the_table_wants_another_person_too(state, alice, dana):
    asked = ask(alice, dana)
    for decider in (dana, None):
        with (
            pytest.raises(IntegrityError, match="decided_by_another"),
            transaction.atomic(),
        ):
            Approval.objects.filter(pk=asked.pk).update(
                state=state, decider=decider, decided_at=NOON
            )


def test_refusing_needs_a_word_and_does_nothing(alice, dana, erik):
    asked = ask(alice, dana)
    with pytest.raises(NoteMissing):
        reject(approval_id=asked.pk, decider=erik, note="  ", now=NOON)
    reject(approval_id=asked.pk, decider=erik, note="too much", now=NOON)
    asked.refresh_from_db()
    assert (asked.state, asked.note, done()) == ("rejected", "too much", [])
    assert deeds()[1:] == [("approvals.reject", "erik", "too much")]


def test_its_author_takes_it_back_and_nobody_else(alice, dana, erik):
    asked = ask(alice, dana)
    with pytest.raises(ValueError, match="author"):
        withdraw(approval_id=asked.pk, author=erik, now=NOON)
    withdraw(approval_id=asked.pk, author=dana, now=NOON)
    asked.refresh_from_db()
    assert (asked.state, asked.decider) == ("withdrawn", dana)


def test_what_is_closed_stays_closed(alice, dana, erik):
    asked = ask(alice, dana)
    withdraw(approval_id=asked.pk, author=dana, now=NOON)
    with pytest.raises(ApprovalClosed):
        approve(approval_id=asked.pk, decider=erik, now=NOON)
    with pytest.raises(ApprovalClosed):
        reject(approval_id=asked.pk, decider=erik, note="no", now=NOON)
    with pytest.raises(ApprovalClosed):
        withdraw(approval_id=asked.pk, author=dana, now=NOON)
    assert (done(), len(deeds())) == ([], 2)


def test_a_deed_that_is_refused_leaves_the_request_waiting(alice, dana, erik):
    asked = ask(alice, dana, number=0)
    with pytest.raises(NotNow):
        approve(approval_id=asked.pk, decider=erik, now=NOON)
    asked.refresh_from_db()
    assert (asked.state, done(), len(deeds())) == ("waiting", [], 1)


def test_a_week_later_it_is_too_late_swept_or_not(alice, dana, erik):
    asked, other = ask(alice, dana), ask(alice, dana, source="staff:2")
    Approval.objects.filter(pk=other.pk).update(expires_at=NOON + 2 * WEEK)
    end = NOON + WEEK
    assert list(waiting_approvals(end - timedelta(seconds=1))) == [asked, other]
    assert list(waiting_approvals(end)) == [other]
    with pytest.raises(ApprovalClosed):
        approve(approval_id=asked.pk, decider=erik, now=end)
    assert expire_approvals(now=end - timedelta(seconds=1)) == 0
    assert (expire_approvals(now=end), expire_approvals(now=end)) == (1, 0)
    asked.refresh_from_db()
    assert (asked.state, asked.decider, asked.decided_at) == ("expired", None, end)
    assert deeds()[-1] == ("approvals.expire", "system", "")


def test_deciding_needs_both_rights_and_another_person(alice, dana, erik):
    asked = ask(alice, dana)
    needed = ["change_approval", "add_note"]
    for login in (dana, erik):
        assert not may_decide(login, asked)
        login.user_permissions.add(*Permission.objects.filter(codename__in=needed))
    assert may_decide(User.objects.get(pk=erik.pk), asked)
    assert not may_decide(User.objects.get(pk=dana.pk), asked)
    for codename in needed:
        erik.user_permissions.set([Permission.objects.get(codename=codename)])
        assert not may_decide(User.objects.get(pk=erik.pk), asked)
