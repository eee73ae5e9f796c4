"""What ladders count, and why tiers change, as staff read it."""

from typing import Any

from django.conf import settings
from django.utils.translation import gettext_lazy as _

from crm.shared.money import display_amount
from loyalty.rules.terms import IN_MONEY

#: Beginning of the reason of a change of tier -> what it means.
_WHY: dict[str, Any] = {
    "order": _("an order was paid"),
    "refund": _("goods were given back"),
    "night": _("the nightly review"),
    "pin": _("held by staff"),
    "unpin": _("staff let go"),
    "version": _("a new version of the ladder"),
    "reopened": _("the membership was opened again"),
    "import": _("past orders were brought in"),
    "merge": _("two memberships became one"),
    "unmerge": _("a merge was undone"),
}


def counted_words(counts: str, number: int) -> str:
    """Return so much of what a ladder counts: money, or a number."""
    if counts in IN_MONEY:
        return display_amount(number, settings.SHOP_CURRENCY)
    return f"{number:,d}"


def why_changed(reason: str) -> str:
    """Return why a tier changed; of a reason nobody knows its code."""
    return str(_WHY.get(reason.partition(":")[0], reason))
