"""The demo shop: reproducible, and every planted story is there."""

import hashlib
from collections import Counter
from datetime import timedelta
from io import StringIO

import pytest
from django.apps import apps
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import transaction
from django.db.models import Count, Max, OuterRef, Q, Subquery, Sum
from django.db.models.functions import TruncMonth
from django.urls import reverse

from campaigns.models import (
    Backtest,
    Coupon,
    CouponBatch,
    Group,
    Message,
    Promotion,
    PublicCode,
)
from crm.care.models import Ticket
from crm.console.demo import aftersales, left_carts
from crm.console.demo.catalogue import PRICE_TEST_SKU
from crm.console.demo.logins import LOGINS
from crm.console.demo.members import NEWCOMER_PHONE, TWINS, ZHANG_SAN_PHONE
from crm.console.demo.people import AWKWARD_NAMES
from crm.console.demo.planting import plant_shop
from crm.console.queries.work import WORK
from crm.console.services.roles import sync_roles
from crm.shared.jobs import run_all_queued
from crm.shared.models import Approval
from loyalty.models import (
    Benefit,
    BenefitSanction,
    BenefitUse,
    PointsAccount,
    PointsEntry,
    PointsLot,
    Referral,
    Reward,
    RewardRedemption,
    Subscription,
    SubscriptionMove,
)
from members.models import DuplicatePair, Member, User
from members.queries import phone_is
from members.services.merging import merge_members
from orders.models import (
    GiftCard,
    Order,
    OrderLine,
    Payment,
    Product,
    Refund,
    RefundTender,
    ReturnRequest,
    Shipment,
    WalletEntry,
)
from orders.providers.test import TestProvider
from tests.cast import NOON, make_member

SIZE = "xs"


@pytest.fixture(scope="module")
def planted(django_db_setup, django_db_blocker):
    """Plant one shop for all tests of this file, and take it back at the end."""
    with django_db_blocker.unblock(), transaction.atomic():
        sync_roles()
        yield plant_shop(size=SIZE, language="zh", seed=42, now=NOON)
        transaction.set_rollback(True)


@pytest.fixture
def shop(planted, db):
    return planted


def fingerprint() -> str:
    """Name what was planted: every plain value that a reader could see."""
    digest = hashlib.sha256()
    for member in Member.objects.order_by("pk"):
        digest.update(
            f"{member.public_id} {member.name} {member.phone} {member.email} "
            f"{member.birthday} {member.joined_at}".encode()
        )
    for model in (Order, OrderLine, Product, Refund, Coupon):
        names = [
            f.name
            for f in model._meta.concrete_fields
            if not f.primary_key and not f.is_relation and f.name != "request_key"
        ]
        for row in model.objects.filter(
            **({"source": "demo"} if model in {Order, Refund} else {})
        ).order_by("pk"):
            if model is OrderLine and row.order.source != "demo":
                continue
            if model is Coupon and row.source != "claim:1":
                continue
            digest.update(repr([getattr(row, name) for name in names]).encode())
    return digest.hexdigest()


def plant_and_forget(seed: int) -> str:
    with transaction.atomic():
        sync_roles()
        plant_shop(size=SIZE, language="zh", seed=seed, now=NOON)
        drawn = fingerprint()
        transaction.set_rollback(True)
    return drawn


@pytest.mark.slow
def test_the_same_seed_and_day_give_the_same_shop(db):
    first = plant_and_forget(7)
    assert plant_and_forget(7) == first
    assert plant_and_forget(8) != first


def test_a_shop_with_members_is_left_alone(db):
    make_member(1)
    call_command("seed_demo", "--if-empty", stdout=StringIO())
    with pytest.raises(CommandError, match="already has members"):
        call_command("seed_demo", stdout=StringIO())
    assert Member.objects.count() == 1


def test_a_production_shop_is_refused(db, settings):
    settings.IS_PRODUCTION = True
    with pytest.raises(CommandError, match="production"):
        call_command("seed_demo", "--reset", stdout=StringIO())
    assert not Member.objects.exists()


