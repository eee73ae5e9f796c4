"""Staff keep the catalogue, send rewards, and take benefits away."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from crm.shared import clock
from loyalty.admin.reward import words_of_reward
from loyalty.admin.simple_conditions import answers_of, tree_of
from loyalty.models import (
    Benefit,
    BenefitSanction,
    BenefitUse,
    Reward,
    RewardRedemption,
)
from loyalty.services.buying_rewards import give_paid_reward
from tests.cast import make_variant
from tests.loyalty.books import account_of
from tests.loyalty.catalogue import (
    give,
    make_address,
    make_benefit,
    make_reward,
    redeem,
)
from tests.members.pictures import picture
from tests.orders.shop import pay
from tests.staff import client_in_role
from tests.tables import digest

pytestmark = pytest.mark.django_db


def rows(prefix: str, *several: dict) -> dict:
    """Return an inline's part of a form."""
    told = {f"{prefix}-TOTAL_FORMS": len(several), f"{prefix}-INITIAL_FORMS": 0}
    for number, row in enumerate(several):
        told |= {f"{prefix}-{number}-{name}": value for name, value in row.items()}
    return told


def mug_form(**changes) -> dict:
    make_variant("MUG", 3_000, on_hand=5)
    form = {
        "name": "马克杯",
        "name_en": "Mug",
        "kind": "goods",
        "sku": "MUG",
        "points": 900,
        "starts_at_0": "2026-11-01",
        "starts_at_1": "00:00",
        "stock": 5,
        "refundable_days": 7,
        "due_days": 3,
        "is_active": "on",
        "only_orders": 2,
        "only_spend": "100.00",
    }
    prices = rows(
        "prices",
        {"position": 1, "audience": "tier:gold", "points": 700},
        {"position": 2, "audience": "", "only_orders": 5, "points": 800},
    )
    return form | prices | changes


@pytest.fixture
def waiting(alice):
    """Return a mug that waits to be sent."""
    give(alice, 500)
    make_address(alice)
    reward = make_reward(
        500, kind="goods", variant=make_variant("CUP", 3_000, on_hand=2)
    )
    return redeem(alice, reward, now=clock.now())


# --- The catalogue ------------------------------------------------------------


def test_a_reward_is_made_with_its_price_table_and_told_in_words(db):
    client = client_in_role("loyalty manager")
    url = reverse("admin:loyalty_reward_add")
    assert client.get(url).status_code == 200

    answer = client.post(url, mug_form())

    assert answer.status_code == 302, answer.context["errors"]
    reward = Reward.objects.get()
    assert reward.variant.sku == "MUG"
    assert reward.condition == {
        "all": [
            {"field": "loyalty.orders", "is": "gte", "value": 2},
            {"field": "loyalty.spend", "is": "gte", "value": 10_000},
        ]
    }
    assert [row.points for row in reward.prices.all()] == [700, 800]
    words = words_of_reward(reward)
    assert words.index("700") < words.index("800") < words.index("900")


def test_a_kind_asks_for_what_it_needs(db):
    client = client_in_role("loyalty manager")
    url = reverse("admin:loyalty_reward_add")
    form = mug_form()
    for changes, field in (
        ({"sku": ""}, "sku"),
        ({"sku": "NOSUCH"}, "sku"),
        ({"kind": "donation", "sku": "", "amount": ""}, "amount"),
        ({"kind": "coupon", "sku": ""}, "template"),
        ({"kind": "benefit", "sku": ""}, "benefit"),
    ):
        answer = client.post(url, form | changes)
        assert field in answer.context["adminform"].form.errors, field


def test_goods_may_cost_money_besides_the_points_and_nothing_else_may(db):
    client = client_in_role("loyalty manager")
    url = reverse("admin:loyalty_reward_add")
    gold = {"position": 1, "audience": "tier:gold", "points": 700, "price": "9.90"}
    form = mug_form(price="19.90") | rows("prices", gold)
    for changes, error in (
        ({"price": "30.00"}, "less than"),
        ({"points": "0"}, "Without points"),
        ({"kind": "donation", "sku": "", "amount": "1"}, "Only goods"),
        ({"prices-0-price": "30.00"}, "less than"),
        ({"prices-0-points": "0"}, "Without points"),
    ):
        page = client.post(url, form | changes, headers={"accept-language": "en"})
        assert page.status_code == 200
        assert error in page.content.decode(), changes
    assert not Reward.objects.exists()

    answer = client.post(url, form)

    assert answer.status_code == 302, answer.context["errors"]
    reward = Reward.objects.get()
    assert (reward.price_minor, reward.prices.get().price_minor) == (1_990, 990)
    words = words_of_reward(reward)
    assert words.index("9.90") < words.index("19.90")
    page = client.get(reverse("admin:loyalty_reward_change", args=[reward.pk]))
    assert 'value="19.90"' in page.content.decode()


