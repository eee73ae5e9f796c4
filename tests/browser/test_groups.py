"""The page of a group, by eye and by ear."""

import pytest

from crm.shared.clock import now
from tests.browser.conftest import violations
from tests.browser.test_console import settled
from tests.campaigns.groups import make_deal, open_with

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def test_a_group_with_seats_is_accessible_and_fits(shop, open_console):
    seats = open_with(make_deal(), 2, now=now())
    for width in (320, 1280):
        page = open_console(width=width)
        for path in (f"group/{seats[0].group_id}/change/", "groupdeal/add/", "group/"):
            answer = settled(page, f"/admin/campaigns/{path}")
            assert answer.status == 200
            assert violations(page) == []
            assert page.problems == []
            beyond = page.evaluate(
                "document.documentElement.scrollWidth"
                " - document.documentElement.clientWidth"
            )
            assert beyond <= 0, (path, width)
