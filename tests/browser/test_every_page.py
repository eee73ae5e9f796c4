"""Every page of the console: accessible, quiet, of one language, on any screen.

One walk for all four, in light English and dark Chinese: loading a page is what costs.
"""

import re
from urllib.parse import urlsplit

import pytest
from django.contrib import admin
from django.urls import resolve

from tests.browser.conftest import settled, violations
from tests.browser.language import Data, foreign, report, written_by_people
from tests.browser.pages import PARTS, console_pages, every_page, part_of

pytestmark = [pytest.mark.browser, pytest.mark.slow]

#: Small screens, in CSS pixels; 320 is what WCAG 1.4.10 asks for.
WIDTHS = [768, 375, 320]
DESK = 1440
BEYOND = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


@pytest.mark.parametrize("part", range(PARTS))
@pytest.mark.parametrize(
    ("language", "dark"),
    [("en", False), ("zh-hans", True)],
    ids=["light-en", "dark-zh"],
)
def test_every_page_is_sound(language, dark, part, shop, open_console):
    """axe finds nothing serious; no script error, no request to the outside.

    No word of the other language, and nothing wider than the screen.
    """
    page = open_console(language=language, dark=dark, width=DESK)
    data, pages = Data(written_by_people()), {*console_pages(shop)}
    wrong, mixed, wide = {}, {}, {}
    for url in part_of([*every_page(shop), "/admin/no-such-page/"], part):
        page.problems.clear()
        answer = settled(page, url)
        if page.query_selector("head > title"):  # a page, not a fragment
            spoken = page.evaluate("document.documentElement.lang")
            assert spoken.lower() == language, url
        if found := foreign(page, language, data):
            mixed[url] = found
        if url not in pages:
            continue
        assert answer.status == 200, url
        if found := violations(page) + page.problems:
            wrong[url] = found
        if found := overflow(page):
            wide[url] = found
    assert not wrong
    assert not mixed, report(mixed)
    assert not wide


def overflow(page) -> dict[int, int]:
    """Return width of a screen -> pixels that the page is wider."""
    found = {}
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        if page.evaluate(BEYOND) > 0:
            page.wait_for_timeout(500)  # menus slide in and out
        beyond = page.evaluate(BEYOND)
        if beyond > 0:
            found[width] = beyond
    page.set_viewport_size({"width": DESK, "height": 900})
    return found


#: Addresses of the admin site that are no pages: data, or POST only.
NO_PAGES = {
    *("jsi18n", "autocomplete", "logout", "language", "search", "view_on_site"),
    *("login", "app_list", "job_cancel", "job_retry", "job_file", "member_note"),
    *("members_member_save_view", "members_member_delete_view"),
    *("orders_order_save_view", "orders_order_delete_view"),
    *("members_member_process_import", "orders_product_process_import"),
    *("duplicate_search", "member_untag", "member_picture", "data_export_fetch"),
    *("approval_approve", "approval_reject", "approval_withdraw"),
    *("erasure_approve", "erasure_cancel", "return_step", "refund_mend"),
    # Files: ``tests.campaigns.admin``, ``test_coupon_codes`` and ``test_backtest``.
    *("coupon_batch_download", "backtest_days", "backtest_carts"),
    *("points_statement", "points_close_file", "points_entry_undo"),
    *("group_step", "promotion_step", "promotion_try", "backtest_step"),
    *("segment_refresh", "plan_deed"),
    *("ladder_draft", "ladder_version_step", "ladder_version_try"),
    # Half signed in: looked at in ``tests.console.test_second_factor``.
    "second_factor",
}
#: Pages of every table; ``console_pages`` asks each admin which of them it has.
OF_EVERY_TABLE = re.compile(r"_(changelist|add|change|delete|history)$")


def test_every_address_of_the_site_is_crawled(shop):
    """A page with an address of its own must be in ``console_pages``."""
    parts = [part_of(every_page(shop), part) for part in range(PARTS)]
    crawled = {resolve(urlsplit(u).path).url_name for part in parts for u in part}
    known = {p.name for p in admin.site.get_urls() if getattr(p, "name", None)}
    for model_admin in admin.site._registry.values():
        known |= {p.name for p in model_admin.get_urls() if getattr(p, "name", None)}
    special = {name for name in known if not OF_EVERY_TABLE.search(name)}
    missing = sorted(special - crawled - NO_PAGES)
    assert not missing, " ".join(missing)
