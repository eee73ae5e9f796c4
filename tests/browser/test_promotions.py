"""The marketer's pages, by eye and by ear, and the trial as one types."""

import pytest
from django.urls import reverse

from tests.browser.conftest import violations
from tests.browser.test_console import settled

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def pages(shop) -> list[str]:
    add = reverse("admin:campaigns_promotion_add")
    changed = shop["changed"]
    return [
        add,
        f"{add}?kind=spend_ladder",
        f"{add}?kind=gift",
        reverse("admin:promotion_edit", args=[shop["promotion"].pk]),
        reverse("admin:campaigns_promotion_change", args=[changed.pk]),
        reverse("admin:promotion_compare", args=[changed.pk, 1, 2]),
    ]


def test_the_pages_of_promotions_are_accessible_and_fit(shop, open_console):
    for width in (320, 1280):
        page = open_console("marketer", width=width)
        for path in pages(shop):
            answer = settled(page, path)
            assert answer.status == 200, path
            assert violations(page) == [], path
            assert page.problems == [], path
            beyond = page.evaluate(
                "document.documentElement.scrollWidth"
                " - document.documentElement.clientWidth"
            )
            assert beyond <= 0, (path, width)


def test_the_trial_stands_beside_the_form_and_stays_in_sight(shop, open_console):
    place = "document.querySelector('{}').getBoundingClientRect()"
    name, trial = place.format("#id_name"), place.format("#try-cart")
    for width, is_beside in ((1440, True), (1279, False), (390, False)):
        page = open_console("marketer", width=width)
        settled(page, reverse("admin:campaigns_promotion_add") + "?kind=percent")
        assert page.evaluate(f"{trial}.left > {name}.right") is is_beside, width
        page.evaluate("document.querySelector('#id_priority').scrollIntoView()")
        in_sight = f"{trial}.top >= 0 && {trial}.bottom <= innerHeight"
        assert page.evaluate(in_sight) or not is_beside


def test_the_trial_follows_what_is_typed(shop, open_console):
    page = open_console("marketer")
    settled(page, reverse("admin:campaigns_promotion_add") + "?kind=percent")
    page.fill("#id_name", "Spring")
    page.fill("#id_starts_at_0", "2026-11-01")
    page.fill("#id_starts_at_1", "12:00")
    page.fill("#id_gives_percent_bp", "20")
    page.wait_for_selector("#trial >> text=20 % off.")
    page.wait_for_selector("#trial >> text=It applies.")
    assert violations(page) == []
    page.fill("#id_gives_percent_bp", "")
    page.wait_for_selector("#trial >> text=Not yet complete:")
    assert page.problems == []
