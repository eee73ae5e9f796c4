"""Every page of the console speaks one language: the one that was chosen.

What a page shows is cut into what the code says and what people wrote. Data is
known by its value: every text of every row of the shop, taken from the database.
"""

import re
from functools import cache
from urllib.parse import urlsplit

import pytest
from django.apps import apps
from django.contrib import admin
from django.db import models
from django.urls import resolve, reverse

from crm.shared.models import Job
from orders.models import Order
from tests.browser.pages import PARTS, console_pages, part_of

pytestmark = [pytest.mark.browser, pytest.mark.slow]

ENGLISH = re.compile(r"[A-Za-z]{4,}")
CHINESE = re.compile(r"[\u3400-\u9fff]+")
#: Words that stay as they are: names of things, formats, keys and languages.
ALLOWED = {
    *("Regulars", "Excel", "XLSX", "xlsx", "JSON", "HTTP", "Ctrl", "JPEG", "WebP"),
    *("Command", "Control", "LDAP", "English", "简体中文"),
    *("Asia", "Shanghai"),  # the name of a time zone
}
#: Django makes the names of many-to-many tables before it knows the language.
DJANGO_NAMES = re.compile(r"(Group-permission|User-group) relationship")
#: Text of the page with its place, and attributes that are read out or shown.
COLLECT = """() => {
  const skip = "script, style, template, noscript, code, pre, textarea, svg, " +
      "[lang]:not(html), [data-value], [class*=material-symbols]";
  const found = [];
  const note = (text, element) => {
    const said = text.replace(/\\s+/g, " ").trim();
    if (said) found.push([said, element.outerHTML.slice(0, 160)]);
  };
  const walker = document.createTreeWalker(document.documentElement, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const parent = walker.currentNode.parentElement;
    if (parent && !parent.closest(skip)) note(walker.currentNode.data, parent);
  }
  for (const name of ["title", "placeholder", "aria-label", "alt"])
    for (const element of document.querySelectorAll(`[${name}]`))
      if (!element.closest("[data-value], [lang]:not(html)"))
        note(element.getAttribute(name), element);
  for (const element of document.querySelectorAll("input[type=submit], input[type=button]"))
    note(element.value, element);
  return found;
}"""


def written_by_people() -> list[str]:
    """Return every text of the database that is no choice of its field, long first."""
    texts: set[str] = set()
    for model in apps.get_models():
        fields = [f for f in model._meta.concrete_fields if is_free_text(f)]
        if fields and model._meta.managed:
            for row in model._default_manager.all()[:1000]:
                for field in fields:
                    texts |= set(leaves(getattr(row, field.attname)))
    return sorted((text for text in texts if len(text) > 1), key=len, reverse=True)


def is_free_text(field: models.Field) -> bool:
    texts = models.CharField | models.TextField | models.JSONField
    return isinstance(field, texts) and not field.choices


def leaves(value) -> list[str]:
    """Return the texts inside a value of a row, keys of objects included."""
    if isinstance(value, dict):
        return [*value, *(leaf for item in value.values() for leaf in leaves(item))]
    if isinstance(value, list):
        return [leaf for item in value for leaf in leaves(item)]
    return [" ".join(value.split())] if isinstance(value, str) else []


#: What is no word of any language: ids, causes in a book such as ``order:ord_…``,
#: addresses, codes with dots, hidden parts.
NO_WORDS = re.compile(
    r"(?:[a-z_]+:)?[A-Za-z]{3}_[0-9A-Z]{26}|\S+@\S+|https?://\S+"
    r"|[A-Za-z_]+(?:\.[A-Za-z_]+)+|\S*\*{4,}\S*|argon2(?:id)?"
)


