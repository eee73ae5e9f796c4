"""The sentence says what the engine does, the comparison what changed (1.8)."""

import pytest
from django.urls import reverse
from django.utils.translation import override

from campaigns.models import Budget, Promotion
from campaigns.promotion_words import promotion_sentence
from campaigns.rules.recipes_making import Meta, offer_of
from campaigns.rules.recipes_reading import read
from campaigns.services.drafting import begin_change, write_draft
from orders.models import Category
from orders.rules.offers import PriceRequest
from orders.rules.pricing import price_cart
from tests.campaigns.admin.test_promotion import live, tried
from tests.campaigns.recipes import of_kind, use
from tests.cast import NOON, make_variant
from tests.orders.shop import fill_cart, line, place


def said(kind, gives, terms=None, **parts) -> str:
    recipe = read(kind, {"gives": gives, **parts})
    with override("en"):
        return promotion_sentence(recipe, terms or {}, {})


def test_1_8_a_change_tells_groups_budgets_and_goods_by_their_names(staff, dana):
    tea = Category.objects.create(code="tea", name="Tea")
    small = Budget.objects.create(name="Small", amount_minor=100)
    large = Budget.objects.create(name="Large", amount_minor=200)
    tenth = {"percent_bp": 1_000}
    made = live(
        dana,
        **of_kind("percent", tenth),
        exclusive_group="order",
        budget_id=small.pk,
    )
    change = begin_change(promotion_id=made.pk, actor=dana, now=NOON)
    told = of_kind("percent", tenth, goods={"categories": [tea.pk]})
    told |= {"exclusive_group": "unit", "budget_id": large.pk}
    write_draft(promotion_id=change.pk, content=told, actor=dana, now=NOON)
    page = reverse("admin:promotion_compare", args=[made.pk, 1, 0])
    rows = {
        label.lower(): (before, after)
        for label, before, after in staff("marketer").get(page).context["rows"]
    }
    assert rows == {
        "categories": ("–", "Tea"),
        "exclusive group": ("order", "unit"),
        "budget": ("Small", "Large"),
    }


def test_1_8_every_field_of_a_revision_is_compared(dana):
    made = live(dana)
    fields = {each.name for each in Promotion._meta.concrete_fields}
    fields -= {"id", "public_id", "state", "used", "used_units", "changes"}
    fields -= {"revision", "approval", "kind", "recipe", "budget"}
    assert made.revisions.get().terms.keys() == fields | {"budget_id"}


@pytest.mark.parametrize(
    ("kind", "gives", "off", "words"),
    [
        # Not 40 and 20, the cheapest of each pair: 30 and 20, the cheapest two.
        ("nth_item", {}, 50, "Of every 2 pieces one at 50 % off, the cheapest ones."),
        ("cheapest_free", {"of": 2}, 100, "one is free, the cheapest ones."),
        ("buy_get", {"buy": 1}, 100, "Buy 1, get 1 free, the cheapest ones."),
    ],
)
def test_1_8_of_a_group_it_is_the_cheapest_of_all_that_go(kind, gives, off, words):
    offer = offer_of(read(kind, {"gives": gives}), Meta("p", "p"))
    lines = [line(n, each) for n, each in enumerate((100, 80, 60, 40), start=1)]
    asked = PriceRequest(lines=tuple(lines), currency="JPY", now=NOON)
    assert price_cart(asked, [offer]).discount_minor == off
    assert words in said(kind, gives)


@pytest.mark.parametrize(
    ("when", "words"),
    [
        ({"until": "00:00"}, "From 00:00 to 24:00."),
        ({"since": "18:00", "until": "00:00"}, "From 18:00 to 24:00."),
        ({"since": "18:00", "until": "02:00"}, "From 18:00 to 02:00."),
        ({"until": "02:00"}, "From 00:00 to 02:00."),
    ],
)
def test_1_8_midnight_ends_a_day_and_does_not_begin_it(when, words):
    assert words in said("percent", {"percent_bp": 1_000}, when=when)


def test_1_8_a_budget_is_a_limit_that_is_told():
    text = said("percent", {"percent_bp": 1_000}, {"budget_id": 1})
    assert "While its budget lasts." in text


def test_x6_a_change_without_a_use_left_is_tried_as_checkout_has_it(staff, dana):
    make_variant("COAT", 40_000, on_hand=9)
    made = live(dana, **of_kind("percent", {"percent_bp": 1_000}), limit_total=1)
    use(made, "SO1")
    change = begin_change(promotion_id=made.pk, actor=dana, now=NOON)
    told = {"promotion": change.pk, "limit_total": "1"}
    found = tried(staff("marketer"), **told).context["found"]
    assert found.why_not.code == "budget_exceeded"
    assert found.with_it.total_minor == place(fill_cart({"COAT": 2})).total_minor


def test_s5_the_trial_names_what_it_left_out(staff, db):
    make_variant("COAT", 40_000, on_hand=9)
    page = tried(staff("marketer"), lines="COAT 1\nCAOT 5").content.decode()
    assert "Left out, since nobody can buy it: CAOT" in page


@pytest.mark.parametrize("named", [("lines", "own"), ("order_number", "order")])
def test_1_8_what_no_text_can_hold_is_no_fault_of_the_page(named, staff, db):
    field, cart = named
    told = {"kind": "percent", "name": "x", "gives_percent_bp": "10", "cart": cart}
    told |= {"starts_at_0": "2026-11-21", "starts_at_1": "12:00", "priority": "0"}
    told |= {"on_return": "keep", field: "A\x00B"}
    client = staff("marketer")
    client.raise_request_exception = False
    assert client.post(reverse("admin:promotion_try"), told).status_code == 400