def test_story_1_zhang_san_gets_1000_points_and_gold(shop):
    zhang = Member.objects.get(phone_is(ZHANG_SAN_PHONE))
    account = zhang.points_account
    assert (zhang.name, account.balance, account.tier.code) == ("张三", 1000, "gold")
    assert Order.objects.get(member=zhang).total_minor == 100_000
    assert Coupon.objects.get(member=zhang).template.code == "tier-gold"
    assert Message.objects.filter(member=zhang, channel="in_app").count() == 1


def monthly_sales() -> dict[tuple[int, int], int]:
    """Return the paid totals by (year, month) of the shop's calendar."""
    months = (
        Order.objects.filter(source="demo")
        .values(month=TruncMonth("placed_at"))
        .annotate(total=Sum("total_minor"))
    )
    return {(m["month"].year, m["month"].month): m["total"] for m in months}


def test_story_2_thirteen_months_with_peaks(shop):
    sales = monthly_sales()
    assert len(sales) >= 13
    assert sales[2026, 6] > max(sales[2026, 5], sales[2026, 7])  # 618
    assert sales[2025, 11] > max(sales[2025, 10], sales[2025, 12])  # 双11
    assert sales[2026, 2] < min(sales[2026, 1], sales[2026, 3])  # Spring Festival


def test_story_5_a_cohort_never_returns(shop):
    first = Order.objects.filter(member=OuterRef("pk")).order_by("placed_at")
    bought = Member.objects.annotate(
        times=Count("orders"), home=Subquery(first.values("channel__code")[:1])
    ).filter(times__gt=0)
    cohort = Q(joined_at__month=3, home="tmall")

    def share(who):
        return who.filter(times__gt=1).count(), who.count()

    (again, all_of_it), (others_again, others) = (
        share(bought.filter(cohort)),
        share(bought.exclude(cohort)),
    )
    assert all_of_it > 0
    assert again / all_of_it < others_again / others / 2


def test_story_6_champions_at_risk(shop):
    lapsed = Member.objects.annotate(
        times=Count("orders"),
        latest=Max("orders__placed_at"),
        spent=Sum("orders__total_minor"),
    ).filter(times__gte=15, latest__lt=NOON - timedelta(days=90))
    worth = sum(member.spent for member in lapsed) / sum(monthly_sales().values())
    assert 0.02 < worth < 0.25


def test_story_10_a_refund_made_the_balance_insufficient(shop):
    refund = Refund.objects.get(request_key="demo:refund")
    account = refund.order.member.points_account
    taken = account.entries.get(kind="claw_back", source__contains=refund.public_id)
    assert account.balance == 0
    assert account.debt == taken.trace["owed"] > 0


def test_story_3_five_channels_sell(shop):
    # Orders at an agreed price, of groups, plans and rewards, come from no channel.
    own = Order.objects.filter(seat__isnull=True).exclude(
        lines__price_kind__in=["plan", "planchange", "reward"]
    )
    sold = own.values_list("channel__code", flat=True).distinct()
    assert set(sold) == {"mini-program", "web", "tmall", "jd", "store"}


def test_story_9_points_end_this_week_and_some_are_frozen(shop):
    soon = PointsLot.objects.filter(
        is_open=True, expires_at__lte=NOON + timedelta(days=30)
    )
    assert soon.aggregate(points=Sum("remaining"))["points"] > 0
    assert PointsAccount.objects.filter(is_frozen=True).count() == 1
    assert PointsEntry.objects.filter(kind="expire").exists()


def test_story_8_two_pairs_of_duplicates_are_found(shop):
    run_all_queued()
    found = {
        (pair.first.phone, pair.second.phone): pair
        for pair in DuplicatePair.objects.select_related("first", "second")
    }
    plain = found[TWINS[8][1], TWINS[9][1]]
    tricky = found[TWINS[10][1], TWINS[11][1]]
    assert plain.reasons[:2] == ["same_birthday", "same_name"]
    assert tricky.reasons[:2] == ["same_last_eight_digits", "same_name_in_pinyin"]
    assert min(plain.score, tricky.score) >= 80
    merge_members(
        winner_id=tricky.first_id,
        loser_id=tricky.second_id,
        reason="one person",
        actor="tests",
        now=NOON,
    )
    call_command("verify_ledger", stdout=StringIO())
    call_command("verify_stock", stdout=StringIO())


