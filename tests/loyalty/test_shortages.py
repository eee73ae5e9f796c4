"""What a refund does with missing points, by the four policies of a program (P16)."""

import pytest

from loyalty.models import PointsEntry, PointsLot, Program
from loyalty.services.clawing import settle_refund
from loyalty.services.earning import earn_for_order
from orders.rules.refund_effects import Shortfall
from orders.services.refund_preview import RefundPolicy, quote_refund
from orders.services.refunding import refund_order
from tests.cast import NOON
from tests.loyalty.books import account_of, assert_sound, paid_order
from tests.loyalty.test_refund_effects import DAY, refund, spend


@pytest.fixture
def bought(alice):
    """Four units for 400.00 that earned 400 points, of which 340 are spent."""
    order = paid_order(alice, 40_000, quantity=4)
    earn_for_order(order_id=order.pk, now=NOON)
    spend(alice, 340)
    return order


@pytest.mark.parametrize(
    ("policy", "money", "taken", "balance", "debt"),
    [
        ("pending", 10_000, 0, 60, 0),
        ("to_zero", 10_000, -60, 0, 0),
        ("debt", 10_000, -100, 0, 40),
        ("deduct", 9_960, -60, 0, 0),
    ],
)
def test_p16_the_program_decides(alice, bought, policy, money, taken, balance, debt):
    Program.objects.update(claw_back=policy)
    quote = quote_refund(order_id=bought.pk, items={1: 1}, now=NOON)
    assert quote.amount_minor == money, "what was said is what happens"

    made = refund(bought)

    entry = PointsEntry.objects.get(kind="claw_back")
    assert (made.amount_minor, entry.points) == (money, taken)
    assert (account_of(alice).balance, account_of(alice).debt) == (balance, debt)
    assert_sound()


def test_p16_pending_points_are_taken_where_nothing_else_is(alice, bought):
    Program.objects.update(claw_back="pending")
    second = paid_order(alice, 10_000)
    entry = earn_for_order(order_id=second.pk, now=NOON)
    PointsLot.objects.filter(entry=entry).update(active_at=NOON + 9 * DAY)

    refund(second, key="k2")

    claw = PointsEntry.objects.get(kind="claw_back", reverses=entry)
    assert (claw.points, claw.trace["due"]) == (-100, 100)
    assert account_of(alice).balance == 60


def test_p17_what_the_program_waives_says_so(bought):
    Program.objects.update(claw_back="to_zero")
    refund(bought)
    entry = PointsEntry.objects.get(kind="claw_back")
    assert entry.trace["waived"] == 40
    assert (entry.actor, entry.reason) == ("program", "to_zero")


def test_p17_what_staff_waive_has_actor_and_reason(bought):
    made = refund_order(
        order_id=bought.pk,
        items={1: 1},
        reason="our mistake",
        actor="dana",
        request_key="k1",
        policy=RefundPolicy(shortfall=Shortfall.WAIVE),
        now=NOON + DAY,
    )
    settle_refund(refund_id=made.pk, now=NOON + DAY)
    entry = PointsEntry.objects.get(kind="claw_back")
    assert (entry.actor, entry.reason) == ("dana", "our mistake")
    assert entry.trace["waived"] == 40


def test_money_another_system_gave_is_not_lowered(bought):
    Program.objects.update(claw_back="deduct")
    told = RefundPolicy(freight_is_told=True)
    quote = quote_refund(order_id=bought.pk, items={1: 1}, policy=told, now=NOON)
    assert (quote.amount_minor, quote.points_deducted) == (10_000, 0)
    assert "points_owed" in {effect.code for effect in quote.effects}


def test_the_statement_adds_up_when_the_program_deducts(bought):
    """(R22) The parts of a refund make its amount, deduction included."""
    Program.objects.update(claw_back="deduct")
    quote = quote_refund(order_id=bought.pk, items={1: 1}, now=NOON)
    lines = sum(part.amount_minor for part in quote.lines)
    assert lines + quote.freight_minor - quote.deducted_minor == quote.amount_minor
    made = refund(bought)
    assert (made.deducted_minor, made.points_deducted) == (40, 40)
