"""What a passkey may be called, and how it counts. Plain Python.

Source: W3C Web Authentication Level 2, 6.1.1 and step 21 of 7.2 (signature counter).
"""

from collections.abc import Mapping
from typing import Any

from members.rules.profile import tidy_line

LONGEST_PASSKEY_NAME = 40
#: Of one login; allowed lists of a sign-in carry them all.
MOST_PASSKEYS = 10


def counts_on(*, kept: int, shown: int) -> bool:
    """Return whether a signature counter goes on from the last one.

    A passkey that does not count shows 0 for ever. One that counts never shows a
    number twice: then its key exists twice.

    >>> counts_on(kept=0, shown=0), counts_on(kept=7, shown=7)
    (True, False)
    """
    return shown > kept or shown == kept == 0


def passkey_name(text: str) -> str:
    """Return what a member calls a passkey, on one line.

    Raises:
        ValueError: nothing is left, it is too long or holds control characters.
    """
    name = tidy_line(text, longest=LONGEST_PASSKEY_NAME)
    if not name:
        raise ValueError("name")
    return name


def bare_credential(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is needed of a new credential; what else an app sent is not kept.

    Args:
        given: a registration response in JSON, checked already.
    """
    answer = given["response"]
    properties = (given.get("clientExtensionResults") or {}).get("credProps") or {}
    bare = {
        "id": given["id"],
        "rawId": given["rawId"],
        "type": given["type"],
        "response": {
            "clientDataJSON": answer["clientDataJSON"],
            "attestationObject": answer["attestationObject"],
        },
        "clientExtensionResults": {},
    }
    if isinstance(properties.get("rk"), bool):
        bare["clientExtensionResults"] = {"credProps": {"rk": properties["rk"]}}
    return bare
