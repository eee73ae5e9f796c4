"""Payments: the list, and asking a provider again."""

from django.contrib import admin, messages
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from unfold.contrib.filters.admin import ChoicesDropdownFilter, RangeDateTimeFilter
from unfold.decorators import display

from crm.shared.clock import now
from crm.shared.errors import Refusal
from crm.shared.staff_lists import (
    BAD,
    BUSY,
    CALM,
    GOOD,
    LedgerAdmin,
    labelled,
    money_column,
)
from orders.models import Payment
from orders.payment_words import tender_words
from orders.services.reconciling import ask_again


@admin.register(Payment)
class PaymentAdmin(LedgerAdmin):
    """Money coming in, newest first."""

    when_empty = _("What buyers pay stands here, from the first attempt on.")

    list_display = [
        "public_id",
        "order",
        "paid_by",
        "state_label",
        "amount",
        "refunded",
        "created_at",
        "captured_at",
    ]
    list_select_related = ["order"]
    list_filter = [
        ("state", ChoicesDropdownFilter),
        ("created_at", RangeDateTimeFilter),
    ]
    search_fields = ["=public_id", "=provider_ref", "=order__number"]
    ordering = ["-created_at", "-id"]
    actions = ["ask_again"]
    fields = [
        *("order", "paid_by", "amount", "refunded", "state", "provider_ref"),
        *("created_at", "captured_at"),
    ]
    readonly_fields = ["paid_by", "amount", "refunded"]

    amount = money_column("amount_minor", _("amount"), ordering=False)
    refunded = money_column("refunded_minor", _("refunded"), ordering=False)

    @admin.display(description=_("provider"), ordering="provider")
    def paid_by(self, payment: Payment) -> str:
        """Return how the money came."""
        return tender_words(payment)

    @display(
        description=_("state"),
        label={
            "pending": CALM,
            "held": BUSY,
            "captured": GOOD,
            "failed": BAD,
            "cancelled": CALM,
            "surplus": BAD,
            "returned": CALM,
        },
    )
    def state_label(self, payment: Payment) -> tuple[str, str]:
        """Return where it stands."""
        return labelled(payment, "state")

    def has_ask_permission(self, request) -> bool:
        """Whether this login may have providers asked."""
        return request.user.has_perm("orders.change_payment")

    @admin.action(description=_("Ask the provider again now"), permissions=["ask"])
    def ask_again(self, request, queryset):
        """Ask about the chosen payments, or return their surplus, one call each."""
        moment, asked, closed = now(), 0, 0
        for pk in queryset.values_list("pk", flat=True):
            try:
                ask_again(payment_id=pk, actor=request.user, now=moment)
            except Refusal:
                closed += 1
            else:
                asked += 1
        if asked:
            text = ngettext(
                "The provider is asked about %(count)s payment.",
                "The provider is asked about %(count)s payments.",
                asked,
            )
            messages.success(request, text % {"count": asked})
        if closed:
            text = ngettext(
                "Nothing about %(count)s payment is open.",
                "Nothing about %(count)s payments is open.",
                closed,
            )
            messages.warning(request, text % {"count": closed})
