"""The pager below a list: both ways by keyboard, on every screen, in both languages."""

from datetime import timedelta

import pytest

from crm.shared.audit import AuditEntry
from tests.browser.conftest import settled, violations
from tests.cast import NOON

pytestmark = [pytest.mark.browser, pytest.mark.slow]

AUDIT = "/admin/shared/auditentry/"


@pytest.fixture
def long_trail(shop):
    AuditEntry.objects.bulk_create(
        AuditEntry(at=NOON - timedelta(minutes=n), actor="a", action=f"deed {n:03d}")
        for n in range(300)
    )


@pytest.mark.parametrize(
    ("language", "dark", "width", "back", "on"),
    [
        ("en", False, 1440, "Previous", "Next"),
        ("zh-hans", True, 1440, "上一页", "下一页"),
        ("zh-hans", False, 390, "上一页", "下一页"),
    ],
)
def test_p6_d_the_pager_walks_both_ways(
    long_trail, open_console, language, dark, width, back, on
):
    page = open_console(language=language, dark=dark, width=width)
    settled(page, AUDIT)
    page.set_default_timeout(8000)
    assert page.get_by_role("link", name=back).count() == 0
    shown = page.locator("#result_list").inner_text()
    page.get_by_role("link", name=on).focus()
    with page.expect_navigation():
        page.keyboard.press("Enter")
    assert page.locator("nav [aria-current=page]").last.inner_text() == "2"
    assert page.locator("#result_list").inner_text() != shown
    assert violations(page) == []
    with page.expect_navigation():
        page.get_by_role("link", name=back).click()
    assert page.locator("#result_list").inner_text() == shown
    overflow = "document.documentElement.scrollWidth > window.innerWidth"
    assert not page.evaluate(overflow)
    assert page.problems == []
