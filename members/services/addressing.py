"""Keep where members want their things sent."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from crm.shared.errors import Refusal
from members.models import Address, Member
from members.models.address import MOST_ADDRESSES
from members.rules.profile import tidy_line
from members.services.checking import BadProfile, checked_phone

#: Field -> longest text.
_LINES = {
    name: Address._meta.get_field(name).max_length
    for name in (
        *("label", "recipient", "province", "city", "district", "street"),
        *("postcode", "country"),
    )
}
_NEEDED = ("recipient", "street", "country")


class TooManyAddresses(Refusal):
    """No more addresses can be kept."""

    code = "too_many_addresses"
    status = 422
    message = _("No more than %(most)s addresses can be kept.")


class AddressGone(Refusal):
    """There is no such address."""

    code = "address_gone"
    status = 404
    message = _("There is no such address.")


@transaction.atomic
def add_address(
    *, member_id: int, lines: Mapping[str, Any], is_default: bool, now: datetime
) -> Address:
    """Keep a new address; the first one of a member is the default.

    Args:
        lines: recipient, street and country (ISO 3166); optionally label, phone,
            province, city, district and postcode.
        is_default: send here from now on, unless told otherwise.

    Raises:
        TooManyAddresses: there are ``MOST_ADDRESSES`` already.
        BadProfile: a line cannot be kept.
    """
    # The member's row is the lock: two new addresses at once get a slot each.
    Member.objects.select_for_update(no_key=True).get(pk=member_id)
    taken = set(
        Address.objects.filter(member_id=member_id).values_list("slot", flat=True)
    )
    free = [slot for slot in range(1, MOST_ADDRESSES + 1) if slot not in taken]
    if not free:
        raise TooManyAddresses(most=MOST_ADDRESSES)
    address = Address(member_id=member_id, slot=free[0], created_at=now)
    fill_address(address=address, lines=lines)
    if is_default or not taken:
        _clear_default(member_id)
        address.is_default = True
    address.save(force_insert=True)
    return address


@transaction.atomic
def change_address(
    *,
    member_id: int,
    public_id: str,
    lines: Mapping[str, Any],
    is_default: bool = False,
) -> Address:
    """Change the named lines of a member's address; ``None`` and ``""`` clear one.

    Args:
        is_default: send here from now on; False leaves the default where it is.

    Raises:
        AddressGone: the member has no such address.
        BadProfile: a line cannot be kept, or one that is needed would be cleared.
    """
    address = _locked(member_id, public_id)
    fill_address(address=address, lines=lines)
    if is_default and not address.is_default:
        _clear_default(member_id)
        address.is_default = True
    address.save()
    return address


@transaction.atomic
def remove_address(*, member_id: int, public_id: str) -> None:
    """Forget an address; the default passes to the oldest one that is left.

    Raises:
        AddressGone: the member has no such address.
    """
    address = _locked(member_id, public_id)
    was_default = address.is_default
    address.delete()
    if was_default:
        heir = Address.objects.filter(member_id=member_id).order_by("created_at", "pk")
        Address.objects.filter(pk__in=heir.values("pk")[:1]).update(is_default=True)


def fill_address(*, address: Any, lines: Mapping[str, Any]) -> None:
    """Write checked lines into an address, one that is kept or one of an order.

    Args:
        address: anything with the lines of ``members.Address`` as attributes.
        lines: as ``add_address`` takes them.

    Raises:
        BadProfile: a line cannot be kept, or one that is needed is missing.
    """
    _write(address, lines)
    _refuse_gaps(address)


def _locked(member_id: int, public_id: str) -> Address:
    Member.objects.select_for_update(no_key=True).get(pk=member_id)
    address = Address.objects.filter(member_id=member_id, public_id=public_id).first()
    if address is None:
        raise AddressGone
    return address


def _clear_default(member_id: int) -> None:
    Address.objects.filter(member_id=member_id, is_default=True).update(
        is_default=False
    )


def _write(address: Any, lines: Mapping[str, Any]) -> None:
    for name, given in lines.items():
        text = given or ""
        if name == "phone":
            address.phone = checked_phone(text)
        elif name in _LINES:
            setattr(address, name, _line(name, text))
        else:
            raise TypeError(f"{name} is no line of an address.")


def _line(name: str, text: str) -> str:
    try:
        return tidy_line(text, longest=_LINES[name])
    except ValueError as error:
        raise BadProfile(field=name) from error


def _refuse_gaps(address: Any) -> None:
    for name in _NEEDED:
        if not getattr(address, name):
            raise BadProfile(field=name)
    if not (
        len(address.country) == 2
        and address.country.isascii()
        and address.country.isupper()
    ):
        raise BadProfile(field="country")
