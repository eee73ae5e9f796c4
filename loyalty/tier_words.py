"""What ladders count, and why tiers change, as staff read it."""

from typing import Any

from django.conf import settings
from django.utils.translation import gettext_lazy as _

from crm.shared.money import display_amount
from loyalty.models import Tier, VersionRung
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


def missing_words(tier: Tier, metric: str, first: int, second: int) -> str:
    """Return what is missing of the numbers that a tier asks for.

    Args:
        metric: the first number's; ``second`` is of the tier's second one, 0 for none.
    """
    if not second:
        return counted_words(metric, first)
    also = second_words(tier, second)
    return f"{counted_words(metric, first)} {also}" if first else also


def second_words(rung: Tier | VersionRung, number: int) -> str:
    """Return so much of the second number of a tier, and how it joins the first."""
    words = (
        _("and %(what)s %(number)s") if rung.needs_both else _("or %(what)s %(number)s")
    )
    return words % {
        "what": rung.get_also_metric_display(),
        "number": counted_words(rung.also_metric, number),
    }


def why_changed(reason: str) -> str:
    """Return why a tier changed; of a reason nobody knows its code."""
    return str(_WHY.get(reason.partition(":")[0], reason))
