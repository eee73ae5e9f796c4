"""Every message people can see has its Chinese, and the Chinese fits the English.

What fails here is mended in ``locale/zh_Hans/LC_MESSAGES/django.po``, after
``python -m tests.language.catalogue`` has put new messages in.
"""

import ast
import html
import re
import shutil
import subprocess
from collections import Counter

import pytest
from django.utils import translation

from crm.runner.messages import read_po, write_mo
from tests.language import catalogue, packages, scan
from tests.language.scan import ROOT, Message

CJK = re.compile(r"[\u3400-\u9fff]")
PLACEHOLDER = re.compile(r"%(?:\(\w+\))?[-+ 0-9.]*[sdfr%]|\{\w*\}")
TAG = re.compile(r"</?[a-zA-Z][^<>]*>")
#: Messages that are the same in both languages.
SAME = {"SKU", "SKUs"}


@pytest.fixture(scope="module")
def chinese():
    return catalogue.read()


@pytest.fixture(scope="module")
def translated(chinese):
    """What has been translated; that this is all is one test's business."""
    return {message: text for message, text in chinese.texts.items() if text.strip()}


@pytest.fixture(scope="module")
def sources():
    return catalogue.wanted()


def shown(messages, sources):
    return "\n".join(f"{m.text!r} ({sources.get(m, 'gone')})" for m in messages)


# --- Complete -----------------------------------------------------------------


def test_every_message_of_the_sources_is_translated(chinese, sources):
    missing = [m for m in sources if not chinese.texts.get(m, "").strip()]
    assert not missing, shown(missing, sources)


def test_nothing_is_fuzzy_doubled_or_left_over(chinese, sources):
    assert chinese.fuzzy == []
    assert chinese.twice == []
    assert chinese.obsolete == 0
    left_over = chinese.texts.keys() - sources.keys()
    assert not left_over, shown(left_over, sources)


def test_refusals_are_found_though_xgettext_cannot_see_them(sources):
    """A class whose docstring is its message is the case ``makemessages`` misses."""
    found = scan.refusals()
    assert found.keys() <= sources.keys()
    assert Message("This is not possible.") in found


def test_no_string_of_an_installed_package_stays_english(chinese):
    """Unfold brings no Chinese at all; other packages lag behind their sources."""
    borrowed = packages.uncovered()
    assert any(where.startswith("unfold/") for where in borrowed.values())
    missing = [m for m in borrowed if not chinese.texts.get(m, "").strip()]
    assert not missing, shown(missing, borrowed)


def test_no_script_of_an_installed_package_stays_english():
    """Scripts have a catalogue of their own, which holds what Django's lacks."""
    ours = catalogue.read(catalogue.PATH.with_name("djangojs.po"))
    assert ours.fuzzy == ours.twice == []
    assert set(ours.texts) == set(packages.uncovered_in_scripts())
    for message, text in ours.texts.items():
        assert CJK.search(text)
        assert placeholders(text) == placeholders(message.text)


def test_django_serves_what_the_file_says(translated):
    """Contexts, plurals and line breaks survive the compiler and the look-up."""
    raw = read_po(catalogue.PATH.read_text(encoding="utf-8"))
    assert {key for key in raw if key} == {m.key for m in translated}
    assert write_mo(raw)
    with translation.override("zh-hans"):
        for message, text in translated.items():
            assert served(message) == text


def served(message: Message) -> str:
    if message.plural and message.context:
        return translation.npgettext(message.context, message.text, message.plural, 2)
    if message.plural:
        return translation.ngettext(message.text, message.plural, 2)
    if message.context:
        return translation.pgettext(message.context, message.text)
    return translation.gettext(message.text)


@pytest.mark.skipif(not shutil.which("xgettext"), reason="no gettext tools here")
def test_our_scan_sees_all_that_xgettext_sees(tmp_path):
    python = [
        str(path)
        for app in scan.APPS
        for path in (ROOT / app).rglob("*.py")
        if "migrations" not in path.parts
    ]
    words = ["gettext_lazy", "ngettext_lazy:1,2", "pgettext_lazy:1c,2", "pgettext:1c,2"]
    words += ["npgettext:1c,2,3", "npgettext_lazy:1c,2,3", "gettext_noop"]
    pot = tmp_path / "all.pot"
    command = ["xgettext", "--language=Python", "--from-code=UTF-8", "--no-location"]
    command += [f"--keyword={word}" for word in words] + [f"--output={pot}"]
    subprocess.run([*command, *python], check=True)  # noqa: S603
    theirs = catalogue.read(pot).texts.keys()
    assert len(theirs) > 500
    assert theirs - scan.ours().keys() == set()


# --- Right --------------------------------------------------------------------


def test_placeholders_are_the_same(translated):
    wrong = [
        f"{m.text!r} -> {text!r}"
        for m, text in translated.items()
        if placeholders(text) != placeholders(m.plural or m.text)
    ]
    assert not wrong, "\n".join(wrong)


def placeholders(text: str) -> Counter:
    return Counter(PLACEHOLDER.findall(text))


def test_html_tags_are_the_same(translated):
    wrong = [
        f"{m.text!r} -> {text!r}"
        for m, text in translated.items()
        if Counter(TAG.findall(text)) != Counter(TAG.findall(m.text))
    ]
    assert not wrong, "\n".join(wrong)


def test_every_translation_is_chinese(translated):
    wrong = [
        f"{m.text!r} -> {text!r}"
        for m, text in translated.items()
        if not CJK.search(text) and m.text not in SAME
    ]
    assert not wrong, "\n".join(wrong)


