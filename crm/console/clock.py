"""The time machine: moving the clock of a demo or test shop forward."""

from django import forms
from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminIntegerFieldWidget

from crm.shared.clock import now
from crm.shared.jobs import enqueue

MOST_DAYS = 400


class ClockForm(forms.Form):
    """How far."""

    days = forms.IntegerField(
        label=_("Days"),
        min_value=1,
        max_value=MOST_DAYS,
        initial=30,
        widget=UnfoldAdminIntegerFieldWidget,
        help_text=_("The clock only moves forward; each day's work is done in order."),
    )


def may_move_clock(user) -> bool:
    """Whether this login may move the clock of this shop."""
    return not settings.IS_PRODUCTION and user.has_perm("shared.change_shopclock")


def clock_page(request, site):
    """Ask how many days, start the job that lives through them, and show it."""
    if settings.IS_PRODUCTION:
        raise Http404
    if not may_move_clock(request.user):
        raise PermissionDenied
    form = ClockForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        job = enqueue(
            kind="console.advance_clock",
            params={"days": form.cleaned_data["days"]},
            owner=request.user,
            now=now(),
        )
        return HttpResponseRedirect(reverse("admin:shared_job_change", args=[job.pk]))
    context = {**site.each_context(request), "title": _("Time machine"), "form": form}
    return TemplateResponse(request, "console/clock_page.html", context)