class Data:
    """What people wrote, to be taken out of what a page says.

    A page repeats most texts of the page before, its menu for one: each is cut once.
    """

    def __init__(self, texts: list[str]):
        """Take the texts of the database, long ones first."""
        self._values = [(text.lower(), text) for text in texts]
        self._left: dict[str, str] = {}

    def without(self, text: str) -> str:
        """Return what is left of a text when what people wrote is taken out."""
        if text not in self._left:
            self._left[text] = self._cut(text)
        return self._left[text]

    def _cut(self, text: str) -> str:
        text = NO_WORDS.sub(" ", text)
        for low, value in self._values:
            if low in text.lower():
                text = pattern_of(value).sub(" ", text)
        return text


@cache
def pattern_of(value: str) -> re.Pattern[str]:
    """Return where a text counts as data.

    A single small word, such as the name of a role, counts as data only where no
    other English stands beside it: in an English phrase it is the phrase's.
    """
    pattern = re.escape(value)
    if value[0].isascii() and value[-1].isascii():
        pattern = rf"(?<![A-Za-z0-9]){pattern}(?![A-Za-z0-9])"
    if re.fullmatch(r"[a-z]+", value):
        pattern = rf"(?<![A-Za-z] )(?i:{pattern})(?! [A-Za-z])"
    return re.compile(pattern)


def foreign(page, language: str, data: Data) -> list[str]:
    """Return what the page says in the other language."""
    pattern = ENGLISH if language == "zh-hans" else CHINESE
    found = []
    for text, element in page.evaluate(COLLECT):
        if DJANGO_NAMES.match(text):
            continue
        words = set(pattern.findall(data.without(text))) - ALLOWED
        if words:
            found.append(f"{sorted(words)} of {text[:80]!r} in {element[:60]}")
    return sorted(set(found))


def every_page(shop) -> list[str]:
    """Return all pages, with spreadsheets, fragments and what is asked for by name."""
    job, order = Job.objects.first(), Order.objects.first()
    names = ["members_member_import", "members_member_export", "orders_order_export"]
    names += ["orders_product_import", "orders_product_export", "order_import"]
    names += ["password_change_done"]
    more = [
        *(reverse(f"admin:{name}") for name in names),
        reverse("admin:order_refund", args=[order.pk]),
        reverse("admin:job_progress", args=[job.pk]),
        reverse("admin:member_timeline", args=[shop["busy"].public_id]),
        reverse("admin:search") + "?s=nothing-like-this",
        reverse("admin:search") + f"?s={shop['busy'].number}",
    ]
    return list(dict.fromkeys([*console_pages(shop), *more]))


@pytest.mark.parametrize("part", range(PARTS))
@pytest.mark.parametrize("language", ["zh-hans", "en"])
def test_no_page_mixes_languages(language, part, shop, open_console):
    page, mixed = open_console(language=language), {}
    data = Data(written_by_people())
    for url in part_of([*every_page(shop), "/admin/no-such-page/"], part):
        page.goto(url)
        page.wait_for_timeout(20)  # the last repairs of console.js
        if page.query_selector("head > title"):  # a page, not a fragment
            spoken = page.evaluate("document.documentElement.lang")
            assert spoken.lower() == language, url
        found = foreign(page, language, data)
        if found:
            mixed[url] = found
    assert not mixed, report(mixed)


@pytest.mark.parametrize("language", ["zh-hans", "en"])
def test_refused_forms_and_the_sign_in_speak_it_too(language, shop, open_console):
    page, mixed = open_console(language=language), {}
    data = Data(written_by_people())
    for url in [u for u in console_pages(shop) if u.endswith("/add/")]:
        page.goto(url)
        with page.expect_navigation():
            page.evaluate(
                "HTMLFormElement.prototype.submit.call("
                "document.querySelector('form[id$=_form]'))"
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


def report(mixed: dict[str, list[str]]) -> str:
    """Return each text once, with the number of its pages and the first of them."""
    pages: dict[str, list[str]] = {}
    for url, found in mixed.items():
        for line in found:
            pages.setdefault(line, []).append(url)
    return "\n".join(f"{line} on {len(on)}: {on[0]}" for line, on in pages.items())


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
    # A file: ``tests.campaigns.admin.test_coupon_codes``.
    "coupon_batch_download",
    *("group_step", "promotion_step", "promotion_try"),
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
