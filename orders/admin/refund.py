"""Money going back: refunds, returns without a purchase, adjustments."""

from django.contrib import admin, messages
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from unfold.contrib.filters.admin import ChoicesDropdownFilter, RangeDateTimeFilter
from unfold.decorators import display

from crm.shared.clock import now
from crm.shared.staff_lists import BAD, CALM, GOOD, LedgerAdmin, money_column
from orders.models import Adjustment, Refund, UnmatchedReturn
from orders.services.settling import settle_return


@admin.register(Refund)
class RefundAdmin(LedgerAdmin):
    """What went back, newest first."""

    list_display = [
        "public_id",
        "order",
        "state_label",
        "amount",
        "points_returned",
        "reason",
        "actor",
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
        return refund.state, refund.get_state_display()


@admin.register(UnmatchedReturn)
class UnmatchedReturnAdmin(LedgerAdmin):
    """Returns whose purchase is not in the books. Staff look at them and settle."""

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
        return row.state, row.get_state_display()

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

    list_display = ["external_ref", "kind", "amount", "description", "occurred_at"]
    ordering = ["-occurred_at", "-id"]

    amount = money_column("amount_minor", _("amount"), ordering=False)
