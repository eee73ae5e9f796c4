"""Tickets: the queue of the service desk."""

from django.contrib import admin
from django.utils.translation import gettext_lazy as _
from unfold.admin import TabularInline
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import display

from crm.care.models import Ticket, TicketMessage
from crm.shared.clock import now
from crm.shared.staff_lists import BUSY, CALM, GOOD, GrowingAdmin, labelled


class TicketMessageInline(TabularInline):
    """The conversation, to read."""

    model = TicketMessage
    fields = ["created_at", "is_from_member", "is_private", "text"]
    readonly_fields = fields
    extra = 0
    can_delete = False

    def has_add_permission(self, request, obj=None) -> bool:
        """Refuse: answers go through the service."""
        return False


class OverdueFilter(admin.SimpleListFilter):
    """Tickets that should have been answered by now."""

    title = _("overdue")
    parameter_name = "overdue"

    def lookups(self, request, model_admin):
        """Offer one choice."""
        return [("yes", _("Yes"))]

    def queryset(self, request, queryset):
        """Keep open tickets past their time."""
        if self.value() != "yes":
            return queryset
        return queryset.exclude(state=Ticket.State.SOLVED).filter(due_at__lt=now())


@admin.register(Ticket)
class TicketAdmin(GrowingAdmin):
    """Most urgent first."""

    when_empty = _(
        "Questions and complaints of members; open one on a member's or an order's "
        "page."
    )
    list_display = [
        "subject_text",
        "member",
        "kind",
        "state_label",
        "owner",
        "due_at",
        "public_id",
    ]
    list_select_related = ["member", "owner"]
    list_filter = [
        ("state", ChoicesDropdownFilter),
        ("kind", ChoicesDropdownFilter),
        OverdueFilter,
    ]
    search_fields = ["=public_id", "=member__number"]
    ordering = ["state", "due_at", "-id"]
    fields = [
        "public_id",
        "member",
        "order",
        "kind",
        "subject",
        "state",
        "owner",
        "due_at",
        "created_at",
        "solved_at",
    ]
    readonly_fields = [
        "public_id",
        "member",
        "order",
        "subject",
        "created_at",
        "solved_at",
    ]
    inlines = [TicketMessageInline]

    @admin.display(description=_("subject"))
    def subject_text(self, ticket: Ticket) -> str:
        """Return the subject: who may open tickets may read them."""
        return ticket.subject

    @display(
        description=_("state"), label={"open": BUSY, "waiting": CALM, "solved": GOOD}
    )
    def state_label(self, ticket: Ticket) -> tuple[str, str]:
        """Return where it stands."""
        return labelled(ticket, "state")

    def formfield_for_foreignkey(self, db_field, request, **kwargs):
        """Offer staff only as owners."""
        if db_field.name == "owner":
            kwargs["queryset"] = db_field.remote_field.model.objects.filter(
                is_staff=True
            )
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def has_add_permission(self, request) -> bool:
        """Refuse: tickets are opened on the page of a member."""
        return False

    def has_delete_permission(self, request, obj=None) -> bool:
        """Refuse: tickets are solved, not deleted."""
        return False
