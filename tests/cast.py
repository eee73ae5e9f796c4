"""The people and goods of the tests. The fixtures of ``conftest.py`` call these."""

from datetime import UTC, datetime
from functools import cache
from typing import Any

from django.contrib.auth.hashers import make_password

from members.models import Consent, ConsentText, Member, User
from members.rules.numbers import member_number
from members.services.publishing import publish_text
from orders.models import Channel, Product, StockMove, Variant

#: The moment most tests happen at: a Saturday noon in Shanghai.
NOON = datetime(2026, 11, 21, 4, 0, tzinfo=UTC)


def make_member(serial: int, *, name: str = "", user: User | None = None, **fields):
    """Write a member with number ``serial``; any other field by keyword."""
    return Member.objects.create(
        number=member_number(serial),
        name=name or f"Member {serial}",
        user=user,
        joined_at=fields.pop("joined_at", NOON),
        **fields,
    )


#: What the row of an erased member no longer says.
NOBODY: dict[str, Any] = {
    "user": None,
    "name": None,
    "phone": None,
    "email": None,
    "birthday": None,
    "birth_month": None,
    "external_id": None,
    "gender": "",
    "region": "",
}


def put_in_state(member: Member, state: str) -> None:
    """Put a member into any state, as the table's constraints want the row."""
    changes: dict[str, Any] = {"state": state}
    if state == "erased":
        changes |= NOBODY
    if state == "merged":
        changes["merged_into"] = make_member(900_000 + member.pk)
    for name, value in changes.items():
        setattr(member, name, value)
    member.save()


@cache
def _hashed() -> str:
    """Return the password of all logins as the shop keeps it: hashed once, it is slow."""
    return make_password("pass-phrase-1")


def make_user(username: str, **fields) -> User:
    """Write a login whose password is ``pass-phrase-1``."""
    return User.objects.create(username=username, password=_hashed(), **fields)


def make_variant(
    sku: str, price_minor: int, *, on_hand: int | None = None, kind: str = "goods"
) -> Variant:
    """Write a product with one SKU."""
    product = Product.objects.create(name=f"Thing {sku}", kind=kind, created_at=NOON)
    variant = Variant.objects.create(
        product=product, sku=sku, price_minor=price_minor, on_hand=on_hand
    )
    if on_hand is not None:
        # The books of the stock begin with a count.
        StockMove.objects.create(
            variant=variant,
            kind=StockMove.Kind.COUNTED,
            delta_on_hand=on_hand,
            delta_reserved=0,
            actor="test",
            occurred_at=NOON,
        )
    return variant


def make_channel(code: str = "web") -> Channel:
    """Write a sales channel."""
    return Channel.objects.create(code=code, name=code)


def allow(member: Member, channel: str, *, granted: bool = True, at=NOON) -> Consent:
    """Write what a member says about marketing by one channel."""
    return Consent.objects.create(
        member=member,
        purpose=Consent.Purpose.MARKETING,
        channel=channel,
        granted=granted,
        text_version="test",
        source="test",
        occurred_at=at,
    )


def publish(
    version: str = "2026-11",
    *,
    purpose: str = "marketing",
    language: str = "en",
    body: str = "May we send you offers?",
    at=NOON,
) -> ConsentText:
    """Publish what members are asked."""
    return publish_text(
        purpose=purpose, version=version, language=language, body=body, now=at
    )
