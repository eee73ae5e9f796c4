"""Deeds for the members ticked in the list: ask what exactly, then start a job."""

from dataclasses import dataclass
from datetime import date
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.http import HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.widgets import UnfoldAdminIntegerFieldWidget

from crm.console.admin.member_action_forms import (
    CouponForm,
    PointsForm,
    ReasonForm,
    TagEachForm,
)
from crm.console.services.bulk import MOST_MEMBERS, start_bulk_deed
from crm.shared.clock import now

#: Points each of many members may get in one go.
MOST_POINTS_EACH = 10_000


class PointsEachForm(PointsForm):
    """How many points each."""

    points = forms.IntegerField(
        label=gettext_lazy("Points for each"),
        min_value=1,
        max_value=MOST_POINTS_EACH,
        widget=UnfoldAdminIntegerFieldWidget,
    )


@dataclass(frozen=True, slots=True)
class BulkDeed:
    """One deed: its words and its form. ``code`` is a key of the service's table."""

    code: str
    label: Any
    form: type[ReasonForm]


TAG = BulkDeed("tag", gettext_lazy("Put a tag on them"), TagEachForm)
GRANT = BulkDeed("grant", gettext_lazy("Grant points"), PointsEachForm)
COUPON = BulkDeed("coupon", gettext_lazy("Issue coupon"), CouponForm)


class BulkActionsMixin:
    """Adds the deeds to a list of members."""

    actions = ["bulk_tag", "bulk_grant", "bulk_coupon"]

    def has_tag_permission(self, request) -> bool:
        """Whether this login may tag."""
        return request.user.has_perm("members.change_member")

    def has_grant_permission(self, request) -> bool:
        """Whether this login may grant points."""
        return request.user.has_perm("loyalty.add_pointsentry")

    def has_coupon_permission(self, request) -> bool:
        """Whether this login may issue coupons."""
        return request.user.has_perm("campaigns.add_coupon")

    @admin.action(description=TAG.label, permissions=["tag"])
    def bulk_tag(self, request, queryset):
        """Tag the chosen members."""
        return self._ask(request, queryset, TAG)

    @admin.action(description=GRANT.label, permissions=["grant"])
    def bulk_grant(self, request, queryset):
        """Grant points to each of the chosen members."""
        return self._ask(request, queryset, GRANT)

    @admin.action(description=COUPON.label, permissions=["coupon"])
    def bulk_coupon(self, request, queryset):
        """Issue a coupon to each of the chosen members."""
        return self._ask(request, queryset, COUPON)

    def _ask(self, request, queryset, deed: BulkDeed):
        """Show the form; once it is filled in, start the job and show that."""
        count = queryset.order_by().count()
        if count > MOST_MEMBERS:
            messages.error(
                request,
                _("At most %(most)s members at once; %(count)s are chosen.")
                % {"most": f"{MOST_MEMBERS:,d}", "count": f"{count:,d}"},
            )
            return None
        form = deed.form(request.POST if "confirmed" in request.POST else None)
        if form.is_bound and form.is_valid():
            return self._start(request, queryset, deed, form.cleaned_data)
        chosen = request.POST.getlist(ACTION_CHECKBOX_NAME)
        context = {
            **self.admin_site.each_context(request),
            "title": deed.label,
            "opts": self.opts,
            "form": form,
            "count": count,
            "action": request.POST.get("action", ""),
            "chosen": chosen,
            "select_across": request.POST.get("select_across", "0"),
        }
        return TemplateResponse(request, "console/bulk_page.html", context)

    def _start(self, request, queryset, deed: BulkDeed, chosen: dict):
        values = {name: _plain(value) for name, value in chosen.items()}
        job = start_bulk_deed(
            deed=deed.code,
            values=values,
            member_ids=list(queryset.order_by("pk").values_list("pk", flat=True)),
            actor=request.user,
            now=now(),
        )
        return HttpResponseRedirect(reverse("admin:shared_job_change", args=[job.pk]))


def _plain(value: Any) -> Any:
    """Return what a job keeps of an answer: rows by key, days as text."""
    if isinstance(value, date):
        return value.isoformat()
    return getattr(value, "pk", value)
