"""What is asked, how a word is weighed, what a request proves. Plain Python."""

import hashlib
import ipaddress
import re
from collections.abc import Mapping, Set
from dataclasses import dataclass
from datetime import datetime, timedelta

#: A channel that stands for all of which nothing was said.
ANY = "any"
#: What the preference page asks, in its order: (purpose, channel).
ASKED = (("marketing", "email"), ("marketing", "sms"), ("profiling", "any"))
#: Messages to these are asked for twice where the shop says so: only a link that the
#: owner of the address follows shows whose it is.
_PROVABLE = ("email", "sms")
_MESSAGES = "marketing"

#: How long a link of the double opt-in works, and how often it is sent again.
CONFIRM_WITHIN = timedelta(days=3)
SEND_AGAIN_AFTER = timedelta(seconds=60)
MOST_SENDS = 3

_BROWSERS = (
    ("MicroMessenger", "WeChat"),
    ("AlipayClient", "Alipay"),
    ("Edg", "Edge"),
    ("Firefox", "Firefox"),
    ("Chrome", "Chrome"),
    ("Safari", "Safari"),
)
_SYSTEMS = (
    ("Android", "Android"),
    ("iPhone", "iOS"),
    ("iPad", "iOS"),
    ("Windows", "Windows"),
    ("Mac OS X", "macOS"),
    ("Linux", "Linux"),
)
_VERSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,39}")


@dataclass(frozen=True, slots=True)
class Proof:
    """What the request that brought a word tells, without naming anybody.

    ``network`` is the caller's address cut to its network, ``agent`` the family of
    browser and system.
    """

    request_id: str = ""
    network: str = ""
    agent: str = ""


def is_granted(spoken: Mapping[str, bool], channel: str) -> bool:
    """Return whether a channel may be used, given the newest word by channel.

    A word about the channel counts before one about any channel; silence is no.

    >>> is_granted({"any": True}, "sms"), is_granted({"any": True, "sms": False}, "sms")
    (True, False)
    """
    return spoken.get(channel, spoken.get(ANY, False))


def agreed_purposes(spoken: Mapping[tuple[str, str], bool]) -> set[str]:
    """Return the purposes agreed to, given the newest word by purpose and channel.

    A yes by any channel agrees to the purpose; by which way is another question.

    >>> agreed_purposes({("marketing", "sms"): True, ("profiling", "any"): False})
    {'marketing'}
    """
    return {purpose for (purpose, _channel), granted in spoken.items() if granted}


def channels_meant(purpose: str, channel: str, asked_twice: Set[str]) -> list[str]:
    """Return for which channels a member's own yes is written.

    A yes to any channel must not go round the second step, so it is taken apart.

    >>> channels_meant("marketing", "any", {"email"})
    ['email', 'sms', 'in_app']
    >>> channels_meant("profiling", "any", {"email"})
    ['any']
    """
    if purpose == _MESSAGES and channel == ANY and asked_twice:
        return [*_PROVABLE, "in_app"]
    return [channel]


def needs_second_step(purpose: str, channel: str, asked_twice: Set[str]) -> bool:
    """Return whether a member's own yes waits for a link to be followed."""
    return purpose == _MESSAGES and channel in asked_twice


def is_text_version(text: str) -> bool:
    """Return whether this can name a version of a text, such as ``2026-11``."""
    return _VERSION.fullmatch(text) is not None


def text_digest(purpose: str, version: str, language: str, body: str) -> bytes:
    """Return the SHA-256 that a consent keeps of the text its giver saw."""
    digest = hashlib.sha256()
    for part in (purpose, version, language, body):
        # The length first, so that no two texts run together alike.
        raw = part.encode()
        digest.update(len(raw).to_bytes(8, "big") + raw)
    return digest.digest()


def network_of(address: str) -> str:
    """Return the network of an IP address: 24 bits of version 4, 48 of version 6.

    Enough to tell a data centre from a home and one country from another, too
    little to find a person. What is no address gives ``""``.

    >>> network_of("203.0.113.77"), network_of("2001:db8:1:2::5")
    ('203.0.113.0/24', '2001:db8:1::/48')
    """
    try:
        ip = ipaddress.ip_address(address.strip())
    except ValueError:
        return ""
    if ip.version == 6 and ip.ipv4_mapped:
        ip = ip.ipv4_mapped
    bits = 24 if ip.version == 4 else 48
    return str(ipaddress.ip_network(f"{ip}/{bits}", strict=False))


def agent_family(text: str) -> str:
    """Return browser and system of a User-Agent, without versions and devices.

    >>> agent_family("Mozilla/5.0 (Windows NT 10.0; rv:140.0) Firefox/140.0")
    'Firefox, Windows'
    """
    browser = next((name for mark, name in _BROWSERS if mark in text), "")
    system = next((name for mark, name in _SYSTEMS if mark in text), "")
    return ", ".join(part for part in (browser, system) if part)


def may_send_again(*, sends: int, last_sent_at: datetime, now: datetime) -> bool:
    """Return whether a link may be sent once more: three times, a minute apart."""
    return sends < MOST_SENDS and now >= last_sent_at + SEND_AGAIN_AFTER
