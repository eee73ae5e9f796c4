"""Addresses of a member as staff see them: masked on the page, written out once."""

from dataclasses import dataclass

from crm.console.rules.masking import DOT, mask_name, mask_phone
from members.models import Address, Member
from members.queries import addresses_of
from orders.models import OrderAddress


@dataclass(frozen=True, slots=True)
class AddressLine:
    """One address; ``words`` name country and city, and nobody."""

    public_id: str
    slot: int
    is_default: bool
    words: str


def masked_addresses(member: Member) -> list[AddressLine]:
    """Return the addresses, the default first, in one query."""
    return [
        AddressLine(each.public_id, each.slot, each.is_default, masked(each))
        for each in addresses_of(member_id=member.pk)
    ]


def masked(address: Address | OrderAddress) -> str:
    """Return an address in one line that names country and city, and nobody."""
    place = (address.country, address.province, address.city, DOT * 3)
    parts = (
        mask_name(address.recipient),
        mask_phone(address.phone),
        " ".join(filter(None, place)),
    )
    return " · ".join(filter(None, parts))


def written_out(address: Address | OrderAddress) -> str:
    """Return an address in clear, a line each, from the largest to the smallest."""
    place = (address.country, address.province, address.city, address.district)
    lines = (
        getattr(address, "label", ""),
        address.recipient,
        address.phone,
        " ".join(filter(None, place)),
        address.street,
        address.postcode,
    )
    return "\n".join(filter(None, lines))
