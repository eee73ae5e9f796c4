"""Messages: the outbox of the shop."""

from django.contrib import admin
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import display

from campaigns.models import Message
from campaigns.services.messaging import TEMPLATES
from crm.shared.audit import record_audit
from crm.shared.clock import now
from crm.shared.staff_lists import BAD, BUSY, CALM, GOOD, LedgerAdmin, labelled
from members.models import Consent


@admin.register(Message)
class MessageAdmin(LedgerAdmin):
    """What was written to whom. The text is for those who may see personal data."""

    when_empty = _("What the shop wrote to members, and what was not sent and why.")
    list_display = [
        "created_at",
        "member",
        "way",
        "about",
        "state_label",
        "note",
        "attempts",
        "sent_at",
    ]
    list_select_related = ["member"]
    list_filter = [("state", ChoicesDropdownFilter)]
    search_fields = ["=member__number", "=public_id"]
    ordering = ["-created_at", "-id"]

    @admin.display(description=_("channel"))
    def way(self, message: Message) -> str:
        """Return by which way it goes."""
        return dict(Consent.Channel.choices).get(message.channel, message.channel)

    @admin.display(description=_("template"))
    def about(self, message: Message) -> str:
        """Return what its template is headed; of one that is gone, its name."""
        known = TEMPLATES.get(message.template)
        return str(known.subject) if known else message.template

    @display(
        description=_("state"),
        label={
            "queued": BUSY,
            "sending": BUSY,
            "sent": GOOD,
            "suppressed": CALM,
            "failed": BAD,
        },
    )
    def state_label(self, message: Message) -> tuple[str, str]:
        """Return where it stands."""
        return labelled(message, "state")

    def get_queryset(self, request):
        """Leave the encrypted text out of lists."""
        return super().get_queryset(request).defer("body")

    def get_fields(self, request, obj=None) -> list[str]:
        """Return the columns, and the text for those who may see it."""
        fields = ["public_id", *self.list_display[:4], "state", *self.list_display[5:]]
        if request.user.has_perm("members.view_pii"):
            fields += ["subject", "body"]
        return fields

    def change_view(self, request, object_id, form_url="", extra_context=None):
        """Show one message; reading a text is recorded."""
        message = self.get_object(request, object_id)
        if message and request.user.has_perm("members.view_pii"):
            record_audit(
                actor=request.user, action="messages.read", obj=message, now=now()
            )
        return super().change_view(request, object_id, form_url, extra_context)
