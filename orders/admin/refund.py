"""Money going back: refunds, returns without a purchase, adjustments."""

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST
from unfold.contrib.filters.admin import ChoicesDropdownFilter, RangeDateTimeFilter
from unfold.decorators import display

from crm.shared.clock import now
from crm.shared.errors import Refusal
from crm.shared.staff_lists import BAD, CALM, GOOD, LedgerAdmin, labelled, money_column
from orders.admin.refunding import RefundPage
from orders.models import Adjustment, Refund, RefundDeduction, UnmatchedReturn
from orders.payment_words import tender_words
from orders.reasons import effect_text
from orders.services.mending import redirect_tender, retry_tender, withdraw_refund
from orders.services.settling import settle_return
from orders.services.stating import refund_statement


@admin.register(Refund)
class RefundAdmin(LedgerAdmin):
    """What went back, newest first."""

    when_empty = _(
        "Money that went back stands here. Open a paid order and choose "
        "“Refund…”, or refund a return."
    )
    list_display = [
        "public_id",
        "order",
        "state_label",
        "amount",
        "points_returned",
        "reason",
        "who_did_it",
        "requested_at",
        "completed_at",
    ]
    list_select_related = ["order"]
    list_filter = [
        ("state", ChoicesDropdownFilter),
        ("requested_at", RangeDateTimeFilter),
    ]
    search_fields = ["=public_id", "=order__number"]
    ordering = ["-requested_at", "-id"]

    amount = money_column("amount_minor", _("amount"), ordering=False)

    @display(
        description=_("state"),
        label={"requested": CALM, "completed": GOOD, "failed": BAD},
    )
    def state_label(self, refund: Refund) -> tuple[str, str]:
        """Return where it stands."""
        return labelled(refund, "state")

    def get_urls(self):
        """Add the wizard that refunds an order, and what staff do about refusals."""
        wrap = self.admin_site.admin_view
        view = require_POST(wrap(self.mend))
        return [
            path(
                "order/<int:pk>/",
                wrap(RefundPage.as_view(model_admin=self)),
                name="order_refund",
            ),
            path("<path:pk>/mend/", view, name="refund_mend"),
            *super().get_urls(),
        ]

    def change_view(self, request, object_id, form_url="", extra_context=None):
        """Show the statement (R22), not a form."""
        refund = self.get_object(request, object_id)
        if refund is None:
            raise Http404
        if not self.has_view_permission(request, refund):
            raise PermissionDenied
        return self._show(request, refund)

    def mend(self, request, pk: str):
        """Ask again, give stored value, or withdraw (R4, R18)."""
        refund = self.get_object(request, pk)
        if refund is None:
            raise Http404
        if not request.user.has_perm("orders.add_refund"):
            raise PermissionDenied
        try:
            _mend(refund, request)
        except Refusal as refusal:
            return self._show(request, refund, error=str(refusal))
        messages.success(request, gettext("Done."))
        here = reverse("admin:orders_refund_change", args=[refund.pk])
        return HttpResponseRedirect(here)

    def _show(self, request, refund: Refund, error: str = ""):
        paper = refund_statement(refund_id=refund.pk)
        context = {
            **self.admin_site.each_context(request),
            "title": gettext("Refund %(id)s") % {"id": refund.public_id},
            "opts": self.opts,
            "original": refund,
            "refund": refund,
            "paper": paper,
            "deductions": [
                (RefundDeduction.Kind(part.code).label, part.amount_minor)
                for part in paper.deductions
            ],
            "tenders": [
                (tender, tender_words(tender.payment))
                for tender in refund.tenders.select_related("payment").order_by("id")
            ],
            "sentences": [
                effect_text(effect, paper.currency) for effect in paper.effects
            ],
            "may_mend": request.user.has_perm("orders.add_refund"),
            "error": error,
        }
        return TemplateResponse(request, "orders/statement_page.html", context)


def _mend(refund: Refund, request) -> None:
    deed = request.POST.get("deed", "")
    moment, words = now(), request.POST.get("consent", "")
    if deed == "withdraw":
        withdraw_refund(
            refund_id=refund.pk, actor=request.user, reason=words, now=moment
        )
        return
    number = request.POST.get("tender", "")
    known = number.isascii() and number.isdecimal()
    tender = refund.tenders.filter(pk=int(number[:18])).first() if known else None
    if tender is None or deed not in {"retry", "redirect"}:
        raise Http404
    if deed == "retry":
        retry_tender(tender_id=tender.pk, actor=request.user, now=moment)
    else:
        redirect_tender(
            tender_id=tender.pk, consent=words, actor=request.user, now=moment
        )


@admin.register(UnmatchedReturn)
class UnmatchedReturnAdmin(LedgerAdmin):
    """Returns whose purchase is not in the books. Staff look at them and settle."""

    when_empty = _(
        "Returns of other systems whose order is not known here yet. They match by "
        "themselves once it is."
    )
    list_display = [
        "external_ref",
        "occurred_at",
        "member",
        "variant",
        "quantity",
        "amount",
        "reason",
        "state_label",
    ]
    list_select_related = ["member", "variant"]
    list_filter = [("state", ChoicesDropdownFilter)]
    search_fields = ["=external_ref", "=member__number"]
    ordering = ["state", "-occurred_at"]
    actions = ["settle"]

    amount = money_column("amount_minor", _("amount"), ordering=False)

    @display(description=_("state"), label={"open": CALM, "settled": GOOD})
    def state_label(self, row: UnmatchedReturn) -> tuple[str, str]:
        """Return what staff made of it."""
        return labelled(row, "state")

    def has_settle_permission(self, request) -> bool:
        """Whether this login may settle returns."""
        return request.user.has_perm("orders.change_unmatchedreturn")

    @admin.action(description=_("Mark as settled"), permissions=["settle"])
    def settle(self, request, queryset):
        """Settle the chosen returns, one service call each."""
        moment = now()
        settled = sum(
            settle_return(return_id=pk, actor=request.user, now=moment)
            for pk in queryset.values_list("pk", flat=True)
        )
        messages.success(
            request,
            ngettext(
                "%(count)s return was settled.",
                "%(count)s returns were settled.",
                settled,
            )
            % {"count": settled},
        )


@admin.register(Adjustment)
class AdjustmentAdmin(LedgerAdmin):
    """Money of the books that is neither sale nor return."""

    when_empty = _("What other systems correct of an order after the fact stands here.")
    list_display = ["external_ref", "kind", "amount", "description", "occurred_at"]
    ordering = ["-occurred_at", "-id"]

    amount = money_column("amount_minor", _("amount"), ordering=False)
