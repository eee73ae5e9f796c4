"""Back-tests: asked for on the page of a promotion, watched, read, taken out."""

import csv

from django.conf import settings
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import F
from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST
from unfold.decorators import display

from campaigns.admin.backtest_page import page_of, progress_of
from campaigns.models import Backtest, Promotion
from campaigns.models.backtest import SPANS
from campaigns.queries.backtests import backtests_of
from campaigns.services.backtesting import order_backtest
from crm.shared.clock import now
from crm.shared.errors import Refusal
from crm.shared.jobs import cancel_job, retry_job
from crm.shared.money import format_amount
from crm.shared.staff_lists import BAD, BUSY, CALM, GOOD, LedgerAdmin, money_column

_MOST_SHOWN = 20


@admin.register(Backtest)
class BacktestAdmin(LedgerAdmin):
    """Back-tests of all promotions, newest first; each has a page."""

    when_empty = gettext_lazy(
        "A back-test replays the orders of the last days with a promotion. Open a "
        "promotion and choose “Back-test”."
    )
    list_display = [
        *("public_id", "name", "days", "state_label", "orders", "touched"),
        *("cost", "asked_by", "asked_at"),
    ]
    list_select_related = ["promotion", "job", "asked_by"]
    search_fields = ["=public_id"]
    ordering = ["-id"]

    cost = money_column("cost_minor", gettext_lazy("cost"), ordering=False)

    def get_queryset(self, request):
        """Read of the results what the list shows, and not all of it."""
        heavy = ("found", "carts", "recipe", "terms")
        return (
            super()
            .get_queryset(request)
            .defer(*heavy)
            .annotate(
                orders=F("found__orders"),
                touched=F("found__touched"),
                cost_minor=F("found__cost_minor"),
            )
        )

    @admin.display(description=gettext_lazy("promotion"))
    def name(self, backtest: Backtest) -> str:
        """Return what was tried."""
        label = backtest.promotion.label
        return _("%(name)s (change)") % {"name": label} if backtest.is_change else label

    @admin.display(description=gettext_lazy("orders"))
    def orders(self, backtest) -> str:
        """Return how many orders were replayed."""
        return f"{backtest.orders or 0:,d}"

    @admin.display(description=gettext_lazy("orders touched"))
    def touched(self, backtest) -> str:
        """Return how many of them would have been different."""
        return f"{backtest.touched or 0:,d}"

    @display(
        description=gettext_lazy("state"),
        label={
            "queued": BUSY,
            "running": BUSY,
            "done": GOOD,
            "failed": BAD,
            "cancelled": CALM,
        },
    )
    def state_label(self, backtest: Backtest) -> tuple[str, str]:
        """Return where it stands."""
        state = backtest.state
        return state, Backtest.State(state).label

    def get_urls(self):
        """Add the page of a promotion's back-tests, and what is done with one."""
        own = [
            path("of/<int:pk>/", self.of_promotion, name="promotion_backtest"),
            path("<int:pk>/progress/", self.progress, name="backtest_progress"),
            path("<int:pk>/step/", require_POST(self.step), name="backtest_step"),
            path("<int:pk>/days.csv", self.days_file, name="backtest_days"),
            path("<int:pk>/carts.csv", self.carts_file, name="backtest_carts"),
        ]
        for pattern in own:
            pattern.callback = self.admin_site.admin_view(pattern.callback)
        return own + super().get_urls()

    def of_promotion(self, request, pk: int):
        """Show the back-tests of a promotion, and ask for one."""
        may_add = request.user.has_perm("campaigns.add_backtest")
        is_asked = request.method == "POST"
        if not self.has_view_permission(request) or (is_asked and not may_add):
            raise PermissionDenied
        promotion = Promotion.objects.filter(pk=pk).first()
        if promotion is None:
            raise Http404
        error = ""
        if is_asked:
            days = request.POST.get("days", "")
            try:
                asked = order_backtest(
                    promotion_id=pk,
                    days=int(days[:4]) if days.isascii() and days.isdecimal() else 0,
                    actor=request.user,
                    now=now(),
                )
            except Refusal as refusal:
                error = str(refusal)
            else:
                return HttpResponseRedirect(_page(asked.pk))
        rows = backtests_of(promotion_id=promotion.changes_id or pk)
        context = self._context(
            request,
            _("Back-tests of “%(name)s”") % {"name": promotion.label},
            promotion=promotion,
            rows=[(row, *self.state_label(row)) for row in rows[:_MOST_SHOWN]],
            spans=SPANS,
            may_add=may_add,
            error=error,
        )
        return TemplateResponse(request, "campaigns/backtest_list.html", context)

    def change_view(self, request, object_id, form_url="", extra_context=None):
        """Show one back-test as a page."""
        if not (object_id.isascii() and object_id.isdecimal()):
            raise Http404
        found = self._find(request, int(object_id[:18]))
        title = _("Back-test of “%(name)s”") % {"name": found.promotion.label}
        context = self._context(request, title, **page_of(request.user, found))
        return TemplateResponse(request, "campaigns/backtest_page.html", context)

    def progress(self, request, pk: int):
        """Answer the poll; once it is over, have the page shown with its result."""
        found = self._find(request, pk)
        told = progress_of(request.user, found)
        answer = TemplateResponse(request, "campaigns/backtest_progress.html", told)
        if not (told["view"] and told["view"]["poll"]):
            answer.headers["HX-Refresh"] = "true"
        return answer

    def step(self, request, pk: int):
        """Stop its job, or have it go on."""
        if not request.user.has_perm("campaigns.add_backtest"):
            raise PermissionDenied
        found = self._find(request, pk)
        verb = {"cancel": cancel_job, "retry": retry_job}.get(
            request.POST.get("step", "")
        )
        if verb is None or found.job_id is None:
            raise Http404
        try:
            verb(job_id=found.job_id, actor=request.user, now=now())
        except Refusal as refusal:
            messages.error(request, str(refusal))
        return HttpResponseRedirect(_page(found.pk))

    def days_file(self, request, pk: int):
        """Hand out the days as CSV: numbers of the shop, of nobody in particular."""
        found = self._find(request, pk)
        answer = _file(f"{found.public_id}.csv")
        rows = csv.writer(answer)
        rows.writerow(["day", "orders", "touched", "cost", "change"])
        currency = settings.SHOP_CURRENCY
        for day, (orders, touched, cost, change) in sorted(found.totals.days.items()):
            amounts = [format_amount(each, currency) for each in (cost, change)]
            rows.writerow([day, orders, touched, *amounts])
        return answer

    def carts_file(self, request, pk: int):
        """Hand out the carts that were left as CSV, by the day they were left on."""
        found = self._find(request, pk)
        answer = _file(f"{found.public_id}-carts.csv")
        rows = csv.writer(answer)
        rows.writerow(["day", "carts", "lower", "lower_by", "near_misses"])
        for day, (carts, lower, less, near) in sorted(found.cart_totals.days.items()):
            less_by = format_amount(less, settings.SHOP_CURRENCY)
            rows.writerow([day, carts, lower, less_by, near])
        return answer

    def _find(self, request, pk: int) -> Backtest:
        if not self.has_view_permission(request):
            raise PermissionDenied
        rows = Backtest.objects.select_related("promotion__budget", "job", "asked_by")
        found = rows.filter(pk=pk).first()
        if found is None:
            raise Http404
        return found

    def _context(self, request, title: str, **more) -> dict:
        return {
            **self.admin_site.each_context(request),
            "title": title,
            "opts": self.opts,
            **more,
        }


def _file(name: str) -> HttpResponse:
    return HttpResponse(
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


def _page(pk: int) -> str:
    return reverse("admin:campaigns_backtest_change", args=[pk])
