"""How words are compared: folded, cut by script, and read aloud. Plain Python.

Every function is applied to what is stored and to what is searched for, so it looks
at one text alone and never at its surroundings.
"""

import re
import unicodedata
from functools import lru_cache

from pypinyin import Style, lazy_pinyin

_HAN = "\u3400-\u9fff\uf900-\ufaff"
_RUN = re.compile(f"[{_HAN}]+|[^\\W_{_HAN}]+")
_IS_HAN = re.compile(f"[{_HAN}]")


def folded(text: str) -> str:
    """Return ``text`` without case, accents, and full or half width.

    >>> folded("ＣＡＦÉ")
    'cafe'
    """
    compatible = unicodedata.normalize("NFKC", text).casefold()
    bare = "".join(
        c
        for c in unicodedata.normalize("NFD", compatible)
        if unicodedata.category(c) != "Mn"
    )
    return unicodedata.normalize("NFC", bare)


def runs(text: str) -> list[str]:
    """Return the runs of Chinese characters and the words of a folded text, in order.

    >>> runs("龙井tea 50g")
    ['龙井', 'tea', '50g']
    """
    return _RUN.findall(text)


def is_han(run: str) -> bool:
    """Whether a run is of Chinese characters."""
    return _IS_HAN.match(run) is not None


@lru_cache(maxsize=16_384)
def pinyin_of(character: str) -> str:
    """Return how one Chinese character is read, without tones.

    One reading per character, whatever stands beside it: a search for part of a
    word must give the same syllable as the whole word did.
    """
    return lazy_pinyin(character, style=Style.NORMAL)[0]
