"""Take the pictures of the READMEs from a running demo shop.

Usage: start ``make run``, then ``.venv/bin/python docs/take_screenshots.py``.
Needs Chromium at /usr/bin/chromium (Debian's package) and a CJK font.
"""

import argparse
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

IMAGES = Path(__file__).resolve().parent / "images"
CHROMIUM = "/usr/bin/chromium"
FLAGS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-sync"]
#: The member of the first story: 张三.
SEARCH = "13800000000"


def take(base_url: str, language: str, locale: str) -> None:
    """Sign in, look 张三 up by telephone and take the member page and the home."""
    with sync_playwright() as playwright:
        context = playwright.chromium.launch_persistent_context(
            tempfile.mkdtemp(),
            executable_path=CHROMIUM,
            headless=True,
            args=FLAGS,
            viewport={"width": 1280, "height": 800},
            locale=locale,
        )
        page = context.new_page()
        page.goto(f"{base_url}/admin/login/")
        page.fill("[name=username]", "admin")
        page.fill("[name=password]", "demo")
        page.click("[type=submit]")
        page.goto(f"{base_url}/admin/")
        page.wait_for_load_state("networkidle")
        page.screenshot(path=str(IMAGES / f"home-{language}.png"))
        page.goto(f"{base_url}/admin/members/member/?q={SEARCH}")
        page.click("a[href$='/360/']")
        page.wait_for_load_state("networkidle")
        page.screenshot(path=str(IMAGES / f"member-360-{language}.png"))
        context.close()


def main() -> None:
    """Take all pictures in both languages."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--base-url", default="http://127.0.0.1:8000")
    base_url = parser.parse_args().base_url.rstrip("/")
    IMAGES.mkdir(exist_ok=True)
    take(base_url, "zh", "zh-CN")
    take(base_url, "en", "en-GB")


if __name__ == "__main__":
    main()