def test_story_11_an_angry_ticket_is_overdue(shop):
    overdue = Ticket.objects.filter(state="open", due_at__lt=NOON).order_by("due_at")
    assert overdue.first().messages.get().text == "已经等了两天没有人回复！"


def test_story_14_the_tested_sku_had_several_prices(shop):
    prices = OrderLine.objects.filter(sku=PRICE_TEST_SKU).values_list(
        "unit_price_minor", flat=True
    )
    assert len(set(prices)) >= 3


def test_story_15_awkward_members_are_there(shop):
    names = {member.name for member in Member.objects.all()}
    assert set(AWKWARD_NAMES) <= names
    newcomer = Member.objects.get(phone_is(NEWCOMER_PHONE))
    assert not newcomer.orders.exists()
    assert max(len(name) for name in names) >= 38
    assert Member.objects.filter(birth_month=2).exists()


# --- After buying (crm.console.demo.aftersales) -------------------------------


@pytest.mark.parametrize("code", WORK)
def test_every_work_queue_has_something_to_show(code, shop):
    assert WORK[code].rows(NOON).exists()


def test_parcels_went_in_part_in_whole_and_got_lost(shop):
    states = Shipment.objects.values_list("state", flat=True)
    assert Counter(states) == {"sent": 1, "delivered": 4, "lost": 1}
    assert Order.objects.filter(state="partly_shipped").count() == 2
    lost = Shipment.objects.get(state="lost")
    assert sum(line.shipped_quantity for line in lost.order.lines.all()) == 0


def test_a_return_stands_in_each_state(shop):
    states = Counter(ReturnRequest.objects.values_list("state", flat=True))
    assert states == dict.fromkeys(ReturnRequest.State.values, 1)
    refunded = ReturnRequest.objects.get(state="refunded")
    assert refunded.refund.state == "completed"
    exchanged = ReturnRequest.objects.get(state="exchanged")
    replacement = Order.objects.get(exchange_of=exchanged.order)
    assert [line.sku for line in replacement.lines.all()] == [aftersales.SKUS[0]]


def test_gift_cards_were_sold_and_one_is_stored_value_now(shop):
    cards = Counter(GiftCard.objects.values_list("state", flat=True))
    assert cards == {"issued": 2, "redeemed": 1}
    kinds = Counter(WalletEntry.objects.values_list("kind", flat=True))
    assert kinds == {"gift_card": 1, "top_up": 1}
    call_command("verify_wallets", stdout=StringIO())


def test_a_large_payment_waits_for_a_second_person(shop):
    asked = Approval.objects.get(kind="orders.wallet")
    assert (asked.state, asked.author.username) == ("waiting", aftersales.FINANCE)
    assert asked.params["amount_minor"] == aftersales.LARGE_MINOR


def test_a_group_has_succeeded_and_another_waits_for_one_more(shop):
    states = Group.objects.order_by("pk").values_list("state", "paid", "size")
    assert list(states) == [("succeeded", 2, 2), ("open", 1, 2)]
    group = Group.objects.get(state="succeeded")
    assert (group.reward["points"], group.awaits_reward) == (200, True)


def test_friends_were_brought_one_to_each_end_of_a_referral(shop):
    found = Referral.objects.values_list("state", "reasons")
    assert {state: list(reasons) for state, reasons in found} == {
        "waiting": [],
        "rewarded": [],
        "reversed": [],
        "held": ["same_address"],
        "rejected": ["same_address", "same_address_among_friends"],
    }


def test_a_batch_has_its_codes_and_a_word_half_of_its_budget(shop):
    batch = CouponBatch.objects.get()
    assert (batch.made, batch.codes.count()) == (200, 200)
    word = PublicCode.objects.select_related("template__budget").get(code="TEA2026")
    assert word.used == 1
    budget = word.template.budget
    assert (budget.amount_minor, budget.spent_minor) == (2_000, 1_000)


def test_a_draft_is_replayed_over_a_month_of_orders(shop):
    run_all_queued()
    replayed = Backtest.objects.select_related("promotion", "job").get()
    totals = replayed.totals
    assert (replayed.state, replayed.promotion.state) == ("done", "draft")
    carts = replayed.cart_totals
    assert (carts.carts, carts.lower > 0) == (left_carts.CARTS, True)
    assert totals.orders + totals.left_out + carts.carts == replayed.job.done
    assert totals.orders > 0
    assert totals.left_out == 0
    assert sum(day[0] for day in totals.days.values()) == totals.orders


