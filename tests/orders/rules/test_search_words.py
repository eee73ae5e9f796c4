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


def entry(text: str) -> set[str]:
    """Read the words of a tsvector text back."""
    quoted = re.findall(r"'((?:[^']|'')*)'", text)
    return {each.replace("''", "'").replace("\\\\", "\\") for each in quoted}


def matches(question: str, words: set[str]) -> bool:
    """Answer a tsquery text of ours, as PostgreSQL would."""

    def one(found: re.Match) -> str:
        word = found[1].replace("''", "'").replace("\\\\", "\\")
        starts = found[2] == ":*"
        return str(any(w.startswith(word) if starts else w == word for w in words))

    asked = re.sub(r"'((?:[^']|'')*)'(:\*)?", one, question)
    for sign, word in (("&", " and "), ("|", " or "), ("!", " not ")):
        asked = asked.replace(sign, word)
    return eval(asked)  # noqa: S307


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
    assert places(text, words) == [place]


def places(text: str, words: set[str]) -> list[str]:
    """Return which parts of the answer a product is in; in one if it is found."""
    asked = search_for(text)
    if asked is None:
        return []
    named = zip(("code", "name", "rest"), asked.in_turn, strict=True)
    parts = [place for place, question in named if matches(question, words)]
    assert len(parts) == matches(asked.anywhere, words)
    return parts


#: Texts that share words, marks and signs, so that they meet.
_PIECES = st.lists(
    st.sampled_from(["tea", "te", "T-1", "1", "=t", "@tea", "茶碗", "茶", " ", "-"]),
    max_size=4,
).map("".join)


@given(_PIECES, *[st.lists(_PIECES, max_size=2)] * 3)
def test_what_is_found_is_in_one_part(text, codes, names, others):
    places(text, entry(vector_text(codes=codes, names=names, others=others)))


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
        for question in (asked.anywhere, *asked.in_turn):
            assert set(re.sub(rf"{quoted}(:\*)?", "", question)) <= set("()&|! ")
    written = vector_text(codes=[text], names=[text], others=[text])
    assert re.fullmatch(rf"({quoted} ?)*", written)
    assert "\0" not in written
