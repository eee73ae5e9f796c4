"""What the page of a back-test says of carts that were left."""

from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from campaigns.rules.backtest_totals import STEP_BP, STEPS
from campaigns.rules.left_carts import CartTotals
from crm.shared.money import display_amount

_PERCENT_BP = 100


def cart_section(totals: CartTotals) -> dict[str, Any]:
    """Return what the page shows of carts: words, then how many would save how much."""
    saved = zip(labels_of_steps()[1:], totals.saved[1:], strict=True)
    return {
        "carts": totals,
        "carts_said": list(_said(totals)) if totals.carts else [],
        "carts_saved": list(saved),
    }


def labels_of_steps() -> list[str]:
    """Return the steps of the histograms: nothing, shares of a price, and more."""
    size, last = STEP_BP // _PERCENT_BP, STEPS - 1
    labels = [_("nothing")]
    labels += [f"{(n - 1) * size}–{n * size} %" for n in range(1, last)]
    return [*labels, _("over %(percent)s %%") % {"percent": (last - 1) * size}]


def _said(totals: CartTotals) -> Iterator[str]:
    yield _lower(totals)
    if totals.dearer:
        yield _(
            "%(dearer)s would have been dearer, by %(more)s in all: it stands in the "
            "place of something that gives more."
        ) % {"dearer": f"{totals.dearer:,d}", "more": _money(totals.dearer_minor)}
    if totals.near:
        yield (
            ngettext(
                "%(near)s more cart nearly reaches its least spend: %(missing)s is "
                "missing, at most a fifth of it.",
                "%(near)s more carts nearly reach its least spend: %(missing)s in all "
                "is missing, of each at most a fifth of it.",
                totals.near,
            )
            % {"near": f"{totals.near:,d}", "missing": _money(totals.missing_minor)}
        )


def _lower(totals: CartTotals) -> str:
    numbers = {
        "carts": f"{totals.carts:,d}",
        "applied": f"{totals.applied:,d}",
        "lower": f"{totals.lower:,d}",
        "less": _money(totals.lower_minor),
    }
    if not totals.applied and not totals.lower:
        return _("To none of %(carts)s carts it would have applied.") % numbers
    return (
        _(
            "To %(applied)s of %(carts)s carts it would have applied; %(lower)s would "
            "have been lower, by %(less)s in all."
        )
        % numbers
    )


def _money(minor: int) -> str:
    return display_amount(minor, settings.SHOP_CURRENCY)
