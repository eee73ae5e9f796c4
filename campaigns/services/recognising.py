"""Under which names somebody buys: member, e-mail, phone, guests included (C11, C12).

Addresses and numbers are kept as keyed fingerprints, which cannot be read back. When
the keys of the indexes are renewed, counts by address and number begin anew; those
by membership stay.
"""

from django.db import transaction

from campaigns.models import BuyerMark
from crm.shared.blind_index import fingerprint
from members.models import Member
from members.rules.identity import normalise_email, normalise_phone
from orders.models import Order, OrderAddress
from orders.rules.lifecycle import STANDING

_PLACE = "campaigns_usetally.whose"


def member_mark(member_id: int) -> str:
    """Return how a member is written in tallies."""
    return f"m:{member_id}"


def contact_marks(*, email: str | None, phone: str | None) -> list[str]:
    """Return how an address and a number are written, as far as there are any."""
    known = (("e", normalise_email(email or "")), ("p", normalise_phone(phone or "")))
    return [
        f"{kind}:{fingerprint(value, _PLACE).hex()}" for kind, value in known if value
    ]


def marks_of_member(*, member_id: int) -> list[str]:
    """Return every name a member is known by."""
    member = Member.objects.only("email", "phone").get(pk=member_id)
    contacts = contact_marks(email=member.email, phone=member.phone)
    return [member_mark(member_id), *contacts]


def has_bought(*, member_id: int, marks: list[str]) -> bool:
    """Whether a paid order that stands exists under any of these names (C12)."""
    standing = Order.objects.filter(state__in=STANDING)
    return (
        standing.filter(member_id=member_id).exists()
        or BuyerMark.objects.filter(whose__in=marks, order__state__in=STANDING).exists()
    )


@transaction.atomic
def note_buyer(*, order_id: int) -> int:
    """Keep under which address and numbers an order was paid; again changes nothing."""
    order = Order.objects.select_related("member").get(pk=order_id)
    address = OrderAddress.objects.filter(order_id=order_id).first()
    member = order.member
    marks = contact_marks(email=None, phone=address.phone if address else None)
    if member is not None:
        marks += contact_marks(email=member.email, phone=member.phone)
    BuyerMark.objects.bulk_create(
        [BuyerMark(order=order, whose=whose) for whose in sorted(set(marks))],
        ignore_conflicts=True,
    )
    return len(marks)
