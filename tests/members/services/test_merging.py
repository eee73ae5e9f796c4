from datetime import timedelta

import pytest
from django.apps import apps

from campaigns.models import Coupon, CouponTemplate
from campaigns.services.issuing import issue_coupon
from crm.care.models import Ticket
from crm.shared.models import AuditEntry, Fact
from loyalty.models import PointsAccount, PointsEntry, PointsLot, QualifyingEntry
from loyalty.queries.tiers import qualifying_minor
from loyalty.services.adjusting import grant_points
from loyalty.services.clawing import settle_refund
from loyalty.services.earning import earn_for_order
from loyalty.services.expiring import expire_lots
from loyalty.services.freezing import freeze_account
from loyalty.services.holding import capture_hold, hold_points
from loyalty.services.importing import book_import
from members.models import DuplicatePair, Member, MemberTag, Merge, Note
from members.queries import has_consent
from members.services.freezing import MoveNotAllowed, ReasonMissing, move_member
from members.services.merging import (
    CannotMerge,
    SameMember,
    merge_members,
    preview_merge,
)
from members.services.movers import mergers
from members.services.noting import add_note
from members.services.tagging import tag_member
from orders.models import Cart
from orders.services.carts import create_cart
from tests.cast import NOON, allow, make_member, put_in_state
from tests.loyalty.books import account_of, assert_sound, ledger, paid_order, refund


def merge(winner, loser, **choices) -> Merge:
    choices = {"reason": "one person", "actor": "tests", "now": NOON} | choices
    return merge_members(winner_id=winner.pk, loser_id=loser.pk, **choices)


def give(member, points: int, source: str = "test:1", *, now=NOON):
    return grant_points(
        member_id=member.pk,
        points=points,
        reason="welcome",
        actor="tests",
        source=source,
        now=now,
    )


# --- Nobody is forgotten ------------------------------------------------------


def keys_to_members() -> set[str]:
    """Return every foreign key to a member in the house."""
    return {
        f"{model._meta.label}.{field.name}"
        for model in apps.get_models(include_auto_created=True)
        for field in model._meta.concrete_fields
        if field.is_relation and field.related_model is Member
    }


def test_every_key_to_a_member_is_moved_by_somebody():
    covered = [label for merger in mergers() for label in merger.covers]
    assert len(covered) == len(set(covered))
    assert set(covered) == keys_to_members()


def test_every_app_writes_under_a_name_of_its_own():
    names = [merger.name for merger in mergers()]
    assert len(names) == len(set(names))


# --- The member ---------------------------------------------------------------


def test_the_loser_leads_to_the_winner(alice, bob):
    merge(alice, bob)
    bob.refresh_from_db()
    alice.refresh_from_db()
    assert (bob.state, bob.merged_into) == ("merged", alice)
    assert (alice.state, alice.merged_into) == ("active", None)
    assert (alice.version, bob.version) == (1, 1)


def test_audit_and_fact_name_ids_only(alice, bob, dana):
    done = merge(alice, bob, actor=dana, take=["name"])
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.actor, entry.reason) == (
        "members.merge",
        "dana",
        "one person",
    )
    assert entry.object_id == alice.public_id
    assert entry.detail == {
        "merge": done.public_id,
        "loser": bob.public_id,
        "taken": {"name": "changed"},
    }
    fact = Fact.objects.get(name="members.MembersMerged")
    assert fact.payload == {
        "merge_id": done.pk,
        "winner_id": alice.pk,
        "loser_id": bob.pk,
    }


def test_chosen_fields_change_places(db):
    alice = make_member(1, name="Alice", phone="+8613800000001", email="a@a.cn")
    bob = make_member(
        2, name="爱丽", phone="+8613900000002", birthday="1990-02-28", birth_month=2
    )
    merge(alice, bob, take=["phone", "birthday"])
    alice, bob = Member.objects.get(pk=alice.pk), Member.objects.get(pk=bob.pk)
    assert (alice.name, alice.phone, alice.email) == (
        *("Alice", "+8613900000002", "a@a.cn"),
    )
    assert (alice.birthday, alice.birth_month) == ("1990-02-28", 2)
    assert (bob.name, bob.phone, bob.birthday, bob.birth_month) == (
        *("爱丽", "+8613800000001", None, None),
    )


def test_the_address_brings_its_login(alice, bob):
    users = alice.user, bob.user
    merge(alice, bob, take=["email"])
    assert Member.objects.get(pk=alice.pk).user == users[1]
    assert Member.objects.get(pk=bob.pk).user == users[0]


