"""The words a product is found by, and what a search asks for. Plain Python.

Both sides fold case, accents and width. Latin words are found by their beginning.
Chinese is found by any part of it, written or spelled: the index holds each character,
each pair, and the pinyin and its initials from each character on, so 桂花乌龙 is found
by 乌龙, 花乌龙, wulong, guihua and wl.

Both sides are written as the texts PostgreSQL reads as ``tsvector`` and ``tsquery``,
word by word, so no dictionary of the database changes them. A word's weight says
where it stands: A a code (SKU, barcode), B a name, C anything else.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from crm.shared.spelling import folded, is_han, pinyin_of, runs

#: What bounds the size of an index entry: runs of a text, characters of a Chinese run,
#: syllables read together, letters of a word.
_RUNS = 40
_CHARACTERS = 40
_SYLLABLES = 12
_LETTERS = 60
#: Words of a search that count.
_TERMS = 8


@dataclass(frozen=True, slots=True)
class Found:
    """What a search asks the index, as texts of ``tsquery``.

    ``anywhere`` must match. Of what matches, ``as_code`` comes first (the whole text is
    a SKU or barcode), then ``in_name``, then the rest.
    """

    anywhere: str
    as_code: str
    in_name: str


def vector_text(
    *, codes: Iterable[str], names: Iterable[str], others: Iterable[str]
) -> str:
    """Return the index entry of a product as the text of a ``tsvector``.

    Args:
        codes: SKUs and barcodes; found whole or by their beginning.
        names: the product's names.
        others: brand, categories, tags, values of attributes, in any language.

    >>> vector_text(codes=["T-1"], names=["Tea"], others=["green"])
    "'1':1C 'green':1C 't':1C 't-1':1A 'tea':1B"
    """
    codes = list(codes)
    weights: dict[str, str] = {}
    # Later ones overrule: the best place of a word counts.
    for text in (*others, *codes):
        weights |= dict.fromkeys(_index_words(text), "C")
    for text in names:
        weights |= dict.fromkeys(_index_words(text), "B")
    for code in codes:
        if whole := _whole(code):
            weights[whole] = "A"
    return " ".join(
        f"{_quoted(word)}:1{weight}" for word, weight in sorted(weights.items())
    )


def search_for(text: str) -> Found | None:
    """Return what a search asks for; None where it names nothing that is indexed.

    Every word must be found, as a beginning.

    >>> search_for("green 茶").anywhere
    "'green':* & '茶':*"
    >>> search_for("%%") is None
    True
    """
    terms = [term for term in folded(text).replace("\0", " ").split() if runs(term)]
    if not terms:
        return None
    whole = _quoted(_whole(text))
    asked = [_term(term, "") for term in terms[:_TERMS]]
    named = [_term(term, "AB") for term in terms[:_TERMS]]
    return Found(
        anywhere=f"{' & '.join(asked)}{'' if len(terms) == 1 else f' | {whole}'}",
        as_code=f"{whole}:A",
        in_name=" & ".join(named),
    )


def _term(term: str, weight: str) -> str:
    """Return the question for one term: all its parts, or the code it begins."""
    parts = [_quoted(word) for run in runs(term)[:_RUNS] for word in _asked_words(run)]
    question = " & ".join(f"{part}:*{weight}" for part in parts)
    if runs(term) == [term]:
        return question if len(parts) == 1 else f"({question})"
    return f"(({question}) | {_quoted(_whole(term))}:*{weight})"


def _asked_words(run: str) -> list[str]:
    if not is_han(run):
        return [run[:_LETTERS]]
    run = run[:_CHARACTERS]
    return [run[i : i + 2] for i in range(len(run) - 1)] or [run]


@lru_cache(maxsize=4_096)  # brands and categories come again and again
def _index_words(text: str) -> frozenset[str]:
    words: set[str] = set()
    for run in runs(folded(text))[:_RUNS]:
        words |= _han_words(run[:_CHARACTERS]) if is_han(run) else {run[:_LETTERS]}
    return frozenset(words)


def _han_words(run: str) -> set[str]:
    words = set(run) | {run[i : i + 2] for i in range(len(run) - 1)}
    syllables = [pinyin_of(character) for character in run]
    for start in range(len(run)):
        read = syllables[start : start + _SYLLABLES]
        spelled = "".join(read)[:_LETTERS]
        # 绿 is typed lv, and lu by whoever reads ü.
        words |= {spelled, spelled.replace("v", "u")}
        words.add("".join(syllable[0] for syllable in read))
    return words


def _whole(text: str) -> str:
    return " ".join(folded(text).replace("\0", " ").split())[:_LETTERS]


def _quoted(word: str) -> str:
    doubled = word.replace("\\", "\\\\").replace("'", "''")
    return f"'{doubled}'"
