"""Lists that go out to spreadsheets and come back from them."""

from django import forms
from django.utils.translation import gettext_lazy as _
from import_export.admin import ExportMixin, ImportMixin
from import_export.formats.base_formats import CSV, XLSX
from unfold.contrib.import_export.forms import ExportForm, ImportForm
from unfold.widgets import UnfoldAdminTextInputWidget, UnfoldBooleanWidget

from crm.shared.clock import now


class ExportWithReasonForm(ExportForm):
    """What to take out; personal data in clear only with a reason."""

    clear = forms.BooleanField(
        label=_("Personal data in clear"),
        required=False,
        widget=UnfoldBooleanWidget(),
        help_text=_("Otherwise names, phones and addresses are masked."),
    )
    reason = forms.CharField(
        label=_("Reason"),
        required=False,
        max_length=200,
        widget=UnfoldAdminTextInputWidget(),
        help_text=_("Needed for clear text; kept in the audit trail."),
    )

    def clean(self):
        """Refuse clear text without a reason."""
        cleaned = super().clean()
        if cleaned.get("clear") and len(cleaned.get("reason", "").strip()) < 3:
            self.add_error("reason", _("Say why, in three characters or more."))
        return cleaned


class ExportAdmin(ExportMixin):
    """Admin mixin: take the filtered list out as CSV or XLSX."""

    export_form_class = ExportForm
    formats = [CSV, XLSX]
    to_encoding = "utf-8-sig"

    def get_export_formats(self):
        """Offer formats people can open."""
        return self.formats

    def has_export_permission(self, request) -> bool:
        """Whoever sees the list may take it out."""
        return self.has_view_permission(request)


class ImportAdmin(ImportMixin):
    """Admin mixin: bring rows in by services, after a trial run."""

    import_form_class = ImportForm
    formats = [CSV, XLSX]
    from_encoding = "utf-8-sig"
    skip_admin_log = True

    def get_import_formats(self):
        """Offer formats people can make."""
        return self.formats

    def has_import_permission(self, request) -> bool:
        """Importing adds and changes."""
        return self.has_add_permission(request) and self.has_change_permission(request)

    def get_import_resource_kwargs(self, request, **kwargs):
        """Pass nothing on: resources of services need no form."""
        return {}

    def get_import_data_kwargs(self, **kwargs):
        """Say when."""
        kwargs = super().get_import_data_kwargs(**kwargs)
        kwargs.pop("request", None)
        return {**kwargs, "now": now()}
