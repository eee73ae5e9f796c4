"""Nothing is kept longer than its rule says; a dry run only counts."""

import io
from datetime import timedelta

import pytest
from django.core.management import call_command
from django.utils import timezone

from campaigns.models import Message
from crm.care.models import Ticket, TicketMessage
from crm.shared.clock import now
from crm.shared.retention import Rule
from members.models import Note, RetentionRun, Session
from members.services import retaining
from members.services.retaining import apply_retention, retention_rules
from members.sessions import SessionStore
from orders.models import Cart
from tests.cast import NOON

RULES = {rule.code: rule for rule in retention_rules()}


def days(count):
    return timedelta(days=count)


@pytest.fixture
def attic(alice):
    """For each rule of texts and baskets one row a day too old, and one just kept."""
    for code, extra in (
        ("orders.carts", {"member": alice}),
        ("orders.visitor_carts", {}),
    ):
        keep = days(RULES[code].days)
        for age in (keep + days(1), keep):
            at = NOON - age
            Cart.objects.create(created_at=at, updated_at=at, **extra)
    for n, age in enumerate((366, 365)):
        Message.objects.create(
            member=alice,
            channel="sms",
            template="t",
            subject="s",
            body="Dear Alice",
            state="sent",
            dedupe_key=str(n),
            send_after=NOON,
            created_at=NOON - days(age),
        )
    for age in (3 * 365 + 1, 3 * 365):
        at = NOON - days(age)
        Note.objects.create(member=alice, text="likes tea", created_at=at)
        ticket = Ticket.objects.create(
            member=alice,
            kind="question",
            state="solved",
            subject="box",
            created_at=at,
            due_at=at,
            solved_at=at,
        )
        TicketMessage.objects.create(
            ticket=ticket, is_from_member=True, text="broken", created_at=at
        )


EXPECTED = {
    "orders.carts": 1,
    "orders.visitor_carts": 1,
    "campaigns.messages": 1,
    "members.notes": 1,
    "care.tickets": 1,
    "care.ticket_messages": 1,
}


def found(run):
    return {code: rows for code, rows in run.counts.items() if rows}


def test_a_dry_run_counts_and_changes_nothing(attic):
    before = (Cart.objects.count(), Note.objects.count())
    run = apply_retention(now=NOON, dry_run=True)
    assert found(run) == EXPECTED
    assert run.is_dry_run
    assert (Cart.objects.count(), Note.objects.count()) == before
    assert {m.body for m in Message.objects.all()} == {"Dear Alice"}


def test_what_is_too_old_ends_and_the_rest_stays(attic):
    assert found(apply_retention(now=NOON)) == EXPECTED
    assert (Cart.objects.count(), Note.objects.count()) == (2, 1)
    assert sorted(m.body for m in Message.objects.all()) == ["", "Dear Alice"]
    assert sorted(t.subject for t in Ticket.objects.all()) == ["", "box"]
    assert sorted(m.text for m in TicketMessage.objects.all()) == ["", "broken"]
    assert found(apply_retention(now=NOON)) == {}
    assert RetentionRun.objects.count() == 2


def test_a_shop_may_keep_shorter(attic, settings):
    settings.RETENTION_DAYS = {"members.notes": 30}
    assert apply_retention(now=NOON).counts["members.notes"] == 2


def test_a_rule_that_fails_does_not_stop_the_others(attic, monkeypatch):
    def broken(kept_from):
        raise RuntimeError("boom")

    rules = [Rule("broken", "broken", 1, broken, "deleted"), *retention_rules()]
    monkeypatch.setattr(retaining, "retention_rules", lambda: rules)
    counts = apply_retention(now=NOON).counts
    assert (counts["broken"], counts["members.notes"]) == (-1, 1)


def test_the_command_prints_a_line_per_rule(alice):
    for age in (3 * 365 + 1, 0):
        Note.objects.create(member=alice, text="tea", created_at=now() - days(age))
    out = io.StringIO()
    call_command("apply_retention", "--dry-run", stdout=out)
    lines = out.getvalue().splitlines()
    assert len(lines) == len(RULES)
    assert "members.notes: 1 rows older than 1095 days would be deleted." in lines
    assert Note.objects.count() == 2
    call_command("apply_retention", stdout=out)
    assert Note.objects.count() == 1


def test_a_shop_clock_that_runs_ahead_ends_nobodys_session(db):
    for left in (days(-1), days(3)):
        SessionStore().create()
        newest = Session.objects.latest("pk")
        newest.expire_date = newest.ends_at = timezone.now() + left
        newest.save()
    apply_retention(now=now() + days(30))
    assert Session.objects.get() == newest


def test_every_rule_has_a_code_of_its_own_and_a_limit():
    codes = [rule.code for rule in retention_rules()]
    assert len(codes) == len(set(codes))
    assert all(rule.days >= 0 for rule in retention_rules())
