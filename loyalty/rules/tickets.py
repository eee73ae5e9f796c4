"""Tickets that open a door: drawn, and read as people type them. Plain Python."""

from collections.abc import Callable

from orders.rules.gift_codes import ALPHABET, in_groups, tidy

#: So that nobody takes it for a coupon or a gift card.
PREFIX = "TKT"
#: Of 32 characters each: 60 bits, far too many to be guessed at a door.
_LENGTH = 12


def new_ticket(choice: Callable[[str], str]) -> str:
    """Return a ticket that was drawn.

    Args:
        choice: draws one character, such as ``secrets.choice``.

    >>> new_ticket(lambda alphabet: alphabet[7])
    'TKT-7777-7777-7777'
    """
    return _written("".join(choice(ALPHABET) for _ in range(_LENGTH)))


def ticket_as_typed(text: str) -> str:
    """Return a ticket as it is kept: the prefix may be left out, and O is a zero.

    >>> ticket_as_typed(" tkt7o7i 7777-7777")
    'TKT-7071-7777-7777'
    """
    return _written(tidy(text)[-_LENGTH:])


def _written(signs: str) -> str:
    return f"{PREFIX}-{in_groups(signs)}"
