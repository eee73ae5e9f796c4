"""The panel of filters: fetched when reached for, its fields alive, by mouse and key."""

import pytest

from tests.browser.conftest import settled, violations

pytestmark = [pytest.mark.browser, pytest.mark.slow]

ORDERS = "/admin/orders/order/"
BUTTON = "[x-on\\:click='filterOpen = true']"
FORM = "#filter-panel #filter-form"


def open_panel(page, *, by_key: bool = False):
    if by_key:
        page.locator(BUTTON).focus()
        page.keyboard.press("Enter")
    else:
        page.locator(BUTTON).click()
    page.wait_for_selector(FORM)
    page.wait_for_timeout(500)


@pytest.mark.parametrize(
    ("language", "dark", "width", "by_key"),
    [("en", False, 1440, False), ("zh-hans", True, 390, True)],
)
def test_it_comes_alive_and_filters(open_console, language, dark, width, by_key):
    page = open_console(language=language, dark=dark, width=width)
    page.set_default_timeout(8000)
    asked = []
    page.on("request", lambda each: asked.append(each.url))
    settled(page, ORDERS)
    assert not any("_panel" in url for url in asked)
    open_panel(page, by_key=by_key)
    # Reached for by pointer, focus and click: asked for once.
    assert sum("_panel" in url for url in asked) == 1
    panel = page.locator("#filter-panel")
    assert panel.locator(".select2-container").count() == 3
    assert panel.locator(".datetimeshortcuts").count() == 4
    assert violations(page) == []

    panel.locator(".select2-selection").first.click()
    page.locator(".select2-results__option").nth(2).click()
    chosen = page.locator("#id_state__exact").input_value()
    panel.locator(".datetimeshortcuts a[id^=calendarlink]").first.click()
    page.locator(".calendarbox:visible td a").first.click()
    day = panel.locator("[name=placed_at_from_0]").input_value()
    assert day
    with page.expect_navigation():
        panel.locator("button[type=submit]").click()
    assert f"state__exact={chosen}" in page.url
    assert "_panel" not in page.url
    open_panel(page)
    assert page.locator("#id_state__exact").input_value() == chosen
    assert panel.locator("[name=placed_at_from_0]").input_value() == day
    assert page.problems == []


def test_who_was_signed_out_meanwhile_signs_in_again(open_console):
    page = open_console()
    page.set_default_timeout(8000)
    settled(page, ORDERS)
    page.context.clear_cookies()
    with page.expect_navigation():
        page.locator(BUTTON).click()
    page.wait_for_selector("#login-form")


def test_what_does_not_come_is_said_and_asked_for_again(open_console):
    page = open_console()
    page.set_default_timeout(8000)
    settled(page, ORDERS)
    page.route("**/*_panel=1*", lambda route: route.fulfill(status=503))
    page.locator(BUTTON).click()
    page.get_by_text("The filters did not come.").wait_for()
    page.unroute("**/*_panel=1*")
    page.locator("#changelist-filter-close").click(position={"x": 5, "y": 5})
    open_panel(page)
    assert page.locator(FORM).count() == 1
