"""What inviters and friends have in common, as fingerprints that tell nothing else.

What is encrypted is opened here, fingerprinted with the key of blind indexes and
forgotten: rules compare, pages say "same address", and nobody reads one.
"""

import unicodedata
from collections import defaultdict
from collections.abc import Collection, Iterator
from itertools import chain

from crm.shared.blind_index import fingerprint
from loyalty.rules.referrals import Marks
from members.models import Address, Member, PaymentInstrument, Session
from members.rules.duplicates import Traits, match_keys
from orders.models import OrderAddress

#: What fingerprints are bound to; they are compared at once and never kept.
_PLACE = "loyalty_referral.marks"
#: Newest rows of each table that are looked at, and other friends of the inviter.
_MOST_ROWS, MOST_FRIENDS = 500, 20

_Found = Iterator[tuple[int, str, str]]


def marks_of(member_ids: Collection[int]) -> dict[int, Marks]:
    """Return member -> kind -> fingerprints, in five statements for all of them.

    Phones and mail boxes meet as duplicates do; phones of deliveries count, too. A
    device is its words with its network, a card its brand with the last digits.
    """
    found: dict[int, dict[str, set[bytes]]] = defaultdict(lambda: defaultdict(set))
    sources = (_contacts, _places, _deliveries, _devices, _instruments)
    for member_id, kind, text in chain(*(source(member_ids) for source in sources)):
        found[member_id][kind].add(fingerprint(text, _PLACE))
    return {
        member_id: {kind: frozenset(each) for kind, each in kinds.items()}
        for member_id, kinds in found.items()
    }


def together(marks: Collection[Marks]) -> Marks:
    """Return the marks of several people as those of one."""
    kinds = {kind for each in marks for kind in each}
    nothing: frozenset[bytes] = frozenset()
    return {
        kind: nothing.union(*(each.get(kind, nothing) for each in marks))
        for kind in kinds
    }


def _contacts(member_ids: Collection[int]) -> _Found:
    for member in Member.objects.filter(pk__in=member_ids).defer("name_tokens"):
        yield from _contact(member.pk, "phone", member.phone)
        yield from _contact(member.pk, "email", member.email)


def _contact(member_id: int, kind: str, text: str | None) -> _Found:
    for key in match_keys(Traits(**{kind: text or ""})):
        yield member_id, kind, key


def _places(member_ids: Collection[int]) -> _Found:
    rows = Address.objects.filter(member_id__in=member_ids).order_by("-pk")
    for row in rows[:_MOST_ROWS]:
        yield from _place(row.member_id, row)


def _deliveries(member_ids: Collection[int]) -> _Found:
    rows = OrderAddress.objects.filter(order__member_id__in=member_ids)
    for row in rows.select_related("order").order_by("-pk")[:_MOST_ROWS]:
        yield from _place(row.order.member_id, row)


def _place(member_id: int, row: Address | OrderAddress) -> _Found:
    yield from _contact(member_id, "phone", row.phone)
    parts = (row.country, row.province, row.city, row.district, row.street)
    text = unicodedata.normalize("NFKC", "".join(filter(None, parts))).casefold()
    yield member_id, "address", "".join(c for c in text if c.isalnum())


def _devices(member_ids: Collection[int]) -> _Found:
    rows = Session.objects.filter(user__member__in=member_ids).exclude(device="")
    known = rows.exclude(network="").order_by("-pk")
    columns = known.values_list("user__member", "device", "network")
    for member_id, device, network in columns[:_MOST_ROWS]:
        yield member_id, "device", f"{device}|{network}"


def _instruments(member_ids: Collection[int]) -> _Found:
    rows = PaymentInstrument.objects.bound().filter(member_id__in=member_ids)
    for row in rows.order_by("-pk")[:_MOST_ROWS]:
        if row.last_four:
            yield row.member_id, "instrument", f"{row.kind}:{row.brand}:{row.last_four}"
