"""Member value: how recently, how often and for how much, month by month."""

from typing import Any

from django.conf import settings
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import Http404
from django.template.response import TemplateResponse
from django.utils.dateparse import parse_date
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from crm.shared.money import display_amount
from crm.shared.staff_lists import LedgerAdmin, money_column
from loyalty.models import ScoreMonth
from loyalty.queries.value import grid_of, segments_of
from loyalty.rules.intervals import LEAST_PURCHASES
from loyalty.rules.lifetime_value import LEAST_REPEATING

_NOT_SURE = gettext_lazy("The purchases so far fit no model surely enough to say.")
#: Why there is no forecast, by the code of ``loyalty.rules.lifetime_value``.
_SILENCE: dict[str, Any] = {
    "too_few": gettext_lazy(
        "Too few orders to say: fewer than %(least)s members came again."
    ),
    "not_settled": _NOT_SURE,
    "no_mean": _NOT_SURE,
}


@admin.register(ScoreMonth)
class ScoreMonthAdmin(LedgerAdmin):
    """One row a month; each opens as a page. It names nobody."""

    when_empty = gettext_lazy(
        "Members are scored every night. The first scores appear after the first "
        "orders."
    )
    list_display = ["name", "scored_on", "buyers", "expected", "scored_at"]
    ordering = ["-month"]

    expected = money_column(
        "expected_minor", gettext_lazy("spend expected in 365 days"), ordering=False
    )

    @admin.display(description=gettext_lazy("month"), ordering="month")
    def name(self, month: ScoreMonth) -> str:
        """Return the month in words."""
        return date_format(month.month, "YEAR_MONTH_FORMAT")

    def change_view(self, request, object_id, form_url="", extra_context=None):
        """Show one month as a page."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        try:
            month = ScoreMonth.objects.filter(pk=parse_date(object_id)).first()
        except ValueError:
            month = None
        if month is None:
            raise Http404
        title = _("Member value, %(month)s") % {"month": self.name(month)}
        context = {
            **self.admin_site.each_context(request),
            "title": title,
            "opts": self.opts,
            **page_of(month),
        }
        return TemplateResponse(request, "loyalty/value_page.html", context)


def page_of(month: ScoreMonth) -> dict[str, Any]:
    """Return everything the page of a month shows."""
    grid = grid_of(month)
    most = max((cell.buyers for row in grid for cell in row.cells), default=0) or 1
    return {
        "month": month,
        # Heat is never the only sign: each cell says its numbers.
        "rows": [
            (row.recency, [(cell, 4 + 16 * cell.buyers // most) for cell in row.cells])
            for row in grid
        ],
        "worths": range(1, 6),
        "segments": segments_of(month),
        "amounts": _bars(month),
        "bounds": _bounds(month),
        "parameters": sorted((month.model or {}).items()),
        "silence": _SILENCE.get(month.silence, "") % {"least": LEAST_REPEATING}
        if month.silence
        else "",
        "least_purchases": LEAST_PURCHASES,
    }


def _bars(month: ScoreMonth) -> list[tuple[str, int]]:
    """Return how many buyers spent how much, by where the band begins."""
    bars = []
    for start, buyers in month.amounts:
        words = _("less") if start is None else _money(start).removesuffix(".00")
        bars.append((words, buyers))
    return bars


def _bounds(month: ScoreMonth) -> list[tuple[str, list[str]]]:
    """Return what the scores 5 to 1 stand for, row by row of the table."""
    days = [str(each) for each in month.recency_bounds]
    orders = [str(each) for each in reversed(month.frequency_bounds)]
    money = [_money(each) for each in reversed(month.money_bounds)]
    return [
        (
            _("Days since the last order"),
            [*(f"≤ {each}" for each in days), f"> {days[-1]}"],
        ),
        (_("Orders"), [*(f"> {each}" for each in orders), f"≤ {orders[-1]}"]),
        (_("Lifetime spend"), [*(f"> {each}" for each in money), f"≤ {money[-1]}"]),
    ]


def _money(minor: int) -> str:
    return display_amount(minor, settings.SHOP_CURRENCY)