def test_a_field_that_is_none_of_the_choices_is_a_mistake(alice, bob):
    with pytest.raises(ValueError, match="number"):
        merge(alice, bob, take=["number"])
    assert not Merge.objects.exists()


@pytest.mark.parametrize(
    ("choices", "refusal"),
    [({"reason": "  "}, ReasonMissing), ({"loser": "self"}, SameMember)],
)
def test_refusals_write_nothing(alice, bob, choices, refusal):
    loser = alice if choices.pop("loser", "") else bob
    with pytest.raises(refusal):
        merge(alice, loser, **choices)
    assert not Merge.objects.exists()
    assert not AuditEntry.objects.exists()
    assert Member.objects.filter(state="active").count() == 2


def test_merging_again_returns_the_merge_that_stands(alice, bob):
    first = merge(alice, bob)
    assert merge(alice, bob) == first
    assert Fact.objects.filter(name="members.MembersMerged").count() == 1


def test_who_is_merged_or_erased_is_merged_no_more(alice, bob, mallory):
    merge(alice, bob)
    for winner, loser in ((bob, alice), (mallory, bob), (bob, mallory)):
        with pytest.raises(CannotMerge):
            merge(winner, loser)
    put_in_state(mallory, "erased")
    with pytest.raises(CannotMerge):
        merge(alice, mallory)
    assert Merge.objects.count() == 1


def test_only_merging_makes_and_ends_the_state(alice, bob, dana):
    with pytest.raises(MoveNotAllowed):
        move_member(member_id=alice.pk, to="merged", reason="x", actor=dana, now=NOON)
    merge(alice, bob)
    with pytest.raises(MoveNotAllowed):
        move_member(member_id=bob.pk, to="active", reason="x", actor=dana, now=NOON)


def test_a_chain_of_merges_is_one_step_long(alice, bob, mallory):
    merge(bob, mallory)
    merge(alice, bob)
    assert set(Member.objects.get(pk=alice.pk).absorbed.all()) == {bob, mallory}


def test_the_pair_is_decided_and_other_pairs_of_the_loser_go(alice, bob, mallory):
    for first, second in ((alice, bob), (bob, mallory), (alice, mallory)):
        DuplicatePair.objects.create(
            first=first, second=second, score=90, reasons=[], found_at=NOON
        )
    merge(alice, bob)
    assert set(DuplicatePair.objects.values_list("second", "state")) == {
        (bob.pk, "merged"),
        (mallory.pk, "open"),
    }


# --- What apps own ------------------------------------------------------------


def test_notes_tags_tickets_carts_and_orders_go_over(alice, bob):
    note = add_note(
        member_id=bob.pk, text="calls in the evening", author=None, now=NOON
    )
    for member, name in ((alice, "tea"), (bob, "tea"), (bob, "cups")):
        tag_member(member_id=member.pk, name=name, author=None, now=NOON)
    ticket = Ticket.objects.create(
        member=bob, kind="question", subject="?", created_at=NOON, due_at=NOON
    )
    cart = create_cart(member_id=bob.pk, now=NOON)
    order = paid_order(bob, 10_000)

    merge(alice, bob)

    for row in (note, ticket, cart, order):
        row.refresh_from_db()
        assert row.member_id == alice.pk
    mine = MemberTag.objects.filter(member=alice).values_list("tag__name", flat=True)
    assert sorted(mine) == ["cups", "tea"]
    assert not Cart.objects.filter(member=bob).exists()
    assert Note.objects.get().text == "calls in the evening"


def test_the_stricter_consent_holds(alice, bob):
    allow(alice, "sms")
    allow(bob, "sms", granted=False)
    allow(bob, "email")
    done = merge(alice, bob, now=NOON + timedelta(days=1))
    ask = {"member_id": alice.pk, "purpose": "marketing"}
    assert not has_consent(**ask, channel="sms")
    assert has_consent(**ask, channel="email")
    assert {row.source for row in alice.consents.all()} == {"test", done.public_id}
    assert bob.consents.count() == 2


@pytest.fixture
def template(db):
    return CouponTemplate.objects.create(
        code="gift",
        name="Gift",
        state="live",
        kind="amount",
        amount_minor=500,
        per_member_limit=9,
        starts_at=NOON - timedelta(days=1),
    )


