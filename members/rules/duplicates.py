"""How likely two members are one person. Plain Python.

The model of Fellegi and Sunter (1969): each compared feature adds the logarithm of
how much more often its outcome is seen in one person than in two. The sum is the
logarithm of the odds; see ``docs/algorithms/duplicates.md``.
"""

import math
import unicodedata
from dataclasses import dataclass
from datetime import date

from members.rules.identity import normalise_email, spelled_name

#: Pairs that share a key of ``match_keys`` are one person about once in 1,024.
PRIOR_BITS = -10.0
#: Pairs less likely than this are not kept.
LEAST_SCORE = 50
#: Digits that are the same however the country or a prefix is written.
_SUBSCRIBER_DIGITS = 8
#: Mail boxes so common that sharing one says nothing.
_ROLES = frozenset({"info", "admin", "mail", "hello", "test", "office", "contact"})


@dataclass(frozen=True, slots=True)
class Outcome:
    """One outcome of comparing a feature.

    ``m`` is its probability in two records of one person, ``u`` in records of two.
    """

    reason: str
    m: float
    u: float

    @property
    def bits(self) -> float:
        """Return the weight: log2 of the likelihood ratio."""
        return math.log2(self.m / self.u)


_PHONE_SAME = Outcome("same_last_eight_digits", 0.30, 0.00001)
_PHONE_TAIL = Outcome("same_phone_tail", 0.10, 0.0002)
_PHONE_OTHER = Outcome("other_phone", 0.60, 0.9998)
_NAME_SAME = Outcome("same_name", 0.70, 0.002)
_NAME_SOUND = Outcome("same_name_in_pinyin", 0.20, 0.004)
_NAME_OTHER = Outcome("other_name", 0.10, 0.994)
_BIRTHDAY_SAME = Outcome("same_birthday", 0.90, 0.00005)
_BIRTHDAY_MONTH = Outcome("same_birth_month", 0.02, 0.08)
_BIRTHDAY_OTHER = Outcome("other_birthday", 0.08, 0.92)
_MAILBOX_SAME = Outcome("same_mailbox_name", 0.40, 0.0001)
_MAILBOX_OTHER = Outcome("other_mailbox_name", 0.60, 0.9999)
_GENDER_OTHER = Outcome("other_gender", 0.02, 0.50)
_GENDER_SAME = Outcome("same_gender", 0.98, 0.50)
_REGION_SAME = Outcome("same_region", 0.80, 0.10)
_REGION_OTHER = Outcome("other_region", 0.20, 0.90)

OUTCOMES: dict[str, Outcome] = {
    outcome.reason: outcome
    for outcome in (
        *(_PHONE_SAME, _PHONE_TAIL, _PHONE_OTHER),
        *(_NAME_SAME, _NAME_SOUND, _NAME_OTHER),
        *(_BIRTHDAY_SAME, _BIRTHDAY_MONTH, _BIRTHDAY_OTHER),
        *(_MAILBOX_SAME, _MAILBOX_OTHER),
        *(_GENDER_SAME, _GENDER_OTHER),
        *(_REGION_SAME, _REGION_OTHER),
    )
}


@dataclass(frozen=True, slots=True)
class Traits:
    """What is known of one member, in clear; ``""`` is not known."""

    name: str = ""
    phone: str = ""
    email: str = ""
    birthday: str = ""
    gender: str = ""
    region: str = ""


@dataclass(frozen=True, slots=True)
class Likeness:
    """How likely two members are one: percent, and why, strongest first."""

    score: int
    reasons: tuple[str, ...]


def match_keys(traits: Traits) -> set[str]:
    """Return the texts under which one person's records meet.

    Only features that few people share: a pair without a common key is not compared.
    """
    sound, tail = spelled_name(traits.name), _digits(traits.phone)[-4:]
    number, box = _subscriber(traits.phone), _mailbox(traits.email)
    keys = set()
    if number:
        keys.add(f"number:{number}")
    if sound and len(tail) == 4:
        keys.add(f"tail:{tail}:{sound}")
    if sound and traits.birthday:
        keys.add(f"birthday:{traits.birthday}:{sound}")
        keys.add(f"month:{traits.birthday[5:7]}:{traits.region}:{sound}")
    if box:
        keys.add(f"mailbox:{box}")
    return keys


def likeness(one: Traits, other: Traits) -> Likeness:
    """Return how likely two members are one person.

    Features that either does not tell count neither way.
    """
    found = [
        outcome
        for outcome in (
            _compare_phone(one.phone, other.phone),
            _compare_name(one.name, other.name),
            _compare_birthday(one.birthday, other.birthday),
            _compare_mailbox(one.email, other.email),
            _compare(one.gender, other.gender, _GENDER_SAME, _GENDER_OTHER),
            _compare(one.region, other.region, _REGION_SAME, _REGION_OTHER),
        )
        if outcome is not None
    ]
    bits = PRIOR_BITS + sum(outcome.bits for outcome in found)
    for_it = sorted(found, key=lambda outcome: -outcome.bits)
    return Likeness(
        score=percent(bits),
        reasons=tuple(outcome.reason for outcome in for_it if outcome.bits > 0),
    )


def percent(bits: float) -> int:
    """Return odds of ``2 ** bits`` to one as a whole percentage, cut off.

    >>> percent(0), percent(1), percent(-3), percent(20)
    (50, 66, 11, 99)
    """
    return int(100 / (1 + 2**-bits)) if bits < 60 else 99  # noqa: PLR2004  no overflow


def _compare_phone(one: str, other: str) -> Outcome | None:
    if not one or not other:
        return None
    if _subscriber(one) and _subscriber(one) == _subscriber(other):
        return _PHONE_SAME
    tails = _digits(one)[-4:], _digits(other)[-4:]
    return _PHONE_TAIL if tails[0] == tails[1] else _PHONE_OTHER


def _compare_name(one: str, other: str) -> Outcome | None:
    if not one.strip() or not other.strip():
        return None
    if _bare(one) == _bare(other):
        return _NAME_SAME
    same = spelled_name(one) == spelled_name(other) != ""
    return _NAME_SOUND if same else _NAME_OTHER


def _compare_birthday(one: str, other: str) -> Outcome | None:
    if not one or not other:
        return None
    if one == other:
        return _BIRTHDAY_SAME
    same_month = date.fromisoformat(one).month == date.fromisoformat(other).month
    return _BIRTHDAY_MONTH if same_month else _BIRTHDAY_OTHER


def _compare_mailbox(one: str, other: str) -> Outcome | None:
    if not _mailbox(one) or not _mailbox(other):
        return None
    return _MAILBOX_SAME if _mailbox(one) == _mailbox(other) else _MAILBOX_OTHER


def _compare(one: str, other: str, same: Outcome, differs: Outcome) -> Outcome | None:
    if not one or not other:
        return None
    return same if one == other else differs


def _digits(phone: str) -> str:
    return "".join(c for c in unicodedata.normalize("NFKC", phone) if c.isdecimal())


def _subscriber(phone: str) -> str:
    digits = _digits(phone)
    return digits[-_SUBSCRIBER_DIGITS:] if len(digits) >= _SUBSCRIBER_DIGITS else ""


def _bare(name: str) -> str:
    return "".join(unicodedata.normalize("NFKC", name).casefold().split())


def _mailbox(email: str) -> str:
    """Return the part before the ``@`` without dots and what follows a plus."""
    name = normalise_email(email).rpartition("@")[0].partition("+")[0]
    box = name.replace(".", "").replace("_", "").replace("-", "")
    return box if len(box) > 4 and box not in _ROLES else ""  # noqa: PLR2004
