"""Points of the real file against its references (net by customer)."""

import json
import os
import time
from datetime import date

import pytest
from django.conf import settings
from django.db import connection, transaction
from django.db.models import Sum

from loyalty.models import (
    EarningRule,
    MemberValue,
    PointsAccount,
    PointsEntry,
    Program,
    QualifyingEntry,
    Tier,
)
from loyalty.services.closing import close_month
from loyalty.services.importing import book_import
from loyalty.services.redeeming import redeem_points
from loyalty.services.verification import verify_ledger
from members.models import Member
from orders.models import Refund
from orders.services.importing import import_orders
from recommendations.models import BoughtTogether, Popularity
from recommendations.services.learning import learn_from_orders
from tests.cast import NOON
from tests.loyalty.books import account_of
from tests.loyalty.services.online_retail import differing_members, totals

FILE = settings.SHARED_DATA_DIR / "online_retail" / "online_retail.csv.gz"

#: Members who spend everything before their refunds come.
SPENDERS = 300

pytestmark = [pytest.mark.data, pytest.mark.slow]


class Silent:
    def advance(self, *, done, total, message):
        pass


@pytest.mark.django_db(transaction=True)
def test_the_points_of_a_real_year_match_the_money():
    if not FILE.exists():
        assert os.environ.get("CI") != "true", f"{FILE} is missing"
        pytest.skip(f"{FILE} is not here; set REGULARS_DATA")
    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = 0")
    import_orders(path=FILE, profile="online-retail", now=NOON, progress=Silent())

    assert_the_base_rule_is_the_only_one()
    refunds_that_find_too_few_points()
    started = time.monotonic()
    done = book_import(source="online-retail", now=NOON)
    booked = time.monotonic()
    learned = learn_from_orders(now=NOON)
    seconds = (booked - started, time.monotonic() - booked)
    print(done, learned, seconds)

    assert max(seconds) < 60
    assert differing_members() == (4_372, [])
    whole = totals()
    print(whole)
    assert whole.points == whole.balance
    assert (whole.debt, whole.below_zero) == (0, 0)
    assert_tiers_follow_the_value()
    close_every_month(whole)
    assert verify_ledger().findings == ()
    references = json.loads(
        (settings.SHARED_DATA_DIR / "references.json").read_text(encoding="utf-8")
    )["online_retail"]
    net_of_no_return = of_customer("12346")
    assert (net_of_no_return.value.net_minor, net_of_no_return.value.orders) == (0, 0)
    assert account_of(net_of_no_return).balance == 0
    assert account_of(net_of_no_return).tier.code == "member"
    small = of_customer("16446")
    assert small.value.net_minor == 290
    assert account_of(small).balance <= 2
    assert account_of(small).tier.code == "member"
    assert MemberValue.objects.count() == 4_372
    for number, net in references["net_value_by_customer_top6"].items():
        assert of_customer(number).value.net_minor == round(net * 100), number
    values = list(MemberValue.objects.values_list("net_minor", flat=True))
    assert sum(values) == round(references["net_with_customer"] * 100)
    assert sum(net < 0 for net in values) == references["net_negative_customers"]
    assert sum(net == 0 for net in values) == references["net_zero_customers"]
    again = book_import(source="online-retail", now=NOON)
    assert (again.orders, again.refunds, again.unmatched_returns) == (0, 0, 0)
    assert PointsEntry.objects.filter(points__gt=0, kind="claw_back").count() == 0
    assert Popularity.objects.filter(product__kind="goods").count() == (
        Popularity.objects.count()
    )
    assert BoughtTogether.objects.filter(both__lt=5).count() == 0


def assert_the_base_rule_is_the_only_one():
    """Of goods: a point for each whole 1.00."""
    rule = EarningRule.objects.get(occasion="order", is_active=True)
    assert (rule.award, rule.points, rule.per_minor) == ("per_amount", 1, 100)


def refunds_that_find_too_few_points():
    """Book refunds after their buyers spent everything, by both policies (P16)."""
    with transaction.atomic():
        refunds = Refund.objects.filter(source="online-retail")
        refunds.update(source="later")
        book_import(source="online-retail", now=NOON)
        buyers = refunds.model.objects.filter(
            source="later", order__member__isnull=False
        )
        spenders = PointsAccount.objects.filter(
            member_id__in=buyers.values("order__member_id"), balance__gt=0
        ).order_by("-balance", "member_id")[:SPENDERS]
        for account in list(spenders):
            redeem_points(
                member_id=account.pk,
                points=account.balance,
                source="all of it",
                now=NOON,
            )
        refunds.model.objects.filter(source="later").update(source="online-retail")
        for policy in (Program.ClawBack.TO_ZERO, Program.ClawBack.DEBT):
            assert_sums_by(policy)
        transaction.set_rollback(True)
    assert not PointsEntry.objects.exists()


def assert_sums_by(policy):
    """Book the refunds: a balance goes below zero where the policy allows it only."""
    with transaction.atomic():
        Program.objects.update(claw_back=policy)
        book_import(source="online-retail", now=NOON)
        assert differing_members() == (4_372, [])
        whole = totals()
        print(policy, whole)
        assert whole.points == whole.balance - whole.debt
        owes = policy == Program.ClawBack.DEBT
        assert (whole.debt > 0, whole.below_zero > 0) == (owes, owes)
        below = PointsEntry.objects.filter(balance_after__lt=0)
        assert set(below.values_list("kind", flat=True)) <= {"claw_back"}
        assert verify_ledger().findings == ()
        transaction.set_rollback(True)


def assert_tiers_follow_the_value():
    """Everybody holds the highest tier that their net value reaches."""
    steps = list(
        Tier.objects.filter(ladder__code="main", ladder__window_days=None)
        .order_by("threshold_minor")
        .values_list("threshold_minor", "code")
    )
    held = dict(PointsAccount.objects.values_list("member_id", "tier__code"))
    values = dict(
        QualifyingEntry.objects.values_list("member_id").annotate(Sum("value_minor"))
    )
    assert len(steps) > 2
    assert len(values) == 4_372
    for member, value in values.items():
        reached = [code for threshold, code in steps if threshold <= max(value, 0)]
        assert held[member] == reached[-1], (member, value)


def close_every_month(whole):
    """Close the books of every month: each opens as the last one closed, and adds up."""
    started, opening = time.monotonic(), 0
    for number in range(13):
        year, month = divmod(2010 * 12 + 11 + number, 12)
        close = close_month(month=date(year, month + 1, 1), actor="test", now=NOON)
        moved = sum(close.moved.values())
        assert (close.opening, close.late) == (opening, {})
        assert close.closing == opening + moved == close.open_points - close.debt
        worth = max(close.open_points, 0) * close.minor_per_100 // 100
        assert close.liability_minor == worth
        opening = close.closing
        print(close, moved, close.closing, close.debt, close.liability_minor)
    assert (close.closing, close.debt) == (whole.points, whole.debt)
    assert close.open_points == whole.balance
    print(f"13 months closed in {time.monotonic() - started:.1f} s")


def of_customer(number) -> Member:
    return Member.objects.select_related("value").get(
        source="online-retail", external_id=number
    )
