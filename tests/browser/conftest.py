"""Chromium on a live server with a lived-in shop. Nothing is downloaded."""

import os
import shutil
from pathlib import Path

import pytest
from django.core.cache import cache
from playwright.sync_api import sync_playwright

from crm.shared.clock import now
from tests.console.shop import PASSWORD, lived_in

CHROMIUM = os.environ.get("REGULARS_CHROMIUM") or shutil.which("chromium")
FLAGS = [
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update"),
    "--disable-sync",
]
AXE = Path(__file__).parent / "vendor" / "axe-4.14.1.min.js"


def pytest_collection_modifyitems(items):
    """Skip in words where there is no browser."""
    if CHROMIUM:
        return
    for item in items:
        if "tests/browser" in str(item.path):
            item.add_marker(pytest.mark.skip(reason="needs Chromium"))


@pytest.fixture(scope="session")
def chromium():
    """Return one browser for the run."""
    # Playwright keeps an event loop in this thread; Django would refuse the ORM.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def shop(transactional_db):
    """Return the rows of a small shop by name, committed; nobody signed in before."""
    cache.clear()
    return lived_in(at=now())


@pytest.fixture
def open_console(chromium, live_server, shop):
    """Return a function ``(role, language, dark, width) -> page``, signed in."""
    contexts = []

    def open_page(role="admin", *, language="en", dark=False, width=1440):
        context = chromium.new_context(
            base_url=live_server.url,
            viewport={"width": width, "height": 900},
            locale="zh-CN" if language == "zh-hans" else "en-US",
            color_scheme="dark" if dark else "light",
        )
        contexts.append(context)
        page = context.new_page()
        page.problems = []
        page.on(
            "console",
            lambda said: (
                page.problems.append(f"console: {said.text}")
                if said.type == "error"
                else None
            ),
        )
        page.on("pageerror", lambda error: page.problems.append(f"error: {error}"))
        page.on(
            "request",
            lambda request: (
                page.problems.append(f"outside: {request.url}")
                if not request.url.startswith((live_server.url, "data:", "blob:"))
                else None
            ),
        )
        page.goto("/admin/login/?next=/admin/")
        page.fill("#id_username", role.replace(" ", "_"))
        page.fill("#id_password", PASSWORD)
        with page.expect_navigation():
            page.click("#login-form button[type=submit]")
        return page

    yield open_page
    for context in contexts:
        context.close()


def settled(page, url: str):
    """Open a page and return its answer, once nothing more is being loaded."""
    answer = page.goto(url)
    page.wait_for_function("!document.querySelector('.htmx-request')")
    page.wait_for_timeout(100)
    return answer


def violations(page) -> list[str]:
    """Return what axe finds serious or critical on the page as it stands."""
    cdp = page.context.new_cdp_session(page)
    # The page's own policy forbids foreign scripts; the inspector is not a script.
    cdp.send("Runtime.evaluate", {"expression": AXE.read_text(encoding="utf-8")})
    cdp.detach()
    found = page.evaluate(
        """async () => (await axe.run(document, {runOnly: {type: "tag", values: [
            "wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}}
        )).violations.filter(v => ["serious", "critical"].includes(v.impact))
        .map(v => v.id + ": " + v.nodes.map(n => n.html.slice(0, 120)).join(" | "))"""
    )
    return found
