"""What a page says in another language than the one that was chosen.

What a page shows is cut into what the code says and what people wrote. Data is
known by its value: every text of every row of the shop, taken from the database.
"""

import re
from functools import cache

from django.apps import apps
from django.db import models

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


def report(mixed: dict[str, list[str]]) -> str:
    """Return each text once, with the number of its pages and the first of them."""
    pages: dict[str, list[str]] = {}
    for url, found in mixed.items():
        for line in found:
            pages.setdefault(line, []).append(url)
    return "\n".join(f"{line} on {len(on)}: {on[0]}" for line, on in pages.items())
