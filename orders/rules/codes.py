"""Codes made of names, for brands that come by name. Plain Python."""

from crm.shared.spelling import folded, is_han, pinyin_of, runs


def code_of(name: str, *, longest: int = 40) -> str:
    """Return a slug a person can read; ``""`` when the name has nothing to read.

    >>> code_of("小满 Home & Co."), code_of("!")
    ('xiaoman-home-co', '')
    """
    words = [
        "".join(map(pinyin_of, run)) if is_han(run) else run
        for run in runs(folded(name))
    ]
    plain = ["".join(c for c in word if c.isascii() and c.isalnum()) for word in words]
    return "-".join(word for word in plain if word)[:longest].strip("-")
