"""No page mixes languages: what the console says is Chinese, or English, throughout."""

import re
from html.parser import HTMLParser

import pytest
from django.utils import translation

from tests.browser.pages import console_pages

LATIN = re.compile(r"[A-Za-z]{4,}")
HAN = re.compile(r"[\u4e00-\u9fff]")
#: Names of rows that pages repeat without a mark: ids, roles, tags, tiers.
ID = re.compile(
    r"[a-z]{3}_01[0-9A-Z]{24}|^[0-9A-Z]{12,16}$|object \(|relationship|support|loyalty.manager|"
    r"analyst|auditor|finance|marketer|nobody|owner|母婴|会员积分|会员等级|简体中文|"
    r"points\.adjust|LDAP"
)
#: Words that stay as they are in Chinese, and names of the program and of things.
SAME = {
    *("Regulars", "XLSX", "Ctrl", "JSON", "English", "admin", "pbkdf", "sha256"),
    *(
        "Hans",
        "hans",
        "Control",
        "Command",
        "Mac",
        "argon",
        "Django",
        "orders",
        "import",
        "online",
        "retail",
        "Microsoft",
    ),
}
#: Where rows of the shop stand: their words are data.
DATA_TAGS = {
    "title",
    "h1",
    "td",
    "script",
    "style",
    "option",
    "textarea",
    "code",
    "pre",
    "time",
}
DATA_CLASSES = {"readonly", "vTextField", "material-symbols-outlined", "deletable"}
VOID = {
    *("area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta"),
    *("source", "track", "wbr", "rect", "line", "path"),
}


class Words(HTMLParser):
    """Collects the text of a page outside data."""

    def __init__(self):
        super().__init__()
        self.depth, self.hidden_at, self.found = 0, None, []

    def handle_starttag(self, tag, attrs):
        if tag in VOID:
            return
        self.depth += 1
        attrs = dict(attrs)
        classes = set((attrs.get("class") or "").split())
        is_data = (
            "data-value" in attrs
            or tag in DATA_TAGS
            or classes & DATA_CLASSES
            or attrs.get("name") == "language"
        )
        if is_data and self.hidden_at is None:
            self.hidden_at = self.depth

    def handle_endtag(self, tag):
        if tag in VOID:
            return
        if self.hidden_at == self.depth:
            self.hidden_at = None
        self.depth -= 1

    def handle_data(self, data):
        if self.hidden_at is None and data.strip():
            self.found.append(data.strip())


def words_of(answer) -> list[str]:
    parser = Words()
    parser.feed(answer.content.decode())
    return parser.found


def speaks(client, shop, language: str, foreign: re.Pattern) -> dict[str, list[str]]:
    client.cookies["django_language"] = language
    wrong = {}
    for url in console_pages(shop):
        with translation.override(language):
            answer = client.get(url)
        assert answer.status_code == 200, url
        found = {
            text[:80]
            for text in words_of(answer)
            if set(foreign.findall(text)) - SAME and not ID.search(text)
        }
        if found:
            wrong[url] = sorted(found)
    return wrong


@pytest.mark.slow
@pytest.mark.parametrize(
    ("language", "foreign"), [("zh-hans", LATIN), ("en", HAN)], ids=["zh", "en"]
)
def test_no_page_mixes_languages(language, foreign, shop, signed_in):
    wrong = speaks(signed_in("admin"), shop, language, foreign)
    said = sorted({text for texts in wrong.values() for text in texts})
    assert not said, wrong
