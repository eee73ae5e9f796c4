"""The dialog that shows personal data in clear, wherever in the console it stands."""

from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _

from crm.shared.errors import Refusal
from members.models import User
from members.services.freezing import ReasonMissing


class RevealDialog:
    """Mixin of a view: personal data in clear, once, for a reason that is kept.

    The view behind it finds what it stands on (``page_url``, ``about``, ``frame``) and
    keeps ``at``, the time.
    """

    #: Rights it takes to look.
    rights = ("members.view_pii",)

    def dispatch(self, request, *args, what: str = "", **kwargs):
        """Refuse whoever may not, whatever is asked for."""
        if not request.user.has_perms(self.rights):
            raise PermissionDenied
        self.find(what)
        return super().dispatch(request, *args, **kwargs)

    def find(self, what: str) -> None:
        """Keep what is asked for, or answer that there is no such thing."""

    def get(self, request):
        """Ask for the reason."""
        return self._ask(request, "")

    def post(self, request):
        """Record the reason, then show the value."""
        try:
            value = self.value(request.user, request.POST.get("reason", ""))
        except ReasonMissing:
            return self._ask(request, _("Say why, in three characters or more."))
        except Refusal as refusal:
            return self._ask(request, str(refusal))
        return render(
            request,
            "console/reveal.html",
            {
                **self.frame(request),
                "about": self.about(),
                "value": value or "–",
                "page_url": self.page_url(),
            },
        )

    def value(self, actor: User, reason: str) -> str:
        """Return what is asked for in clear, on the record."""
        raise NotImplementedError

    def _ask(self, request, error: str) -> HttpResponse:
        return render(
            request,
            "console/reveal.html",
            {
                **self.frame(request),
                "about": self.about(),
                "link": request.path,
                "error": error,
                "page_url": self.page_url(),
            },
        )
