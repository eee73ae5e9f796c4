"""How names, phones and e-mail addresses are compared. Plain Python.

Every function is applied to what is stored and to what is searched for, so it
looks at one text alone and never at its surroundings.
"""

import unicodedata
from itertools import accumulate

import phonenumbers

from crm.shared.spelling import folded, is_han, pinyin_of, runs

#: Country whose numbers may be written without their prefix.
HOME_REGION = "CN"
TAIL_DIGITS = 4
#: What bounds the number of tokens of one name (about 60 at most for a Chinese
#: name of four characters).
_WORDS = 6
_CHARACTERS = 8
_PREFIX = 8

#: Characters read otherwise in a family name than pypinyin reads them alone.
_FAMILY_NAMES = {
    "曾": "zeng",
    "单": "shan",
    "仇": "qiu",
    "朴": "piao",
    "解": "xie",
    "查": "zha",
    "区": "ou",
    "翟": "zhai",
    "覃": "qin",
    "盖": "ge",
}


def normalise_phone(text: str, region: str = HOME_REGION) -> str:
    """Return a phone number in E.164, or ``""`` when it cannot be one.

    Args:
        text: as typed; full-width digits, spaces and dashes are fine.
        region: ISO 3166 code of the country of numbers without a prefix.

    >>> normalise_phone("138 0000 1234")
    '+8613800001234'
    """
    try:
        number = phonenumbers.parse(unicodedata.normalize("NFKC", text), region)
    except phonenumbers.NumberParseException:
        return ""
    # An extension is not part of who can be reached by SMS.
    number.extension = None
    if not phonenumbers.is_possible_number(number):
        return ""
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def phone_tail(text: str) -> str:
    """Return the last four digits, or ``""`` when there are fewer.

    >>> phone_tail("+86 138 0000 1234")
    '1234'
    """
    digits = [c for c in unicodedata.normalize("NFKC", text) if c.isdecimal()]
    return "".join(digits[-TAIL_DIGITS:]) if len(digits) >= TAIL_DIGITS else ""


def normalise_email(text: str) -> str:
    """Return an address as it is compared: one width, one case, no white space.

    >>> normalise_email(" Wang.Jing@Example.COM ")
    'wang.jing@example.com'
    """
    return unicodedata.normalize("NFKC", text).strip().casefold()


def normalise_contact(text: str) -> str:
    """Return an e-mail address or a phone as it is compared."""
    return normalise_email(text) if "@" in text else normalise_phone(text)


def name_tokens(text: str) -> set[str]:
    """Return the parts by which a name is found.

    A word gives its beginnings of 2 to 8 letters. Chinese characters give
    themselves, their pairs, their pinyin and its initials, so that 王静 is found by
    王静, 静, wang, wangjing, jing and wj.

    Accents and case do not count. A search finds a name when all its tokens are
    among the name's.
    """
    tokens: set[str] = set()
    for run in runs(folded(text))[:_WORDS]:
        tokens |= _han_tokens(run[:_CHARACTERS]) if is_han(run) else _beginnings(run)
    return tokens


def spelled_name(text: str) -> str:
    """Return the letters a name is read as, sorted; ``""`` when there are none.

    Neither script nor order nor spaces count: 王静, Wang Jing and Jing WANG are one.

    >>> spelled_name("王静") == spelled_name("Jing WANG")
    True
    """
    syllables: list[str] = []
    for run in runs(folded(text)):
        syllables += map(_reading, run) if is_han(run) else [run]
    return "".join(sorted("".join(syllables)))


def _beginnings(word: str) -> set[str]:
    """Return the beginnings of a word; the whole of it when it has one letter."""
    return {b for b in accumulate(word[:_PREFIX]) if len(b) > 1} or {word}


def _han_tokens(run: str) -> set[str]:
    tokens = set(run) | {run[i : i + 2] for i in range(len(run) - 1)}
    syllables = [_reading(character) for character in run]
    # 阿 reads "a": alone it is its own beginning, so it must be one in every name.
    tokens |= {syllable for syllable in syllables if len(syllable) == 1}
    for start in range(len(run)):
        tokens |= _beginnings("".join(syllables[start:]))
        initials = "".join(syllable[0] for syllable in syllables[start:])
        if len(initials) > 1:
            tokens |= _beginnings(initials)
    return tokens


def _reading(character: str) -> str:
    return _FAMILY_NAMES.get(character) or pinyin_of(character)
