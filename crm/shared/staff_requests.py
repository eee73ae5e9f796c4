"""Lists of requests somebody decides on: each opens as a page with its verbs."""

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from unfold.contrib.filters.admin import ChoicesDropdownFilter

from crm.shared.staff_lists import LedgerAdmin


class RequestAdmin(LedgerAdmin):
    """A list of requests; each opens as a page with the verbs that fit its state."""

    list_filter = [("state", ChoicesDropdownFilter)]
    search_fields = ["=public_id"]
    ordering = ["-id"]
    #: Template of the page of one request.
    page_template = ""

    def get_urls(self):
        """Add the verbs, behind the site's sign-in check."""
        own = [
            path(f"<path:pk>/{verb}/", self.admin_site.admin_view(view), name=name)
            for verb, view, name in self.verbs()
        ]
        return own + super().get_urls()

    def verbs(self) -> list[tuple]:
        """Return word in the address, view and URL name of each verb."""
        return []

    def request_of(self, request, pk):
        """Return the row, for those who may see it.

        Raises:
            Http404: there is none.
            PermissionDenied: this login may not see it.
        """
        row = self.get_object(request, pk)
        if row is None:
            raise Http404
        if not self.has_view_permission(request, row):
            raise PermissionDenied
        return row

    def change_view(self, request, object_id, form_url="", extra_context=None):
        """Show one request as a page, not as a form."""
        row = self.request_of(request, object_id)
        context = {
            **self.admin_site.each_context(request),
            "title": row.public_id,
            "opts": self.opts,
            "original": row,
            **self.facts(request, row),
            **(extra_context or {}),
        }
        return TemplateResponse(request, self.page_template, context)

    def facts(self, request, row) -> dict:
        """Return what the page shows beside the row itself."""
        return {}

    def back_to(self, row) -> HttpResponseRedirect:
        """Return to the page of the request."""
        name = f"admin:{self.opts.app_label}_{self.opts.model_name}_change"
        return HttpResponseRedirect(reverse(name, args=[row.pk]))
