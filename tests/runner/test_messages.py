"""Our compiler of catalogues reads what gettext reads."""

import gettext
import io
import shutil
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm.runner.failures import CannotRun
from crm.runner.messages import compile_stale, read_po, stale, write_mo

CATALOGUE = r"""
# A comment
msgid ""
msgstr ""
"Content-Type: text/plain; charset=UTF-8\n"
"Plural-Forms: nplurals=2; plural=(n != 1);\n"

#: somewhere.py:1
msgid "Points"
msgstr "积分"

msgctxt "verb"
msgid "Order"
msgstr "订购"

msgctxt "noun"
msgid "Order"
msgstr "订单"

msgid "%(count)s point"
msgid_plural "%(count)s points"
msgstr[0] "%(count)s 分"
msgstr[1] "%(count)s 分们"

#, fuzzy
msgid "Guessed"
msgstr "猜的"

#, python-format
msgid ""
"Two "
"lines\n"
msgstr "\"两\"\t行\n"

msgid "Not yet"
msgstr ""

msgctxt "verb"
msgid "Not yet either"
msgstr ""

#~ msgid "Gone"
#~ msgstr "没了"
"""


def translations(binary: bytes) -> gettext.GNUTranslations:
    return gettext.GNUTranslations(io.BytesIO(binary))


def test_reads_back_as_gettext_reads_it():
    read = translations(write_mo(read_po(CATALOGUE)))
    assert read.gettext("Points") == "积分"
    assert read.pgettext("verb", "Order") == "订购"
    assert read.pgettext("noun", "Order") == "订单"
    assert read.gettext("Order") == "Order"
    assert read.ngettext("%(count)s point", "%(count)s points", 1) == "%(count)s 分"
    assert read.ngettext("%(count)s point", "%(count)s points", 3) == "%(count)s 分们"
    assert read.gettext("Guessed") == "Guessed"
    assert read.gettext("Two lines\n") == '"两"\t行\n'
    assert read.gettext("Not yet") == "Not yet"
    assert read.pgettext("verb", "Not yet either") == "Not yet either"
    assert read.gettext("Gone") == "Gone"


@pytest.mark.skipif(not shutil.which("msgfmt"), reason="gettext is not installed")
def test_equals_msgfmt(tmp_path):
    (tmp_path / "a.po").write_text(CATALOGUE)
    subprocess.run(
        ["msgfmt", "-o", str(tmp_path / "a.mo"), str(tmp_path / "a.po")], check=True
    )
    theirs = translations((tmp_path / "a.mo").read_bytes())._catalog
    assert translations(write_mo(read_po(CATALOGUE)))._catalog == theirs


@given(
    st.dictionaries(
        st.text(
            st.characters(exclude_characters="\x00\x04", exclude_categories=["Cs"]),
            min_size=1,
        ),
        st.text(
            st.characters(exclude_characters="\x00", exclude_categories=["Cs"]),
            min_size=1,
        ),
    )
)
def test_any_texts_survive(texts):
    header = {"": "Content-Type: text/plain; charset=UTF-8\n"}
    read = translations(write_mo(texts | header))
    assert {key: read.gettext(key) for key in texts} == texts


def test_a_line_that_is_no_catalogue_is_named():
    with pytest.raises(CannotRun, match=r"zh\.po, line 2"):
        read_po('msgid "a"\nmsgstr "unfinished\n', name="zh.po")


def test_compiles_what_is_stale_and_only_that(tmp_path):
    folder = tmp_path / "locale" / "zh_Hans" / "LC_MESSAGES"
    folder.mkdir(parents=True)
    po = folder / "django.po"
    po.write_text(CATALOGUE)

    assert stale(tmp_path) == [po]
    assert compile_stale(tmp_path) == [po]
    assert translations(po.with_suffix(".mo").read_bytes()).gettext("Points") == "积分"
    assert compile_stale(tmp_path) == []
