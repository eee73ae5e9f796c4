"""The door of an occasion: a ticket goes in, and who may come in comes out."""

from django.contrib import messages
from django.http import HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from crm.shared.clock import now
from crm.shared.errors import Refusal
from loyalty.admin.work_page import WorkPage
from loyalty.models import RewardRedemption
from loyalty.services.admitting import (
    LEAST_REASON,
    Admitted,
    TicketTooEarly,
    TicketTooLate,
    admit,
    moment_words,
)

#: Longer than any ticket, with all that somebody types around it.
_MOST_SIGNS = 40


class DoorPage(WorkPage):
    """Staff scan or type one ticket after the other."""

    def get(self, request):
        """Ask for a ticket; from the page of a redemption it is its own."""
        asked = request.GET.get("redemption", "")
        seats = RewardRedemption.objects.filter(kind="seat")
        row = seats.filter(public_id=asked[:_MOST_SIGNS]).first()
        return self._show(request, ticket=row.ticket if row else "")

    def post(self, request):
        """Let in, and be ready for the next one; ask why while the door is closed."""
        ticket = request.POST.get("ticket", "").strip()[:_MOST_SIGNS]
        reason = request.POST.get("reason", "")
        try:
            done = admit(ticket=ticket, actor=request.user, reason=reason, now=now())
        except (TicketTooEarly, TicketTooLate) as refusal:
            return self._show(request, ticket=ticket, error=str(refusal), asks_why=True)
        except Refusal as refusal:
            return self._show(request, ticket=ticket, error=str(refusal))
        messages.success(request, _words(done))
        return HttpResponseRedirect(reverse("admin:redemption_door"))

    def _show(self, request, *, ticket: str, error: str = "", asks_why: bool = False):
        return self.show(
            request,
            "loyalty/door_page.html",
            title=_("Let in"),
            ticket=ticket,
            error=error,
            asks_why=asks_why,
            least_reason=LEAST_REASON,
            most_signs=_MOST_SIGNS,
            back=reverse("admin:loyalty_rewardredemption_changelist"),
        )


def _words(done: Admitted) -> str:
    row = done.redemption
    assert row.admitted_at is not None
    told = _("%(name)s: let in at %(at)s.") % {
        "name": row.label,
        "at": moment_words(row.admitted_at),
    }
    if not done.points:
        return told
    earned = ngettext(
        "%(points)s point for coming.", "%(points)s points for coming.", done.points
    )
    return f"{told} {earned % {'points': f'{done.points:,d}'}}"