def test_nobody_gets_one_gift_twice(alice, bob, template):
    coupons = [
        issue_coupon(template_id=template.pk, member_id=m.pk, source=source, now=NOON)
        for m, source in ((alice, "tier:gold"), (bob, "tier:gold"), (bob, "birthday"))
    ]
    merge(alice, bob)
    states = [Coupon.objects.get(pk=coupon.pk) for coupon in coupons]
    assert [(c.member_id, c.state) for c in states] == [
        (alice.pk, "available"),
        (alice.pk, "revoked"),
        (alice.pk, "available"),
    ]


def test_a_used_coupon_of_one_cause_stays_used(alice, bob, template):
    mine, theirs = (
        issue_coupon(template_id=template.pk, member_id=m.pk, source="x", now=NOON)
        for m in (alice, bob)
    )
    order = paid_order(bob, 1_000)
    Coupon.objects.filter(pk=theirs.pk).update(state="used", order=order)
    merge(alice, bob)
    theirs.refresh_from_db()
    assert (theirs.member, theirs.state) == (alice, "used")


def test_the_preview_counts_and_writes_nothing(alice, bob):
    add_note(member_id=bob.pk, text="x", author=None, now=NOON)
    give(bob, 70)
    give(alice, 30)
    paid_order(bob, 1_000)
    counted = {
        str(label): (loser, winner)
        for label, loser, winner in preview_merge(
            loser_id=bob.pk, winner_id=alice.pk
        ).rows
    }
    assert counted["notes"] == (1, 0)
    assert counted["orders"] == (1, 0)
    assert counted["points"] == (70, 30)
    assert bob.notes.count() == 1


# --- Points -------------------------------------------------------------------


def test_points_go_over_with_their_ends_in_a_pair_of_entries(alice, bob):
    give(alice, 30)
    give(bob, 70)
    ends = {lot.pk: lot.expires_at for lot in PointsLot.objects.all()}

    merge(alice, bob)

    assert ledger(bob) == [("grant", 70, 70), ("transfer", -70, 0)]
    assert ledger(alice) == [("grant", 30, 30), ("transfer", 70, 100)]
    assert account_of(alice).balance == 100
    assert account_of(bob).balance == 0
    assert {lot.pk: lot.expires_at for lot in PointsLot.objects.all()} == ends
    assert set(PointsLot.objects.values_list("account", flat=True)) == {alice.pk}
    assert_sound()


def test_debt_is_paid_from_what_the_other_has(alice, bob):
    give(alice, 30)
    give(bob, 1)
    PointsAccount.objects.filter(pk=bob.pk).update(debt=0)
    order = paid_order(bob, 10_000)
    earn_for_order(order_id=order.pk, now=NOON)
    spend_all(bob)
    settle_refund(refund_id=refund(order, 10_000).pk, now=NOON + timedelta(days=2))
    assert account_of(bob).debt == 100

    merge(alice, bob, now=NOON + timedelta(days=3))

    account = account_of(alice)
    assert (account.balance, account.debt) == (0, 70)
    assert (account_of(bob).balance, account_of(bob).debt) == (0, 0)
    assert_sound()


def spend_all(member) -> None:
    points = account_of(member).balance
    hold_points(member_id=member.pk, points=points, source="gift", now=NOON)
    capture_hold(source="gift", now=NOON)


def test_held_points_stay_held_for_their_order(alice, bob):
    give(bob, 70)
    hold_points(member_id=bob.pk, points=50, source="order:ord_X", now=NOON)
    merge(alice, bob)
    assert (account_of(alice).held, account_of(bob).held) == (50, 0)
    assert_sound()
    entry = capture_hold(source="order:ord_X", now=NOON)
    assert (entry.account_id, entry.points) == (alice.pk, -50)
    assert_sound()


def test_a_frozen_account_freezes_the_other(alice, bob):
    give(alice, 1)
    freeze_account(member_id=bob.pk, reason="dispute", actor="tests", now=NOON)
    merge(alice, bob)
    assert account_of(alice).is_frozen


def test_an_order_never_earns_twice(alice, bob):
    order = paid_order(bob, 10_000)
    first = earn_for_order(order_id=order.pk, now=NOON)
    merge(alice, bob)
    again = earn_for_order(order_id=order.pk, now=NOON + timedelta(days=1))
    assert again == first
    assert account_of(alice).balance == 100
    assert_sound()


def test_an_order_paid_before_and_booked_after_earns_for_the_winner(alice, bob):
    order = paid_order(bob, 10_000)
    merge(alice, bob)
    entry = earn_for_order(order_id=order.pk, now=NOON)
    assert (entry.account_id, entry.points) == (alice.pk, 100)
    assert_sound()


