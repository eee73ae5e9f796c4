"""The pages behind links in mails, for everybody, without signing in."""

import pytest

from crm.shared.clock import now
from members.links import preferences_url, unsubscribe_url
from members.models import ConsentRequest
from members.services.confirming import issue_token
from members.services.consenting import Statement, record_consents
from tests.browser.conftest import violations
from tests.cast import publish

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def path(url: str) -> str:
    return "/m/" + url.partition("/m/")[2]


@pytest.fixture
def links(shop, settings) -> list[str]:
    """Return the address of each page, for a member who can be asked."""
    settings.DOUBLE_OPT_IN = frozenset({"email"})
    for language in ("en", "zh-hans"):
        publish(language=language, at=now())
        publish(purpose="profiling", language=language, at=now())
    busy = shop["busy"]
    record_consents(
        member_id=busy.pk,
        statements=[Statement("marketing", "email", granted=True)],
        text_version="2026-11",
        source="test",
        now=now(),
    )
    token = issue_token(request_id=ConsentRequest.objects.get().pk)
    return [
        f"/m/consents/{token}",
        path(
            unsubscribe_url(member=busy.public_id, purpose="marketing", channel="email")
        ),
        path(preferences_url(member=busy.public_id)),
        "/m/consents/none",
    ]


@pytest.mark.parametrize(
    ("language", "dark", "width"),
    [("en", False, 320), ("zh-hans", True, 1440)],
    ids=["light-en-phone", "dark-zh-desk"],
)
def test_every_page_is_accessible_before_and_after(
    language, dark, width, links, open_console
):
    page = open_console(language=language, dark=dark, width=width)
    page.context.clear_cookies()
    wrong = {}
    for url in links:
        answer = page.goto(url)
        assert answer.status == (404 if url.endswith("none") else 200)
        page.problems.clear()
        found = violations(page)
        if page.locator("button").count():
            page.click("button")
            page.wait_for_selector("[role=status]")
            found += violations(page) + page.problems
        beyond = page.evaluate(
            "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        )
        if found or beyond > 0:
            wrong[url] = (found, beyond)
    assert not wrong
