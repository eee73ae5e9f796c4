"""What finds a product, and what does not."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orders.rules.search_words import search_for, vector_text

OOLONG = {
    "codes": ["XM-0042", "6901234567892"],
    "names": ["桂花乌龙 · 原色", "Osmanthus Oolong, Café"],
    "others": ["小满", "茶与咖啡", "绿色", "100% cotton"],
}


def entry(text: str) -> dict[str, str]:
    """Read a tsvector text back: word -> weight."""
    words = {}
    for quoted, weight in re.findall(r"'((?:[^']|'')*)':1([ABC])", text):
        words[quoted.replace("''", "'").replace("\\\\", "\\")] = weight
    return words


def matches(question: str, words: dict[str, str]) -> bool:
    """Answer a tsquery text of ours, as PostgreSQL would."""

    def one(found: re.Match) -> str:
        word = found[1].replace("''", "'").replace("\\\\", "\\")
        weights = set(re.sub(r"[:*]", "", found[2] or "")) or set("ABC")
        starts = "*" in (found[2] or "")
        return str(
            any(
                (indexed.startswith(word) if starts else indexed == word)
                and weight in weights
                for indexed, weight in words.items()
            )
        )

    asked = re.sub(r"'((?:[^']|'')*)'(:[*ABC]+)?", one, question)
    return eval(asked.replace("&", " and ").replace("|", " or "))  # noqa: S307


def finds(text: str, **product) -> bool:
    asked = search_for(text)
    words = entry(vector_text(**{**OOLONG, **product}))
    return asked is not None and matches(asked.anywhere, words)


@pytest.mark.parametrize(
    "text",
    [
        *("桂花乌龙", "乌龙", "花乌", "龙", "桂", "guihua", "wulong", "huawul", "ghwl"),
        *(
            "wl",
            "OSMANTHUS",
            "osman",
            "cafe",
            "Café",
            "ｏｏｌｏｎｇ",
            "XM-0042",
            "xm-00",
        ),
        *("0042", "6901234567892", "690123", "小满", "xiaoman", "茶", "chayukafei"),
        *("乌龙 小满", "cotton oolong", "lvse", "luse", "原色 茶", "100%"),
    ],
)
def test_it_is_found_by(text):
    assert finds(text)


@pytest.mark.parametrize(
    "text",
    [
        *("龙乌", "smanthus", "oolongs", "XM-0043", "042", "桂龙", "guilong"),
        *("乌龙 大满", "", "   ", "%%", "·", "' | 'a':*", "!a"),
    ],
)
def test_it_is_not_found_by(text):
    assert not finds(text)


@pytest.mark.parametrize(
    ("_case", "text", "product", "place"),
    [
        ("a whole SKU", "xm-0042", {}, "code"),
        ("a whole barcode", "6901234567892", {}, "code"),
        ("the beginning of a SKU", "xm-004", {}, "name"),
        ("a name", "oolong", {}, "name"),
        ("a name in pinyin", "guihua", {}, "name"),
        ("a brand", "小满", {}, "rest"),
        ("a name that is a brand, too", "小满", {"names": ["小满茶"]}, "name"),
        ("one word in the name, one not", "oolong 小满", {}, "rest"),
        ("a SKU of two words", "AB 12", {"codes": ["ab 12"]}, "code"),
    ],
)
def test_codes_come_before_names_before_the_rest(_case, text, product, place):
    words = entry(vector_text(**{**OOLONG, **product}))
    asked = search_for(text)
    assert asked is not None
    assert matches(asked.anywhere, words)
    found = (matches(asked.as_code, words), matches(asked.in_name, words))
    assert {
        "code": found[0],
        "name": not found[0] and found[1],
        "rest": not any(found),
    }[place]


@given(st.text(max_size=30), st.text(max_size=30))
def test_a_name_is_found_by_itself_and_by_its_beginning(name, more):
    product = {"names": [f"{name} {more}"], "codes": [], "others": []}
    if search_for(name) is not None:
        assert finds(name, **product)


@given(st.text(max_size=60))
def test_no_text_breaks_the_question_or_the_entry(text):
    quoted = r"'(?:[^']|'')*'"
    asked = search_for(text)
    if asked is not None:
        bare = re.sub(rf"{quoted}(:\*?[AB]*)?", "", asked.anywhere)
        assert set(bare) <= set("()&| ")
    written = vector_text(codes=[text], names=[text], others=[text])
    assert re.fullmatch(rf"({quoted}:1[ABC] ?)*", written)
    assert "\0" not in written