def test_promotions_of_five_kinds_are_live_one_is_a_draft_and_one_waits(shop):
    found = Promotion.objects.order_by("kind").values_list("kind", "state")
    assert list(found) == [
        ("bundle", "draft"),
        ("flash_price", "live"),
        ("free_freight", "live"),
        ("member_price", "live"),
        ("nth_item", "live"),
        ("percent", "waiting"),
        ("spend_ladder", "live"),
    ]
    # What a price takes off nobody can say: the flash price had a second person.
    asked = Approval.objects.filter(kind="campaigns.promotion").order_by("state")
    assert [each.state for each in asked] == ["approved", "waiting"]
    live = Promotion.objects.filter(state="live")
    assert {each.revisions.count() for each in live} == {1}


def test_some_pieces_of_a_flash_price_are_sold(shop):
    flash = Promotion.objects.get(kind="flash_price")
    assert (flash.used, flash.used_units, flash.limit_units) == (3, 7, 12)
    assert flash.uses.filter(state="spent").count() == 3


def test_rewards_wait_to_be_sent_and_benefits_were_used(shop):
    states = Counter(RewardRedemption.objects.values_list("state", flat=True))
    assert states["requested"] >= 2
    assert states["shipped"] == states["delivered"] == 1
    assert states["admitted"] == 1
    assert Reward.objects.filter(kind="seat", seat_at__gt=NOON).count() == 1
    assert Reward.objects.count() == 8
    assert Benefit.objects.filter(grants__isnull=False).distinct().count() == 4
    assert BenefitUse.objects.exists()
    assert BenefitSanction.objects.count() == 1


def test_money_hangs_in_three_ways(shop):
    tender = RefundTender.objects.get(state="refused")
    assert tender.refund.request_key == "demo:refused"
    surplus = Payment.objects.get(state="surplus")
    assert (surplus.return_attempts, surplus.return_due_at) == (
        9,
        NOON + timedelta(hours=1),
    )
    stuck = Payment.objects.get(state="pending")
    assert stuck.order.payment_due_at > NOON
    assert TestProvider.refuses is False


def test_everybody_is_marked_as_invented_and_books_add_up(shop):
    assert not Member.objects.filter(is_demo=False).exists()
    call_command("verify_ledger", stdout=StringIO())
    call_command("verify_stock", stdout=StringIO())
    assert not Order.objects.filter(placed_at__gt=NOON).exists()


def test_every_role_of_the_table_can_sign_in(shop):
    for login in LOGINS:
        user = User.objects.get(username=login.username)
        assert user.is_staff
        assert user.check_password("demo")
        assert [group.name for group in user.groups.all()] == [login.role]


def test_the_sign_in_of_a_demo_shop_offers_its_people(shop, client, settings):
    page = reverse("admin:login")
    assert "lin@demo.local" not in client.get(page).content.decode()
    settings.ENVIRONMENT = "demo"
    text = client.get(page).content.decode()
    assert all(f'value="{login.username}"' in text for login in LOGINS)
    User.objects.filter(username="lin@demo.local").delete()
    assert "lin@demo.local" not in client.get(page).content.decode()


def test_members_have_paid_plans_in_every_state(shop):
    states = set(Subscription.objects.values_list("state", flat=True))
    assert states == set(Subscription.State.values)
    kinds = set(SubscriptionMove.objects.values_list("kind", flat=True))
    assert {"started", "paid", "paused", "unpaid", "changed", "ended"} <= kinds


def test_every_choice_is_one_of_those_there_are(shop):
    """Else a form shows the first one, and saving the row would write it."""
    wrong = set()
    for field in (f for m in apps.get_models() for f in m._meta.concrete_fields):
        if not field.choices:
            continue
        known = {value for value, _words in field.flatchoices}
        known |= {""} if field.blank else set()
        known |= {None} if field.null else set()
        rows = field.model._base_manager.order_by()
        found = set(rows.values_list(field.attname, flat=True).distinct())
        wrong |= {(str(field), value) for value in found - known}
    assert wrong == set()
