"""Keys of the server API: made here, shown once, revoked here."""

from django import forms
from django.contrib import admin, messages
from django.template.response import TemplateResponse
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from unfold.decorators import display
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget

from crm import wiring
from crm.shared.clock import now
from crm.shared.models import ServerKey
from crm.shared.server_keys import make_server_key, revoke_server_key
from crm.shared.staff_lists import BAD, CALM, GOOD, StaffAdmin


class ServerKeyForm(forms.ModelForm):
    """Which program, what it may do, until when."""

    scopes = forms.MultipleChoiceField(
        label=_("scopes"),
        choices=list(wiring.SERVER_SCOPES.items()),
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
        help_text=_("The least it needs."),
    )

    class Meta:
        model = ServerKey
        fields = ["name", "scopes", "per_minute", "expires_at"]


@admin.register(ServerKey)
class ServerKeyAdmin(StaffAdmin):
    """Keys are never changed: a program that needs more gets another one."""

    when_empty = _("A till or another system needs a key to use the server API.")
    form = ServerKeyForm
    list_display = [
        "name",
        "prefix",
        "state_label",
        "scope_list",
        "last_used_at",
        "expires_at",
    ]
    list_display_links = None
    ordering = ["-id"]
    fields = ["name", "scopes", "per_minute", "expires_at"]
    actions = ["revoke"]

    @display(description=_("state"), label={"works": GOOD, "old": CALM, "revoked": BAD})
    def state_label(self, key: ServerKey) -> tuple[str, str]:
        """Return whether it still opens anything."""
        if key.revoked_at:
            return "revoked", str(_("revoked"))
        if key.expires_at and key.expires_at <= now():
            return "old", str(_("expired"))
        return "works", str(_("works"))

    @admin.display(description=_("scopes"))
    def scope_list(self, key: ServerKey) -> str:
        """Return what it may do."""
        return " · ".join(key.scopes)

    def has_change_permission(self, request, obj=None) -> bool:
        """Refuse: revoke it and make another."""
        return False

    def has_delete_permission(self, request, obj=None) -> bool:
        """Refuse: the audit trail names it."""
        return False

    def has_revoke_permission(self, request) -> bool:
        """Whether this login may make keys useless."""
        return request.user.has_perm("shared.change_serverkey")

    def save_model(self, request, obj, form, change):
        """Make the key; its secret lives as long as this request."""
        made, request.server_key_secret = make_server_key(
            **form.cleaned_data, actor=request.user, now=now()
        )
        obj.pk, obj.public_id, obj.prefix = made.pk, made.public_id, made.prefix

    def log_addition(self, request, obj, message):
        """Do nothing: the service has recorded it."""

    def response_add(self, request, obj, post_url_continue=None):
        """Show the secret once, on this page and in no message, session or log."""
        return TemplateResponse(
            request,
            "console/server_key_made.html",
            {
                **self.admin_site.each_context(request),
                "opts": self.opts,
                "title": _("Server key"),
                "key": obj,
                "secret": request.server_key_secret,
            },
            headers={"Cache-Control": "no-store"},
        )

    @admin.action(description=_("Revoke"), permissions=["revoke"])
    def revoke(self, request, queryset):
        """Make the chosen keys useless at once."""
        at = now()
        count = sum(
            revoke_server_key(key_id=pk, actor=request.user, now=at)
            for pk in list(queryset.values_list("pk", flat=True))
        )
        messages.success(
            request,
            ngettext(
                "%(count)s key was revoked.", "%(count)s keys were revoked.", count
            )
            % {"count": count},
        )
