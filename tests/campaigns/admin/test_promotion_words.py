"""The sentence says what the engine does, the comparison what changed (1.8)."""

import pytest
from django.urls import reverse
from django.utils.translation import override

from campaigns.models import Budget, Promotion
from campaigns.promotion_words import promotion_sentence
from campaigns.rules.recipes_reading import read
from campaigns.services.drafting import begin_change, write_draft
from orders.models import Category
from tests.campaigns.admin.test_promotion import live
from tests.campaigns.recipes import of_kind
from tests.cast import NOON


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


@pytest.mark.parametrize("named", [("lines", "own"), ("order_number", "order")])
def test_1_8_what_no_text_can_hold_is_no_fault_of_the_page(named, staff, db):
    field, cart = named
    told = {"kind": "percent", "name": "x", "gives_percent_bp": "10", "cart": cart}
    told |= {"starts_at_0": "2026-11-21", "starts_at_1": "12:00", "priority": "0"}
    told |= {"on_return": "keep", field: "A\x00B"}
    client = staff("marketer")
    client.raise_request_exception = False
    assert client.post(reverse("admin:promotion_try"), told).status_code == 400
