"""The console as people use it: by eye, by keyboard, by ear, in two languages."""

import pytest

from tests.browser.conftest import settled, violations

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def test_the_sign_in_is_accessible(open_console):
    page = open_console()
    page.context.clear_cookies()
    settled(page, "/admin/login/")
    assert not violations(page)


def test_dialogs_open_with_focus_say_the_effect_and_give_focus_back(shop, open_console):
    page = open_console("support")
    settled(page, f"/admin/members/member/{shop['busy'].public_id}/360/")
    page.click("text=Grant points")
    page.wait_for_selector("#modal-content #dialog")
    page.wait_for_function("document.activeElement.id === 'id_points'")
    assert not violations(page)
    page.keyboard.type("500")
    page.wait_for_function("document.querySelector('#effect').innerText.includes('→')")
    for _press in range(12):
        page.keyboard.press("Tab")
        assert page.evaluate(
            "document.querySelector('#modal-content').contains(document.activeElement)"
        )
    page.keyboard.press("Escape")
    page.wait_for_selector("#modal-content", state="hidden")
    assert "Grant points" in page.evaluate("document.activeElement.textContent")


def test_points_are_granted_by_keyboard_alone(shop, open_console):
    page = open_console("support")
    settled(page, f"/admin/members/member/{shop['busy'].public_id}/360/")
    page.focus("text=Grant points")
    page.keyboard.press("Enter")
    page.wait_for_function("document.activeElement.id === 'id_points'")
    page.keyboard.type("250")
    page.wait_for_function("document.querySelector('#effect').innerText.includes('→')")
    page.keyboard.press("Tab")
    page.keyboard.type("comp")
    assert page.input_value("[name=reason_code]") == "goodwill"
    page.keyboard.press("Tab")
    page.keyboard.type("late parcel")
    # The effect is told again meanwhile; whoever types stays where they are.
    page.wait_for_timeout(600)
    assert page.evaluate("document.activeElement.name") == "reason"
    assert page.input_value("[name=reason]") == "late parcel"
    with page.expect_navigation():
        page.keyboard.press("Tab")
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")
    page.wait_for_selector("text=250 points were granted.")


@pytest.mark.parametrize("text", ["王静", "wj", "0000"])
def test_the_palette_hears_text_that_comes_without_keys(text, shop, open_console):
    """An input method, a paste, a voice: no key is pressed, only input happens."""
    page = open_console("support")
    page.keyboard.press("Control+k")
    page.wait_for_function("document.activeElement.id === 'search-input-command'")
    page.keyboard.insert_text(text)
    page.wait_for_selector(f"#command-results :text('{shop['members'][0].number}')")
    assert not violations(page)


def test_the_skip_link_is_first_and_leads_to_the_content(open_console):
    page = open_console()
    settled(page, "/admin/members/member/")
    page.keyboard.press("Tab")
    assert "cs-skip" in page.evaluate("document.activeElement.className")
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.tagName") == "MAIN"
    assert page.evaluate("document.querySelectorAll('main').length") == 1


def test_focus_is_seen(open_console):
    page = open_console()
    settled(page, "/admin/members/member/")
    for _press in range(40):
        page.keyboard.press("Tab")
        seen = page.evaluate(
            """() => { const e = document.activeElement;
            const s = getComputedStyle(e), p = getComputedStyle(e.parentElement);
            return [e.outerHTML.slice(0, 120), s.outlineStyle !== "none" ||
                s.boxShadow !== "none" || p.outlineStyle !== "none"]; }"""
        )
        assert seen[1], seen[0]


def test_icon_words_are_not_read_aloud(shop, open_console):
    page = open_console()
    for url in (
        "/admin/",
        "/admin/members/member/",
        "/admin/loyalty/program/1/change/",
    ):
        settled(page, url)
        loud = page.evaluate(
            """() => [...document.querySelectorAll(".material-symbols-outlined")]
            .filter(e => e.offsetParent && !e.closest("[aria-hidden=true],[aria-label]"))
            .map(e => e.outerHTML.slice(0, 120))"""
        )
        assert not loud, url


def test_notes_and_the_language_menu(shop, open_console):
    page = open_console("support")
    url = f"/admin/members/member/{shop['busy'].public_id}/360/"
    settled(page, url)
    page.fill("#note-text", "回电话")
    page.click("text=Save note")
    page.wait_for_selector("#moments :text('回电话')")
    with page.expect_navigation():
        page.evaluate(
            "document.querySelector(\"input[name=language][value='zh-hans']\").form.submit()"
        )
    page.wait_for_load_state("load")
    assert page.url.endswith(url)
    assert page.evaluate("document.documentElement.lang").lower() == "zh-hans"
    shop["users"]["support"].refresh_from_db()
    assert shop["users"]["support"].language == "zh-hans"
