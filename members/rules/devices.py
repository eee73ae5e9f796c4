"""What is kept of a device: enough to recognise one's own. Plain Python."""

import ipaddress
import re

LONGEST_DEVICE = 60
#: First match wins: browsers name those they descend from, too.
_PROGRAMS = (
    ("WeChat", r"MicroMessenger"),
    ("Alipay", r"AlipayClient"),
    ("Edge", r"Edg(?:e|A|iOS)?/"),
    ("Opera", r"OPR/|Opera"),
    ("Firefox", r"Firefox/|FxiOS/"),
    ("Chrome", r"Chrome/|CriOS/"),
    ("Safari", r"Safari/"),
)
_SYSTEMS = (
    ("iPhone", r"iPhone"),
    ("iPad", r"iPad"),
    ("Android", r"Android"),
    ("HarmonyOS", r"HarmonyOS|OpenHarmony"),
    ("Windows", r"Windows"),
    ("Mac", r"Macintosh|Mac OS X"),
    ("Linux", r"Linux"),
)


def device_name(user_agent: str) -> str:
    """Return a few words for a device, such as ``Safari, iPhone``; "" if unknown.

    Versions, models and serial numbers are left out: they tell people apart.

    >>> device_name("Mozilla/5.0 (Windows NT 10.0) Gecko/20100101 Firefox/140.0")
    'Firefox, Windows'
    """
    text = user_agent[:500]
    parts = (_first(_PROGRAMS, text), _first(_SYSTEMS, text))
    return ", ".join(part for part in parts if part)


def _first(table: tuple[tuple[str, str], ...], text: str) -> str:
    return next((name for name, sign in table if re.search(sign, text)), "")


def network_of(address: str) -> str:
    """Return the network an address is in, /24 or /48; "" if it is no address.

    >>> network_of("203.0.113.77"), network_of("2001:db8:1:2::7")
    ('203.0.113.0/24', '2001:db8:1::/48')
    """
    return _network(address, 24, 48)


def caller_of(address: str) -> str:
    """Return whom to count tries of: one IPv4 address, or an IPv6 /64.

    >>> caller_of("203.0.113.77"), caller_of("2001:db8:1:2::7")
    ('203.0.113.77/32', '2001:db8:1:2::/64')
    """
    return _network(address, 32, 64)


def _network(address: str, bits4: int, bits6: int) -> str:
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return ""
    if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped:
        found = found.ipv4_mapped
    bits = bits4 if found.version == 4 else bits6
    return str(ipaddress.ip_network(f"{found}/{bits}", strict=False))