def test_saving_leaves_pieces_taken_meanwhile_and_keeps_a_picture(db):
    client = client_in_role("loyalty manager")
    reward = make_reward(500, stock=9, taken=2)
    url = reverse("admin:loyalty_reward_change", args=[reward.pk])
    form = mug_form(kind="donation", sku="", amount="12.50") | rows("prices")
    Reward.objects.filter(pk=reward.pk).update(taken=4)
    upload = SimpleUploadedFile("mug.png", picture(), "image/png")
    answer = client.post(url, form | {"upload": upload})
    assert answer.status_code == 302, answer.context["errors"]
    reward.refresh_from_db()
    assert (reward.taken, reward.amount_minor, reward.stock) == (4, 1_250, 5)
    shown = client.get(f"/api/storefront/v1/reward-pictures/{reward.picture_id}")
    assert shown["Content-Type"] == "image/webp"


@pytest.mark.parametrize(
    "tree",
    [
        {},
        {"all": [{"field": "loyalty.tier", "is": "in", "value": ["gold"]}]},
        {"all": [{"field": "member.region", "is": "in", "value": ["上海", "杭州"]}]},
    ],
)
def test_plain_questions_give_back_the_tree_they_made(tree):
    assert tree_of(answers_of(tree)) == tree


@pytest.mark.parametrize(
    "tree",
    [
        {"any": [{"field": "loyalty.tier", "is": "in", "value": ["gold"]}]},
        {"all": [{"field": "loyalty.tier", "is": "eq", "value": "gold"}]},
        {"not": {"field": "member.city", "is": "known"}},
    ],
)
def test_a_tree_that_says_more_is_left_as_it_is(tree):
    assert answers_of(tree) is None


def test_a_donation_says_what_the_shop_owes_the_good_cause(alice):
    reward = make_reward(500, amount_minor=1_500)
    give(alice, 1_000)
    for _ in range(2):
        redeem(alice, reward, now=clock.now())
    client = client_in_role("analyst")
    url = reverse("admin:loyalty_reward_change", args=[reward.pk])
    assert "30.00" in client.get(url).content.decode()


def test_a_reward_is_shown_to_whoever_may_only_look(db):
    reward = make_reward(500)
    reward.prices.create(position=1, audience="tier:gold", points=400)
    make_benefit("freight", {"quota": 4})
    client = client_in_role("analyst")
    for name, pk in (("reward", reward.pk), ("benefit", Benefit.objects.get().pk)):
        url = reverse(f"admin:loyalty_{name}_change", args=[pk])
        assert client.get(url).status_code == 200


# --- The queue ----------------------------------------------------------------


def test_rewards_are_sent_with_their_numbers(waiting):
    client = client_in_role("support")
    listed = reverse("admin:loyalty_rewardredemption_changelist")
    chosen = client.post(listed, {"action": "send", "_selected_action": [waiting.pk]})
    page = client.get(chosen.url)
    assert waiting.public_id in page.content.decode()

    client.post(
        chosen.url,
        {
            f"parcel-{waiting.pk}": "on",
            f"tracking-{waiting.pk}": "SF1",
            "carrier": "SF",
        },
    )

    waiting.refresh_from_db()
    assert (waiting.state, waiting.tracking, waiting.carrier) == (
        "shipped",
        "SF1",
        "SF",
    )
    client.post(listed, {"action": "mark_delivered", "_selected_action": [waiting.pk]})
    waiting.refresh_from_db()
    assert waiting.state == "delivered"


def test_points_are_given_back_with_a_reason(waiting, alice):
    client = client_in_role("support")
    url = reverse("admin:redemption_end", args=[waiting.pk])
    assert client.post(url, {"reason": " "}).status_code == 200
    assert client.post(url, {"reason": "Not wanted"}).status_code == 302
    waiting.refresh_from_db()
    assert waiting.state == "cancelled"
    assert account_of(alice).balance == 500


def test_what_an_order_paid_is_refunded_there(alice):
    give(alice, 500)
    make_address(alice)
    variant = make_variant("CUP", 3_000, on_hand=2)
    reward = make_reward(500, kind="goods", variant=variant, price_minor=990)
    row = redeem(alice, reward, now=clock.now())
    client = client_in_role("support")
    page = reverse("admin:loyalty_rewardredemption_change", args=[row.pk])
    end = reverse("admin:redemption_end", args=[row.pk])
    assert end in client.get(page).content.decode()
    pay(row.order, now=clock.now())
    give_paid_reward(order_id=row.order_id, now=clock.now())
    shown = client.get(page).content.decode()
    assert reverse("admin:orders_order_change", args=[row.order_id]) in shown
    assert "9.90" in shown
    refused = client.post(end, {"reason": "Not wanted"})
    assert refused.status_code == 200
    assert "refund" in refused.content.decode().lower() or "退款" in (
        refused.content.decode()
    )
    row.refresh_from_db()
    assert row.state == "fulfilled"


