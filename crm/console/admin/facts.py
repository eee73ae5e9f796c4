"""Facts on their way: what is stuck, and sending it again."""

from django.contrib import admin, messages
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from unfold.contrib.filters.admin import ChoicesDropdownFilter, RangeDateTimeFilter
from unfold.decorators import display

from crm.shared.clock import now
from crm.shared.models import Delivery, Fact
from crm.shared.outbox import replay
from crm.shared.staff_lists import BAD, BUSY, GOOD, LedgerAdmin, labelled


@admin.register(Fact)
class FactAdmin(LedgerAdmin):
    """What happened. Payloads hold ids and numbers, never personal data."""

    when_empty = _("What happened in the shop, as other parts of it hear of it.")
    list_display = ["id", "recorded_at", "name", "key", "request_id"]
    list_filter = [("recorded_at", RangeDateTimeFilter)]
    search_fields = ["=name"]
    ordering = ["-recorded_at", "-id"]


@admin.register(Delivery)
class DeliveryAdmin(LedgerAdmin):
    """One fact for one subscriber. Stuck ones wait for somebody to send them again."""

    when_empty = _(
        "Each fact is delivered to whoever waits for it; what fails is tried again."
    )
    list_display = [
        "id",
        "fact",
        "subscriber",
        "state_label",
        "attempts",
        "last_error",
        "due_at",
        "done_at",
    ]
    list_select_related = ["fact"]
    list_filter = [("state", ChoicesDropdownFilter)]
    ordering = ["-id"]
    actions = ["send_again"]

    @display(
        description=_("state"), label={"pending": BUSY, "done": GOOD, "stuck": BAD}
    )
    def state_label(self, delivery: Delivery) -> tuple[str, str]:
        """Return how far it got."""
        return labelled(delivery, "state")

    def has_replay_permission(self, request) -> bool:
        """Whether this login may send facts again."""
        return request.user.has_perm("shared.change_delivery")

    @admin.action(description=_("Send again"), permissions=["replay"])
    def send_again(self, request, queryset):
        """Try the chosen deliveries again at once."""
        chosen = list(queryset.values_list("pk", flat=True))
        count = replay(chosen, actor=request.user, now=now())
        messages.success(
            request,
            ngettext(
                "%(count)s delivery will be tried again.",
                "%(count)s deliveries will be tried again.",
                count,
            )
            % {"count": count},
        )
