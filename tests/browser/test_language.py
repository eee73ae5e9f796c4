"""Refused forms and the sign-in speak one language: the one that was chosen.

Pages as they open: ``test_every_page``.
"""

import pytest

from tests.browser.language import Data, foreign, report, written_by_people
from tests.browser.pages import console_pages

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.mark.parametrize("language", ["zh-hans", "en"])
def test_refused_forms_and_the_sign_in_speak_it_too(language, shop, open_console):
    page, mixed = open_console(language=language), {}
    data = Data(written_by_people())
    for url in [u for u in console_pages(shop) if u.endswith("/add/")]:
        # A promotion is of a kind, which is chosen first.
        page.goto(f"{url}?kind=percent" if "/promotion/" in url else url)
        with page.expect_navigation():
            page.evaluate(
                "HTMLFormElement.prototype.submit.call(document.querySelector("
                "'form[id$=_form], main form:has([type=submit])'))"
            )
        found = foreign(page, language, data)
        if found:
            mixed[url] = found
    page.context.clear_cookies()
    page.goto("/admin/login/")
    page.fill("#id_username", "nobody-here")
    page.fill("#id_password", "wrong")
    page.click("#login-form button[type=submit]")
    page.wait_for_load_state("load")
    if foreign(page, language, data):
        mixed["/admin/login/"] = foreign(page, language, data)
    assert not mixed, report(mixed)