def test_a_refund_after_the_merge_takes_back_what_was_earned_before(alice, bob):
    order = paid_order(bob, 10_000)
    earned = earn_for_order(order_id=order.pk, now=NOON)
    merge(alice, bob)
    entry = settle_refund(
        refund_id=refund(order, 10_000, is_last=True).pk, now=NOON + timedelta(days=2)
    )
    assert (entry.account_id, entry.points, entry.reverses) == (alice.pk, -100, earned)
    assert account_of(alice).balance == 0
    assert qualifying_minor(member_id=alice.pk, window_days=None, at=NOON) == 0
    assert_sound()


def test_points_spent_before_come_back_into_their_lots(alice, bob):
    give(bob, 100)
    order = paid_order(bob, 10_000, points_spent=60)
    hold_points(
        member_id=bob.pk, points=60, source=f"order:{order.public_id}", now=NOON
    )
    earn_for_order(order_id=order.pk, now=NOON)
    merge(alice, bob)
    settle_refund(
        refund_id=refund(order, 10_000, points=60, is_last=True).pk,
        now=NOON + timedelta(days=2),
    )
    assert account_of(alice).balance == 100
    assert_sound()


def test_lots_that_were_brought_end_when_they_would_have(alice, bob):
    give(bob, 70)
    PointsLot.objects.update(expires_at=NOON + timedelta(days=5))
    merge(alice, bob)
    assert expire_lots(now=NOON + timedelta(days=5)) == 1
    assert ledger(alice)[-1] == ("expire", -70, 0)
    assert_sound()


# --- Tiers --------------------------------------------------------------------


def test_value_counts_from_its_own_day(alice, bob):
    for member, days in ((alice, 5), (bob, 300)):
        order = paid_order(member, 40_000, at=NOON - timedelta(days=days))
        earn_for_order(order_id=order.pk, now=NOON)
    merge(alice, bob)
    ask = {"member_id": alice.pk, "at": NOON}
    assert qualifying_minor(**ask, window_days=365) == 80_000
    assert qualifying_minor(**ask, window_days=200) == 40_000
    assert qualifying_minor(member_id=bob.pk, window_days=None, at=NOON) == 0
    assert alice.value.orders == 2


def test_two_halves_reach_the_tier_and_nobody_is_told(alice, bob):
    for member in (alice, bob):
        order = paid_order(member, 60_000)
        earn_for_order(order_id=order.pk, now=NOON)
    told = Fact.objects.filter(name="loyalty.TierChanged").count()
    assert account_of(alice).tier.code == "silver"
    done = merge(alice, bob)
    assert account_of(alice).tier.code == "gold"
    change = alice.tier_changes.order_by("-id").first()
    assert (change.reason, change.value_minor) == (done.public_id, 120_000)
    assert Fact.objects.filter(name="loyalty.TierChanged").count() == told


def test_ledgers_only_grew(alice, bob):
    order = paid_order(bob, 10_000)
    earn_for_order(order_id=order.pk, now=NOON)
    before = [
        list(model.objects.order_by("pk").values())
        for model in (PointsEntry, QualifyingEntry)
    ]
    merge(alice, bob)
    for model, rows in zip((PointsEntry, QualifyingEntry), before, strict=True):
        assert list(model.objects.order_by("pk").values())[: len(rows)] == rows


# --- Files --------------------------------------------------------------------


def test_a_file_booked_before_is_not_booked_again_after(alice, bob):
    order = paid_order(bob, 10_000, source="file")
    back = refund(order, 4_000)
    book_import(source="file", now=NOON)
    merge(alice, bob)
    before = (ledger(alice), ledger(bob))

    booked = book_import(source="file", now=NOON + timedelta(days=1))

    assert (booked.orders, booked.refunds) == (0, 0)
    assert (ledger(alice), ledger(bob)) == before
    assert account_of(alice).balance == 60
    assert back.order_id == order.pk
    assert_sound()


def test_a_refund_in_a_later_file_finds_what_was_earned_before(alice, bob):
    order = paid_order(bob, 10_000, source="file")
    book_import(source="file", now=NOON)
    merge(alice, bob)
    refund(order, 10_000, is_last=True)
    assert book_import(source="file", now=NOON + timedelta(days=2)).refunds == 1
    assert account_of(alice).balance == 0
    assert_sound()
