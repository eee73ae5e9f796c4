"""How other houses call a person: identities of WeChat and Alipay. Plain Python."""

import re
import unicodedata
from dataclasses import dataclass, field

from members.rules.profile import LONGEST_NAME

#: Where a name holds that all apps of one owner share, such as WeChat's ``unionid``.
EVERY_APP = "union"
LONGEST_SUBJECT = 128
_SUBJECT = re.compile(r"[\x21-\x7e]{1,128}")


@dataclass(frozen=True, slots=True)
class Subject:
    """One name of a person at a provider. Personal data: its ``repr`` hides it.

    ``scope`` says where the name holds: an app id, or ``EVERY_APP``.

    Raises:
        ValueError: ``value`` cannot be such a name.
    """

    scope: str
    value: str = field(repr=False)

    def __post_init__(self):
        if not isinstance(self.value, str) or not _SUBJECT.fullmatch(self.value):
            raise ValueError("subject")


@dataclass(frozen=True, slots=True)
class Identity:
    """A person as a provider has just proved them to be.

    ``subjects`` holds at least one name; ``nickname`` is tidy and may be empty;
    ``channel`` tells apart the provider's apps in a new member's source.
    """

    provider: str
    subjects: tuple[Subject, ...]
    channel: str = ""
    nickname: str = field(default="", repr=False)


def exact(text: str) -> str:
    """Return ``text`` as it is: names of providers know upper and lower case."""
    return text


def tidy_nickname(text: object) -> str:
    r"""Return a nickname that may be kept as a name; what cannot be one gives ``""``.

    Nicknames come from the wild: control characters and halves of characters are
    left out, the rest is cut to the longest name.

    >>> tidy_nickname(" 张\u0000  三 "), tidy_nickname(None)
    ('张 三', '')
    """
    if not isinstance(text, str):
        return ""
    seen = "".join(
        c if unicodedata.category(c) not in {"Cc", "Cs"} else " " for c in text
    )
    return " ".join(unicodedata.normalize("NFC", seen).split())[:LONGEST_NAME].strip()