@pytest.mark.parametrize(
    "role", ["marketer", "analyst", "finance", "auditor", "nobody"]
)
def test_nobody_else_sends_or_gives_back(role, waiting):
    client = client_in_role(role)
    before = digest()
    for url in (
        reverse("admin:redemption_send"),
        reverse("admin:redemption_end", args=[waiting.pk]),
    ):
        assert client.get(url).status_code == 403
        assert client.post(url, {"reason": "Not wanted"}).status_code == 403
    for name in ("benefituse", "benefitsanction"):
        assert client.get(reverse(f"admin:loyalty_{name}_add")).status_code == 403
    assert digest() == before
    assert RewardRedemption.objects.get().state == "requested"


# --- Benefits -----------------------------------------------------------------


def test_a_benefit_is_made_with_its_grants(db):
    client = client_in_role("loyalty manager")
    form = {
        "code": "freight",
        "kind": "free_freight",
        "name": "免运费",
        "period": "quarter",
        "is_active": "on",
    }
    grants = rows(
        "grants",
        {"audience": "tier:gold", "quota": 4},
        {"audience": "", "only_regions": "上海，杭州", "quota": 1, "number": 0},
    )
    answer = client.post(reverse("admin:loyalty_benefit_add"), form | grants)
    assert answer.status_code == 302, answer.context["errors"]
    gold, region = Benefit.objects.get().grants.all()
    assert (gold.audience, gold.quota, gold.condition) == ("tier:gold", 4, {})
    assert region.condition["all"][0]["value"] == ["上海", "杭州"]


def test_the_list_names_for_whom_benefits_are(django_assert_num_queries):
    make_benefit("freight", {"audience": "tier:gold"}, {"audience": "tier:gone"})
    make_benefit("tea", {"audience": ""})
    client = client_in_role("loyalty manager")
    url = reverse("admin:loyalty_benefit_changelist")
    with CaptureQueriesContext(connection) as few:
        page = client.get(url, headers={"accept-language": "en"}).content.decode()
    for words in ("Gold, tier:gone", "everybody"):
        assert words in page
    for number in range(5):
        make_benefit(f"b{number}", {"audience": "tier:gold"})
    with django_assert_num_queries(len(few)):
        client.get(url)


def test_a_use_is_written_down_until_there_is_none_left(alice):
    benefit = make_benefit("lounge", {"quota": 1})
    client = client_in_role("support")
    url = reverse("admin:loyalty_benefituse_add")
    form = {"benefit": benefit.pk, "number": alice.number, "reason": "At the desk"}
    assert client.post(url, form | {"number": "M0"}).status_code == 200
    assert client.post(url, form).url != url
    refused = client.post(url, form, follow=True)
    assert b"is used up until" in refused.content
    (use,) = BenefitUse.objects.all()
    client.post(
        reverse("admin:loyalty_benefituse_changelist"),
        {"action": "give_back", "_selected_action": [use.pk]},
    )
    use.refresh_from_db()
    assert use.state == "returned"


def test_a_benefit_is_taken_away_to_the_end_of_a_day_and_given_again(alice):
    benefit = make_benefit("lounge", {"quota": 1})
    client = client_in_role("support")
    form = {
        "benefit": benefit.pk,
        "number": alice.number,
        "until": "2030-01-31",
        "reason": "Guests every day",
    }
    client.post(reverse("admin:loyalty_benefitsanction_add"), form)
    sanction = BenefitSanction.objects.get()
    assert sanction.ends_at.isoformat() == "2030-01-31T16:00:00+00:00"
    client.post(
        reverse("admin:loyalty_benefitsanction_changelist"),
        {"action": "lift", "_selected_action": [sanction.pk]},
    )
    sanction.refresh_from_db()
    assert sanction.ends_at <= clock.now()


def test_x3_a_sanction_until_the_last_day_of_calendars_is_refused_in_words(alice):
    client = client_in_role("support")
    form = {
        "benefit": make_benefit("lounge", {"quota": 1}).pk,
        "number": alice.number,
        "until": "9999-12-31",
        "reason": "Guests every day",
    }
    answer = client.post(reverse("admin:loyalty_benefitsanction_add"), form)
    assert answer.status_code == 200
    assert not BenefitSanction.objects.exists()
