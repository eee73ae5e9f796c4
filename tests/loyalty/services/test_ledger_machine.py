"""Random lives of two accounts against a small model; the sums after each step.

The model keeps of each member what came in less what went out, and what is set aside.
Everything else (lots, takes, holds, running balances) is proven by ``verify_ledger``.
"""

from datetime import timedelta

import pytest
from django.db import transaction
from django.db.models import F, Value
from django.db.models.functions import Least
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from crm.shared.errors import Refusal
from loyalty.models import PointsAccount, PointsEntry, PointsFreeze, PointsLot, Program
from loyalty.queries.books import breakdown
from loyalty.queries.points import points_summary
from loyalty.services.adjusting import deduct_points, grant_points
from loyalty.services.closing import close_month
from loyalty.services.expiring import expire_lots
from loyalty.services.freezing import (
    end_freezes,
    freeze_account,
    freeze_points,
    unfreeze_account,
    unfreeze_points,
)
from loyalty.services.holding import capture_hold, hold_points, release_hold
from loyalty.services.redeeming import redeem_points
from loyalty.services.revoking import reinstate_points, revoke_entry
from loyalty.services.transferring import transfer_points
from loyalty.services.verification import verify_ledger
from tests.cast import NOON, make_member

pytestmark = pytest.mark.django_db

WHO = st.sampled_from([0, 1])
POINTS = st.integers(1, 60)
DAYS = st.integers(1, 20)


