"""The clock of a demo shop moves on, and each day's work is done on the way."""

from datetime import UTC, datetime, timedelta
from io import StringIO

import pytest
import time_machine
from django.core.management import CommandError, call_command
from django.urls import reverse

from crm.console.rules.roles import ROLES
from crm.shared import clock
from crm.shared.jobs import run_job
from crm.shared.models import Job, ShopClock
from loyalty.models import Program
from loyalty.services.adjusting import grant_points
from tests.cast import make_member

REAL = datetime(2026, 11, 20, 17, 30, tzinfo=UTC)
PAGE = "/admin/clock/"


@pytest.fixture
def frozen():
    """Real time stands still; nothing of the offset is remembered."""
    clock.trust(timedelta(0), seconds=0)
    with time_machine.travel(REAL, tick=False):
        yield


@pytest.fixture
def saver(db):
    """Somebody whose 300 points end after a month."""
    Program.objects.update(valid_months=1)
    member = make_member(1)
    grant_points(
        member_id=member.pk,
        points=300,
        reason="a gift",
        actor="dana",
        source="t",
        now=REAL,
    )
    return member


def command(*words):
    out = StringIO()
    call_command("shop_clock", *words, stdout=out)
    return out.getvalue()


def test_the_command_shows_and_moves(db, frozen):
    assert command() == command("show") == "2026-11-20T17:30:00+00:00 (+0:00:00)\n"
    assert command("advance", "36h").splitlines() == [
        "0 points expired, 0 members rose, 0 members fell, 0 messages were sent.",
        "2026-11-22T05:30:00+00:00 (+1 day, 12:00:00)",
    ]


def test_skipped_days_are_lived_through(saver, frozen):
    said = command("advance", "60d")
    assert said.startswith("300 points expired, ")
    saver.points_account.refresh_from_db()
    assert saver.points_account.balance == 0
    # Booked on the day it was due, not on the last one.
    gone = saver.points_account.entries.get(kind="expire")
    assert gone.occurred_at < REAL + timedelta(days=45)


@pytest.mark.parametrize(
    "by", ["30", "d", "-1d", "1.5d", "1w", "٣d", "0d", "99999999d"]
)
def test_the_command_refuses_what_is_no_period(db, frozen, by):
    with pytest.raises(CommandError):
        command("advance", "--", by)
    assert not ShopClock.objects.exists()


def test_the_command_refuses_in_production(db, settings):
    settings.IS_PRODUCTION = True
    with pytest.raises(CommandError, match="production shop"):
        command("advance", "1d")


def test_a_button_moves_the_clock_by_a_job(frozen, signed_in):
    client = signed_in("owner")
    assert (
        "The clock of this shop was moved" not in client.get("/admin/").content.decode()
    )
    answer = client.post(PAGE, {"days": "3"})
    job = Job.objects.get(kind="console.advance_clock")
    assert answer.url == reverse("admin:shared_job_change", args=[job.pk])
    assert run_job(job.pk)
    job.refresh_from_db()
    assert (job.state, job.done, job.total) == ("done", 3, 3)
    assert clock.offset() == timedelta(days=3)
    home = client.get("/admin/").content.decode()
    assert "The clock of this shop was moved: here it is 24 Nov 2026" in home
    assert PAGE in home


@pytest.mark.parametrize("days", ["", "0", "-1", "401", "many"])
def test_no_other_number_of_days_is_taken(days, signed_in):
    answer = signed_in("owner").post(PAGE, {"days": days})
    assert answer.status_code == 200
    assert answer.context["form"].errors
    assert not Job.objects.filter(kind="console.advance_clock").exists()


@pytest.mark.parametrize("role", sorted(ROLES.keys() - {"owner"}))
def test_only_the_owner_moves_the_clock(role, signed_in):
    client = signed_in(role)
    assert client.get(PAGE).status_code == 403
    assert client.post(PAGE, {"days": "3"}).status_code == 403
    assert PAGE not in client.get("/admin/").content.decode()


def test_a_production_shop_has_no_such_page(signed_in, settings):
    client = signed_in("owner")
    settings.IS_PRODUCTION = True
    assert client.get(PAGE).status_code == 404
    assert PAGE not in client.get("/admin/").content.decode()
