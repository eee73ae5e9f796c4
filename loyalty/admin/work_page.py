"""What pages about redemptions share: who may, and how they look."""

from typing import Any

from django.core.exceptions import PermissionDenied
from django.template.response import TemplateResponse
from django.views.generic import View

#: Sending, delivering, giving back, and letting in at the door.
WORKS = "loyalty.change_rewardredemption"


class WorkPage(View):
    """A page for whoever may work on redemptions."""

    model_admin: Any = None

    def dispatch(self, request, *args, **kwargs):
        """Refuse whoever may not."""
        if not request.user.has_perm(WORKS):
            raise PermissionDenied
        return super().dispatch(request, *args, **kwargs)

    def show(self, request, template: str, **context: Any) -> TemplateResponse:
        """Return a page of the console."""
        site = self.model_admin.admin_site.each_context(request)
        context = {**site, "opts": self.model_admin.opts, **context}
        return TemplateResponse(request, template, context)
