"""Find orders: the shape of what was typed, and what it names, decide the index."""

import re

from django.db.models import Q

from crm.console.queries.members import find_members
from members.rules.numbers import is_member_number
from orders.models import Order, OrderLine, Variant

_PHONE = re.compile(r"[+0-9][0-9 ()-]{6,24}")


def order_condition(text: str, *, personal: bool = True) -> Q:
    """Return the filter for what staff typed into the search box of orders.

    A member number, a whole phone, an order's number or id, a SKU, or the beginning
    of an order number. What is known exactly goes before what only begins so; each
    look is by one index.

    Args:
        text: as typed.
        personal: whether phones are looked at. Whoever may not see them must not
            find out whose they are either.
    """
    text = text.strip()
    spellings = {text, text.upper()}
    if is_member_number(text.upper()):
        return _of_members(text)
    if text.startswith("ord_"):
        return Q(public_id=text)
    if Order.objects.filter(number__in=spellings).exists():
        return Q(number__in=spellings)
    if personal and _PHONE.fullmatch(text) and find_members(text).exists():
        return _of_members(text)
    variants = list(
        Variant.objects.filter(sku__in=spellings).values_list("pk", flat=True)
    )
    if variants:
        bought = OrderLine.objects.filter(variant__in=variants)
        return Q(pk__in=bought.values("order_id"))
    return Q(number__startswith=text.upper())


def _of_members(text: str) -> Q:
    found = find_members(text).order_by().values_list("pk", flat=True)
    return Q(member__in=list(found[:100]))