def test_sentences_end_as_chinese_sentences_do(translated):
    """No English full stop or comma between or after Chinese characters."""
    wrong = [
        f"{m.text!r} -> {text!r}"
        for m, text in translated.items()
        if re.search(r"[\u3400-\u9fff][.,;:!?]", text)
        or re.search(r"[^.]\.$", m.text)
        and not text.endswith("。")
    ]
    assert not wrong, "\n".join(wrong)


def test_leading_and_trailing_space_is_kept(translated):
    """gettext itself insists on line breaks at both ends being alike."""
    wrong = [
        m.text
        for m, text in translated.items()
        if m.text.startswith("\n") != text.startswith("\n")
        or m.text.endswith((" ", "\n")) != text.endswith((" ", "\n"))
    ]
    assert not wrong, "\n".join(wrong)


# --- The words of the house ---------------------------------------------------


def glossary() -> dict[str, list[str]]:
    """Return English words of ``docs/glossary.md`` with their Chinese, in order."""
    words = {}
    for line in (
        (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8").splitlines()
    ):
        cells = [cell.strip() for cell in line.split("|")[1:-1]]
        if len(cells) != 3 or cells[2] == "means" or not CJK.search(cells[1]):
            continue
        chinese = re.split(r"\s*[/,，]\s*", cells[1])
        english = re.split(r"\s*[/,]\s*", cells[0])
        if len(english) > len(chinese):
            chinese *= len(english)
        for word, term in zip(english, chinese, strict=True):
            words[re.sub(r"\s*\(.*\)", "", word).lower()] = term
    return words


WORDS = glossary()


def test_the_glossary_is_read():
    assert WORDS["member"] == "会员"
    assert WORDS["unfreeze"] == "解冻"
    assert WORDS["spend-and-save"] == "满减"
    assert len(WORDS) >= 40


def test_the_catalogue_uses_the_words_of_the_glossary(translated):
    wrong = [
        f"{m.text!r} -> {text!r}, not {WORDS[word]!r}"
        for m, text in translated.items()
        if m not in packages.uncovered()
        for word in [m.text.lower(), m.text.lower().removesuffix("s")]
        if word in WORDS and WORDS[word] not in text
    ]
    assert not wrong, "\n".join(wrong)


#: Words so plainly one thing that every sentence with them must use the term.
ALWAYS = ["member", "members", "points", "ticket", "tickets", "tier", "tiers"]
ALWAYS += ["coupon template", "available points", "dry run", "segment", "tag", "tags"]


@pytest.mark.parametrize("word", ALWAYS)
def test_sentences_use_the_words_of_the_glossary(translated, word):
    term = WORDS.get(word) or WORDS[word.removesuffix("s")]
    wrong = [
        f"{m.text!r} -> {text!r}, not {term!r}"
        for m, text in translated.items()
        if re.search(rf"\b{word}\b(?!\.\w)", spoken(m.text), re.IGNORECASE)
        and term not in spoken(text)
    ]
    assert not wrong, "\n".join(wrong)


def spoken(text: str) -> str:
    """Return a text without placeholders, and without the points of percentages."""
    return PLACEHOLDER.sub(" ", text).replace("basis points", " ")


# --- Sources that can be translated -------------------------------------------


def test_messages_are_plain_constants():
    """A message that is computed, glued or formatted first is never found."""
    wrong = []
    for path in sorted(p for app in scan.APPS for p in (ROOT / app).rglob("*.py")):
        if "migrations" in path.parts:
            continue
        tree = ast.parse(path.read_text(encoding="utf-8"))
        imported = gettext_names(tree)
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and name_of(node) in imported:
                if not isinstance(node.args[0], ast.Constant):
                    wrong.append(f"{path.relative_to(ROOT)}:{node.lineno}")
            elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
                sides = [node.left, node.right]
                if any(
                    isinstance(s, ast.Call) and name_of(s) in imported for s in sides
                ):
                    wrong.append(f"{path.relative_to(ROOT)}:{node.lineno} glued")
    # The docstring of a refusal is its message; scan.refusals() finds those.
    assert [w for w in wrong if not w.startswith("crm/shared/errors.py")] == []


def gettext_names(tree: ast.AST) -> set[str]:
    return {
        alias.asname or alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
        and node.module == "django.utils.translation"
        for alias in node.names
        if "gettext" in alias.name
    }


def name_of(call: ast.Call) -> str:
    return getattr(call.func, "id", "")


TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))
TEMPLATES += sorted(p for app in scan.APPS for p in (ROOT / app).rglob("*.html"))
_NOT_TEXT = [
    r"\{#.*?#\}",
    r"\{%\s*comment.*?endcomment\s*%\}",
    r"\{% block \w*class %\}.*?endblock %\}",
    r"\{%\s*blocktrans(late)?\b.*?endblocktrans(late)?\s*%\}",
    r"<(script|style|code|pre)\b.*?</\1>",
    r"<!--.*?-->",
    r'<span[^>]*class="[^"]*material-symbols[^>]*>.*?</span>',
    r"\{%.*?%\}",
    r"\{\{.*?\}\}",
]
_ELEMENT = re.compile(r"""<(?:"[^"]*"|'[^']*'|[^<>"'])*>""")
_SPOKEN = re.compile(r'\b(?:placeholder|title|aria-label|alt)="([^"]*)"')


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda p: str(p.relative_to(ROOT)))
def test_templates_hold_no_bare_words(path):
    text = path.read_text(encoding="utf-8")
    for pattern in _NOT_TEXT:
        text = re.sub(pattern, " ", text, flags=re.DOTALL)
    text = " ".join([*_SPOKEN.findall(text), _ELEMENT.sub(" ", text)])
    text = html.unescape(text)
    assert re.findall(r"[A-Za-z]{4,}|[\u3400-\u9fff]+", text) == []
