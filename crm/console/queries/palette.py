"""What the command palette finds. Every look-up is by index and small."""

import re
from dataclasses import dataclass

from django.apps import apps
from django.db.models import Q
from django.urls import reverse
from django.utils.text import capfirst
from django.utils.translation import gettext as _

from campaigns.models import Coupon
from crm.care.models import Ticket
from crm.console.navigation import SECTIONS
from crm.console.queries.members import find_members, may_see_masked, shown_name
from orders.models import Order
from orders.queries.catalogue import quick_finds

MOST_HITS = 10
MOST_PAGES = 3
#: So much of an order number is a beginning of it.
LEAST_OF_NUMBER = 4


@dataclass(frozen=True, slots=True)
class Hit:
    """One line of the palette."""

    title: str
    description: str
    link: str
    icon: str
    #: Whether the title is data of the shop rather than a word of the console.
    is_data: bool = True


def find_anything(*, user, text: str) -> list[Hit]:
    """Return at most ten hits for ``text`` among pages, rows and members.

    Args:
        user: whose permissions decide what is looked at.
        text: as typed; a full number or code, the last four digits of a phone, a
            name, its characters, its pinyin or the initials of it, a SKU.
    """
    text = text.strip()[:80]
    hits = _pages(user, text)[:MOST_PAGES]
    hits += _orders(user, text) + _coupons(user, text) + _tickets(user, text)
    hits += _products(user, text)
    hits += _members(user, text, MOST_HITS - len(hits))
    return hits[:MOST_HITS]


def _pages(user, text: str) -> list[Hit]:
    wanted = text.casefold()
    return [
        Hit(
            capfirst(model._meta.verbose_name_plural),
            str(section),
            reverse(f"admin:{label.replace('.', '_')}_changelist"),
            icon,
            is_data=False,
        )
        for section, entries in SECTIONS
        for label, icon in entries
        if wanted
        in (model := apps.get_model(label))._meta.verbose_name_plural.casefold()
        and user.has_perm(f"{model._meta.app_label}.view_{model._meta.model_name}")
    ]


def _orders(user, text: str) -> list[Hit]:
    if not user.has_perm("orders.view_order"):
        return []
    # Numbers are compared as stored: an index look-up each, never a scan.
    wanted = Q(number__in={text, text.upper()})
    if len(text) >= LEAST_OF_NUMBER:
        wanted |= Q(number__startswith=text.upper())
    found = Order.objects.filter(wanted).order_by("number")[:3]
    return [
        Hit(
            order.number,
            _("Order"),
            reverse("admin:orders_order_change", args=[order.pk]),
            "receipt_long",
        )
        for order in found
    ]


def _products(user, text: str) -> list[Hit]:
    if not user.has_perm("orders.view_product"):
        return []
    return [
        Hit(
            product.label,
            _("Product"),
            reverse("admin:orders_product_change", args=[product.pk]),
            "inventory_2",
        )
        for product in quick_finds(text, most=3)
    ]


def _coupons(user, text: str) -> list[Hit]:
    if not user.has_perm("campaigns.view_coupon"):
        return []
    return [
        Hit(
            coupon.code,
            _("Coupon"),
            reverse("admin:campaigns_coupon_change", args=[coupon.pk]),
            "redeem",
        )
        for coupon in Coupon.objects.filter(code__in={text, text.upper()})[:1]
    ]


def _tickets(user, text: str) -> list[Hit]:
    if not user.has_perm("care.view_ticket") or not re.match(r"tkt_\w+$", text):
        return []
    return [
        Hit(
            ticket.public_id,
            _("Ticket"),
            reverse("admin:care_ticket_change", args=[ticket.pk]),
            "support_agent",
        )
        for ticket in Ticket.objects.filter(public_id=text)[:1]
    ]


def _members(user, text: str, most: int) -> list[Hit]:
    if most <= 0 or not user.has_perm("members.view_member"):
        return []
    return [
        Hit(
            f"{shown_name(member, user)} {member.number}".strip(),
            _("Member"),
            reverse("admin:member_page", args=[member.public_id]),
            "person",
        )
        for member in find_members(text, personal=may_see_masked(user))[:most]
    ]
