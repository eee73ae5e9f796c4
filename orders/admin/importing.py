"""Files that were brought in, and bringing in another."""

from pathlib import PurePath

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.core.files.storage import default_storage
from django.http import HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminFileFieldWidget, UnfoldAdminSelectWidget

from crm.shared.clock import now
from crm.shared.jobs import enqueue
from crm.shared.public_ids import new_public_id
from crm.shared.staff_lists import LedgerAdmin
from orders.models import ImportBatch
from orders.services.importing import PROFILES

#: Files above this are brought in by the command ``import_orders``.
MOST_BYTES = 100 * 1024 * 1024


class ImportFileForm(forms.Form):
    """Which file, written how."""

    profile = forms.ChoiceField(
        label=_("Kind of file"),
        choices=[(profile, profile) for profile in PROFILES],
        widget=UnfoldAdminSelectWidget,
    )
    file = forms.FileField(
        label=_("File"),
        widget=UnfoldAdminFileFieldWidget,
        help_text=_("At most 100 MB. The same content twice changes nothing."),
    )

    def clean_file(self):
        """Refuse what a request should not carry."""
        upload = self.cleaned_data["file"]
        if upload.size > MOST_BYTES:
            raise forms.ValidationError(_("The file is larger than 100 MB."))
        return upload


@admin.register(ImportBatch)
class ImportBatchAdmin(LedgerAdmin):
    """One row per file content."""

    when_empty = _(
        "Bring in orders of another system: choose a file, look at what was read, "
        "then confirm."
    )
    list_display = [
        "file_name",
        "profile",
        "state",
        "rows_read",
        "rows_stored",
        "rows_reported",
        "started_at",
        "finished_at",
    ]
    fields = [*list_display, "sha256"]
    ordering = ["-id"]
    change_list_template = "orders/import_list.html"

    def get_urls(self):
        """Add the upload page."""
        view = self.admin_site.admin_view(self.upload)
        return [path("upload/", view, name="order_import"), *super().get_urls()]

    def changelist_view(self, request, extra_context=None):
        """Offer the upload to those who may."""
        context = {"may_import": request.user.has_perm("orders.add_importbatch")}
        return super().changelist_view(request, {**context, **(extra_context or {})})

    def upload(self, request):
        """Store the file, start the job, and show it working."""
        if not request.user.has_perm("orders.add_importbatch"):
            raise PermissionDenied
        form = ImportFileForm(request.POST or None, request.FILES or None)
        if request.method == "POST" and form.is_valid():
            job = self._start(request, form.cleaned_data)
            return HttpResponseRedirect(
                reverse("admin:shared_job_change", args=[job.pk])
            )
        context = {
            **self.admin_site.each_context(request),
            "title": _("Bring in orders"),
            "opts": self.opts,
            "form": form,
        }
        return TemplateResponse(request, "orders/import_page.html", context)

    def _start(self, request, chosen: dict):
        upload = chosen["file"]
        suffixes = "".join(PurePath(upload.name).suffixes[-2:])[:12]
        stored = default_storage.save(
            f"imports/{new_public_id('upl')}{suffixes}", upload
        )
        return enqueue(
            kind="orders.import",
            params={
                "profile": chosen["profile"],
                "file": stored,
                "file_name": upload.name[:200],
            },
            owner=request.user,
            now=now(),
        )
