"""Closed months of the points books: to read, to take out, and to close the next."""

import csv
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from crm.shared.clock import now
from crm.shared.dates import add_months
from crm.shared.errors import Refusal
from crm.shared.money import format_amount
from crm.shared.staff_lists import LedgerAdmin, money_column
from loyalty.models import PointsClose, PointsEntry, ReasonCode
from loyalty.queries.closing import cohorts_of, last_close
from loyalty.rules.closing import breakage_curve, month_of, next_month
from loyalty.services.closing import close_month

_WHOLE = 100


@admin.register(PointsClose)
class PointsCloseAdmin(LedgerAdmin):
    """The months, newest first; each has a page."""

    when_empty = gettext_lazy(
        "No month is closed yet. The first one may be any month that is over; it opens "
        "with what members had by then."
    )
    list_display = ["name", "opening", "closing", "open_points", "debt", "liability"]
    ordering = ["-month"]

    liability = money_column(
        "liability_minor", gettext_lazy("liability"), ordering=False
    )

    @admin.display(description=gettext_lazy("month"), ordering="month")
    def name(self, close: PointsClose) -> str:
        """Return the month as people write it."""
        return date_format(close.month, "YEAR_MONTH_FORMAT")

    def has_add_permission(self, request, obj=None) -> bool:
        """Allow closing a month to whoever may."""
        return request.user.has_perm("loyalty.add_pointsclose")

    def get_urls(self):
        """Add the file."""
        view = self.admin_site.admin_view(self.file)
        return [
            path("<int:pk>/points.csv", view, name="points_close_file"),
            *super().get_urls(),
        ]

    def add_view(self, request, form_url="", extra_context=None):
        """Ask for the next month, and close it."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        chosen, error = self._next(request), ""
        if request.method == "POST":
            try:
                close = close_month(month=chosen, actor=request.user, now=now())
            except Refusal as refusal:
                error = str(refusal)
            else:
                return HttpResponseRedirect(
                    reverse("admin:loyalty_pointsclose_change", args=[close.pk])
                )
        context = self._context(
            request,
            _("Close a month"),
            month=chosen,
            is_first=last_close() is None,
            error=error,
        )
        return TemplateResponse(request, "loyalty/close_form.html", context)

    def _next(self, request) -> date:
        """Return the month that is next; the first one as the form says."""
        last = last_close()
        if last is not None:
            return next_month(last.month)
        today = now().astimezone(ZoneInfo(settings.SHOP_TIME_ZONE)).date()
        try:
            return month_of(request.POST.get("month", ""))
        except ValueError:
            return add_months(today.replace(day=1), -1)

    def change_view(self, request, object_id, form_url="", extra_context=None):
        """Show one month."""
        close = self._find(request, object_id)
        title = _("Points books of %(month)s") % {"month": self.name(close)}
        context = self._context(request, title, original=close, **page_of(close))
        return TemplateResponse(request, "loyalty/close_page.html", context)

    def file(self, request, pk: int):
        """Hand out every figure as CSV: what, of which kind or month, how much."""
        close = self._find(request, str(pk))
        answer = HttpResponse(
            content_type="text/csv; charset=utf-8",
            headers={
                "Content-Disposition": f'attachment; filename="points-{close}.csv"'
            },
        )
        rows = csv.writer(answer)
        rows.writerow(["figure", "of", "points"])
        rows.writerows(figures(close))
        amount = format_amount(close.liability_minor, settings.SHOP_CURRENCY)
        rows.writerow(["liability", settings.SHOP_CURRENCY, amount])
        return answer

    def _find(self, request, object_id: str) -> PointsClose:
        if not self.has_view_permission(request):
            raise PermissionDenied
        if not (object_id.isascii() and object_id.isdecimal()):
            raise Http404
        found = PointsClose.objects.filter(pk=int(object_id[:18])).first()
        if found is None:
            raise Http404
        return found

    def _context(self, request, title: str, **more: Any) -> dict[str, Any]:
        frame = self.admin_site.each_context(request)
        return {**frame, "title": title, "opts": self.opts, **more}


def page_of(close: PointsClose) -> dict[str, Any]:
    """Return everything the page of a month shows."""
    kinds = sorted({*close.moved, *close.late}, key=PointsEntry.Kind.values.index)
    cohorts = cohorts_of(close)
    coming = [
        (date_format(date.fromisoformat(last), "YEAR_MONTH_FORMAT"), points)
        if last
        else (_("never"), points)
        for last, points in close.waterfall
    ]
    curve = breakage_curve(cohorts, month=close.month)
    return {
        "close": close,
        "moves": [
            (
                PointsEntry.Kind(kind).label,
                close.moved.get(kind, 0),
                close.late.get(kind, 0),
            )
            for kind in kinds
        ],
        "by_hand": [
            (
                ReasonCode(code).label,
                PointsEntry.Kind(kind).label,
                entries,
                points,
            )
            for code, kind, entries, points in close.by_hand
        ],
        "coming": coming,
        #: What went back into lots between the end of the month and the closing.
        "restored": close.open_points - sum(points for _last, points in coming),
        "curve": [
            (age, gone, granted, _percent(gone, granted))
            for age, gone, granted in curve
        ],
        "curve_bars": [
            (age, gone * _WHOLE // granted if granted > 0 else 0)
            for age, gone, granted in curve
        ],
        "cohorts": [
            (cohort, _percent(cohort.expired_points, cohort.granted))
            for cohort in cohorts
        ],
    }


def figures(close: PointsClose) -> list[tuple[str, str, int]]:
    """Return every number of points a month keeps: figure, of what, points."""
    rows = [("opening", "", close.opening)]
    rows += [("moved", kind, points) for kind, points in close.moved.items()]
    rows += [("late", kind, points) for kind, points in close.late.items()]
    rows += [
        (f"by hand: {kind}", code, points)
        for code, kind, _entries, points in close.by_hand
    ]
    rows += [
        ("closing", "", close.closing),
        ("open", "", close.open_points),
        ("debt", "", close.debt),
    ]
    rows += [("expires", last or "never", points) for last, points in close.waterfall]
    for cohort in cohorts_of(close):
        of = f"{cohort.month:%Y-%m}"
        rows += [
            ("came in", of, cohort.granted),
            ("used", of, cohort.used),
            ("taken back", of, cohort.taken_back),
            ("expired", of, cohort.expired_points),
            ("left", of, cohort.left),
        ]
    return rows


def _percent(part: int, whole: int) -> str:
    return f"{part * _WHOLE / whole:.1f} %" if whole > 0 else "–"
