"""Consent texts: what members are asked, version by version."""

from django import forms
from django.contrib import admin
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import ChoicesDropdownFilter

from crm.shared.clock import now
from crm.shared.staff_lists import StaffAdmin
from members.models import ConsentText
from members.rules.consent import is_text_version
from members.services.publishing import publish_text


class ConsentTextForm(forms.ModelForm):
    """A new version."""

    class Meta:
        model = ConsentText
        fields = ["purpose", "version", "language", "body"]

    def clean_version(self) -> str:
        """Return a version that is one plain word."""
        version = self.cleaned_data["version"]
        if not is_text_version(version):
            raise forms.ValidationError(
                _("Use letters, digits, dots and dashes, such as 2026-11.")
            )
        return version


@admin.register(ConsentText)
class ConsentTextAdmin(StaffAdmin):
    """What is asked. A published text never changes; a new version takes its place."""

    when_empty = _("The texts that members agree to, version by version.")
    form = ConsentTextForm
    list_display = ["published_at", "purpose", "version", "language", "body"]
    list_display_links = ["published_at"]
    list_filter = [
        ("purpose", ChoicesDropdownFilter),
        ("language", ChoicesDropdownFilter),
    ]
    search_fields = ["=version"]
    ordering = ["-published_at", "-id"]
    fields = ["purpose", "version", "language", "body"]
    actions = None

    def has_change_permission(self, request, obj=None) -> bool:
        """Refuse: consents stand on these words."""
        return False

    def has_delete_permission(self, request, obj=None) -> bool:
        """Refuse."""
        return False

    def save_model(self, request, obj, form, change):
        """Publish the text."""
        obj.pk = publish_text(**form.cleaned_data, now=now()).pk
