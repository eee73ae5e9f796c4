"""The words a product is found by, and what a search asks for. Plain Python.

Both sides fold case, accents and width. Latin words are found by their beginning.
Chinese is found by any part of it, written or spelled: the index holds each character,
each pair, and the pinyin and its initials from each character on, so 桂花乌龙 is found
by 乌龙, 花乌龙, wulong, guihua and wl.

Both sides are written as the texts PostgreSQL reads as ``tsvector`` and ``tsquery``,
word by word, so no dictionary of the database changes them. A mark before a word says
where it stands: ``=`` a whole code (SKU, barcode), ``@`` a name, none anything else. A
mark is part of the word, so the index answers alone where something stands, and its
statistics say how often: a weight it would look up in every row.
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
#: What stands before a word; no word begins with them.
_CODE, _NAME = "=", "@"


@dataclass(frozen=True, slots=True)
class Found:
    """What a search asks the index, as texts of ``tsquery``.

    ``anywhere`` is all it finds. ``as_code`` (the whole text is a SKU or barcode), then
    ``in_name``, then ``elsewhere`` find the same, each product once, the best first.
    """

    anywhere: str
    as_code: str
    in_name: str
    elsewhere: str

    @property
    def in_turn(self) -> tuple[str, str, str]:
        """The three that find each product once, the best first."""
        return self.as_code, self.in_name, self.elsewhere


def vector_text(
    *, codes: Iterable[str], names: Iterable[str], others: Iterable[str]
) -> str:
    """Return the index entry of a product as the text of a ``tsvector``.

    Args:
        codes: SKUs and barcodes; found whole or by their beginning.
        names: the product's names.
        others: brand, categories, tags, values of attributes, in any language.

    >>> vector_text(codes=["T-1"], names=["Tea"], others=["green tea"])
    "'1' '=t-1' '@tea' 'green' 't'"
    """
    codes = list(codes)
    named = {word for text in names for word in _index_words(text)}
    said = {word for text in (*others, *codes) for word in _index_words(text)}
    words = {_CODE + whole for code in codes if (whole := _whole(code))}
    # The best place of a word counts.
    words |= {_NAME + word for word in named} | (said - named)
    return " ".join(_quoted(word) for word in sorted(words))


def search_for(text: str) -> Found | None:
    """Return what a search asks for; None where it names nothing that is indexed.

    Every word must be found, as a beginning.

    >>> search_for("green").anywhere
    "('green':* | '@green':*)"
    >>> search_for("green").in_name
    "(('@green':* | '=green':*)) & !'=green'"
    >>> search_for("%%") is None
    True
    """
    terms = [term for term in folded(text).replace("\0", " ").split() if runs(term)]
    if not terms:
        return None
    code = _quoted(_CODE + _whole(text))
    asked = " & ".join(_term(term, "", _NAME) for term in terms[:_TERMS])
    named = " & ".join(_term(term, _NAME, _CODE) for term in terms[:_TERMS])
    return Found(
        anywhere=asked if len(terms) == 1 else f"{asked} | {code}",
        as_code=code,
        in_name=f"({named}) & !{code}",
        elsewhere=f"({asked}) & !({named}) & !{code}",
    )


def _term(term: str, *marks: str) -> str:
    """Return the question for one term: all its parts, or the code it begins."""
    parts = [word for run in runs(term)[:_RUNS] for word in _asked_words(run)]
    question = " & ".join(_beginning(part, marks) for part in parts)
    if runs(term) == [term]:
        return question if len(parts) == 1 else f"({question})"
    return f"(({question}) | {_quoted(_CODE + _whole(term))}:*)"


def _beginning(word: str, marks: Iterable[str]) -> str:
    return f"({' | '.join(f'{_quoted(mark + word)}:*' for mark in marks)})"


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
