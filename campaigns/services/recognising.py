"""Under which names somebody buys: member, e-mail, phone, guests included (C11, C12).

Addresses and numbers are kept as keyed fingerprints, which cannot be read back. When
the keys of the indexes are renewed, counts by address and number begin anew; those
by membership stay.
"""

from collections.abc import Sequence

from django.db import transaction
from django.db.models import QuerySet

from campaigns.models import BuyerMark
from crm.shared.blind_index import fingerprint
from members.models import Member
from members.rules.identity import normalise_email, normalise_phone
from orders.models import Order, OrderAddress
from orders.models.order import EXCHANGE
from orders.rules.lifecycle import STANDING

_PLACE = "campaigns_usetally.whose"
_MEMBER = "m:"


def member_mark(member_id: int) -> str:
    """Return how a member is written in tallies."""
    return f"{_MEMBER}{member_id}"


def contact_marks(*, email: str | None, phone: str | None) -> list[str]:
    """Return how an address and a number are written, as far as there are any."""
    known = (("e", normalise_email(email or "")), ("p", normalise_phone(phone or "")))
    return [
        f"{kind}:{fingerprint(value, _PLACE).hex()}" for kind, value in known if value
    ]


def marks_of_member(*, member_id: int) -> list[str]:
    """Return every name a member is known by."""
    return _names_of(Member.objects.only("email", "phone").get(pk=member_id))


def _names_of(member: Member) -> list[str]:
    contacts = contact_marks(email=member.email, phone=member.phone)
    return [member_mark(member.pk), *contacts]


def marks_of_order(*, order_id: int) -> list[str]:
    """Return every name of the buyer of an order, and the phone it goes to."""
    order = Order.objects.select_related("member").get(pk=order_id)
    address = OrderAddress.objects.filter(order_id=order_id).first()
    marks = contact_marks(email=None, phone=address.phone if address else None)
    if order.member is not None:
        marks += _names_of(order.member)
    return sorted(set(marks))


def has_bought(*, member_id: int, marks: Sequence[str]) -> bool:
    """Whether a paid order that stands exists under any of these names (C12)."""
    return bought_by(member_id=member_id, marks=marks).exists()


def bought_by(*, member_id: int, marks: Sequence[str]) -> QuerySet:
    """Return the ids of paid orders that stand under any of these names.

    What replaces units of an order, and what still waits for a group, is no purchase
    of its own.
    """
    bought = Order.objects.filter(state__in=STANDING, waits_for="")
    bought = bought.exclude(source=EXCHANGE)
    noted = BuyerMark.objects.filter(whose__in=marks).values("order_id")
    own, others = bought.filter(member_id=member_id), bought.filter(pk__in=noted)
    return own.values("pk").union(others.values("pk"), all=True)


@transaction.atomic
def note_buyer(*, order_id: int) -> int:
    """Keep under which address and numbers an order was paid; again changes nothing."""
    # By membership the order is found without one.
    marks = [
        whose
        for whose in marks_of_order(order_id=order_id)
        if not whose.startswith(_MEMBER)
    ]
    BuyerMark.objects.bulk_create(
        [BuyerMark(order_id=order_id, whose=whose) for whose in marks],
        ignore_conflicts=True,
    )
    return len(marks)