class Books(RuleBasedStateMachine):
    """Two members, a clock, and every verb of the ledger."""

    def __init__(self):
        super().__init__()
        self.undone = transaction.atomic()
        self.undone.__enter__()
        self.now, self.number = NOON, 0
        #: Points of each member by entries: balance less debt.
        self.net = [0, 0]
        self.set_aside = [0, 0]
        self.holds: list[tuple[int, str, int]] = []

    @initialize(policy=st.sampled_from(Program.ClawBack.values))
    def begin(self, policy):
        Program.objects.update(
            claw_back=policy,
            reinstate_days=30,
            transfer_max=40,
            transfer_month_max=100,
            transfer_rest_days=0,
        )
        self.members = [make_member(701), make_member(702)]

    def teardown(self):
        transaction.set_rollback(True)
        self.undone.__exit__(None, None, None)

    def source(self):
        self.number += 1
        return f"machine:{self.number}"

    def available(self, who):
        return points_summary(self.members[who].pk, self.now).available

    def tell(self, entry):
        """Count what an entry moved."""
        for who, member in enumerate(self.members):
            if entry.account_id == member.pk:
                self.net[who] += entry.points

    def entries(self, *kinds):
        return list(PointsEntry.objects.filter(kind__in=kinds).order_by("pk"))

    # --- In and out -------------------------------------------------------------------

    @rule(who=WHO, points=POINTS, days=DAYS, waits=st.integers(0, 3))
    def earn(self, who, points, days, waits):
        entry = grant_points(
            member_id=self.members[who].pk,
            points=points,
            reason="x",
            actor="t",
            source=self.source(),
            now=self.now,
        )
        begins = self.now + timedelta(days=waits)
        PointsLot.objects.filter(entry=entry).update(
            active_at=begins, expires_at=begins + timedelta(days=days)
        )
        self.tell(entry)

    @rule(who=WHO, points=POINTS, by_staff=st.booleans())
    def spend(self, who, points, by_staff):
        there = self.available(who)
        where = {"member_id": self.members[who].pk, "points": points}
        where |= {"source": self.source(), "now": self.now}
        try:
            if by_staff:
                entry = deduct_points(**where, reason="x", actor="t")
            else:
                entry = redeem_points(**where)
        except Refusal:
            assert points > there, "P12: refused only where too few are available"
            return
        assert points <= there
        assert entry.points == -points
        self.tell(entry)

    @rule(points=POINTS, giver=WHO)
    def transfer(self, points, giver):
        there = self.available(giver)
        try:
            moved = transfer_points(
                giver_id=self.members[giver].pk,
                to_number=self.members[1 - giver].number,
                points=points,
                request_key=self.source(),
                now=self.now,
            )
        except Refusal:
            return
        assert points <= min(there, 40)
        for entry in (*moved.sent, *moved.received):
            self.tell(entry)

    # --- Set aside --------------------------------------------------------------------

    @rule(who=WHO, points=POINTS)
    def hold(self, who, points):
        source, there = self.source(), self.available(who)
        try:
            hold_points(
                member_id=self.members[who].pk,
                points=points,
                source=source,
                now=self.now,
            )
        except Refusal:
            assert points > there
            return
        self.holds.append((who, source, points))
        self.set_aside[who] += points

    @precondition(lambda self: self.holds)
    @rule(data=st.data(), captured=st.integers(0, 60))
    def resolve(self, data, captured):
        place = data.draw(st.integers(0, len(self.holds) - 1))
        who, source, points = self.holds.pop(place)
        if captured:
            part = min(captured, points)
            self.tell(capture_hold(source=source, points=part, now=self.now))
        else:
            assert release_hold(source=source, now=self.now)
        self.set_aside[who] -= points

    @rule(who=WHO, points=st.none() | POINTS, days=st.none() | DAYS)
    def freeze(self, who, points, days):
        try:
            frozen = freeze_points(
                member_id=self.members[who].pk,
                points=points,
                reason="x",
                actor="t",
                source=self.source(),
                until=self.now + timedelta(days=days) if days else None,
                now=self.now,
            )
        except Refusal:
            return
        self.set_aside[who] += frozen.hold.points

    @rule(data=st.data())
    def unfreeze(self, data):
        frozen = PointsFreeze.objects.filter(ended_by="").select_related("hold")
        rows = list(frozen.order_by("pk"))
        if rows:
            row = data.draw(st.sampled_from(rows))
            unfreeze_points(freeze_id=row.pk, reason="x", actor="t", now=self.now)
            self._freed(row)

    @rule(who=WHO, points=st.integers(0, 60))
    def ask_back(self, who, points):
        """Units are asked back, others or none (R10): so many of each lot wait."""
        there = F("remaining") - F("held")
        lots = PointsLot.objects.filter(account=self.members[who].pk)
        lots.update(asked_back=Least(Value(points), there))

    def _freed(self, freeze):
        owner = [member.pk for member in self.members].index(freeze.hold.account_id)
        self.set_aside[owner] -= freeze.hold.points

    @rule(who=WHO, fraud=st.booleans())
    def freeze_or_open_the_account(self, who, fraud):
        told = {"member_id": self.members[who].pk, "reason": "x", "actor": "t"}
        if not freeze_account(**told, now=self.now, is_fraud=fraud):
            unfreeze_account(**told, now=self.now)

    # --- Undone -----------------------------------------------------------------------

    @rule(data=st.data())
    def revoke(self, data):
        entries = self.entries("grant", "deduct", "reinstate")
        if entries:
            entry = data.draw(st.sampled_from(entries))
            before = PointsEntry.objects.count()
            done = revoke_entry(entry_id=entry.pk, reason="x", actor="t", now=self.now)
            if PointsEntry.objects.count() > before:
                assert abs(done.points) <= abs(entry.points)
                self.tell(done)

    @rule(data=st.data())
    def reinstate(self, data):
        entries = self.entries("expire")
        if entries:
            entry = data.draw(st.sampled_from(entries))
            before = PointsEntry.objects.count()
            try:
                done = reinstate_points(
                    entry_id=entry.pk, reason="x", actor="t", now=self.now
                )
            except Refusal:
                return
            if PointsEntry.objects.count() > before:
                self.tell(done)

    @rule(days=DAYS)
    def time_passes(self, days):
        self.now += timedelta(days=days)
        last = PointsEntry.objects.order_by("-pk").values_list("pk", flat=True).first()
        ended = PointsFreeze.objects.filter(ended_by="", until__lte=self.now)
        rows = list(ended.select_related("hold"))
        assert end_freezes(now=self.now) == len(rows)
        for row in rows:
            self._freed(row)
        while expire_lots(now=self.now):
            pass
        for entry in PointsEntry.objects.filter(pk__gt=last or 0):
            self.tell(entry)

    # --- What always holds ------------------------------------------------------------

    @invariant()
    def sums_are_the_models(self):
        if not hasattr(self, "members"):
            return
        assert verify_ledger().findings == ()
        for who, member in enumerate(self.members):
            account = PointsAccount.objects.filter(pk=member.pk).first()
            if account is None:
                continue
            assert account.balance - account.debt == self.net[who]
            assert account.held == self.set_aside[who]
            parts = breakdown(account, at=self.now)
            taken = parts.ended + parts.pending + parts.reserved + parts.set_aside
            assert parts.balance == taken + parts.stopped + parts.available
            summary = points_summary(member.pk, self.now)
            assert summary.available == parts.available
            if account.debt:
                assert not parts.available, "P18"

    @invariant()
    def a_month_closed_now_is_what_there_is(self):
        if not hasattr(self, "members") or self.number % 7:
            return
        with transaction.atomic():
            later = self.now + timedelta(days=40)
            month = self.now.date().replace(day=1)
            close = close_month(month=month, actor="t", now=later)
            accounts = PointsAccount.objects.all()
            assert close.closing == sum(self.net)
            assert close.debt == sum(account.debt for account in accounts)
            assert verify_ledger().findings == ()
            transaction.set_rollback(True)


def test_p3_whatever_happens_the_books_agree():
    run_state_machine_as_test(
        Books,
        settings=settings(
            max_examples=8,
            stateful_step_count=20,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )


@pytest.mark.slow
def test_p3_whatever_happens_for_long_the_books_agree():
    run_state_machine_as_test(
        Books,
        settings=settings(
            max_examples=30,
            stateful_step_count=40,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
