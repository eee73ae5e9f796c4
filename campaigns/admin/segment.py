"""Segments: a form in lines, who is in them, and coupons for all of them."""

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.generic import View
from unfold.contrib.filters.admin import AutocompleteSelectFilter
from unfold.widgets import UnfoldAdminSelectWidget

from campaigns.admin.segment_form import LINES, SegmentForm, is_flat
from campaigns.models import CouponTemplate, Segment, SegmentMember
from campaigns.services.segmenting import order_issue, order_refresh, write_segment
from crm.shared import clock
from crm.shared.condition_words import problem_words, words_of
from crm.shared.conditions import ConditionError
from crm.shared.errors import Refusal
from crm.shared.staff_lists import LedgerAdmin, StaffAdmin
from members.conditions import read_member_condition


@admin.register(Segment)
class SegmentAdmin(StaffAdmin):
    """Members chosen by conditions; promotions, prices and coupons are for them."""

    form = SegmentForm
    # Labels above: three of them stand beside one another in a line of conditions.
    compressed_fields = False
    list_display = ["label", "code", "in_words", "members_count", "refreshed_at"]
    list_filter = ["is_active"]
    search_fields = ["name", "name_en", "code"]
    readonly_fields = ["in_words", "members_count", "refreshed_at"]
    ordering = ["code"]
    change_form_outer_before_template = "campaigns/segment_links.html"
    when_empty = gettext_lazy(
        "A segment is a group of members, such as those who have not bought for 90 "
        "days. Add one; promotions, prices and coupons can then be for its members."
    )
    fieldsets = [
        (
            None,
            {
                "fields": [
                    ("name", "name_en"),
                    ("code", "is_active"),
                    "in_words",
                    ("members_count", "refreshed_at"),
                ]
            },
        ),
        (
            gettext_lazy("Conditions"),
            {
                "description": gettext_lazy(
                    "Several values are set apart by commas. Lines left empty ask "
                    "nothing; without any line everybody is in it."
                ),
                "fields": [
                    "join",
                    *((f"field_{n}", f"how_{n}", f"value_{n}") for n in range(LINES)),
                ],
            },
        ),
    ]

    def get_urls(self):
        """Add looking again, and giving coupons."""
        view = self.admin_site.admin_view
        return [
            path(
                "<int:pk>/refresh/",
                view(RefreshPage.as_view(model_admin=self)),
                name="segment_refresh",
            ),
            path(
                "<int:pk>/coupons/",
                view(IssuePage.as_view(model_admin=self)),
                name="segment_coupons",
            ),
            *super().get_urls(),
        ]

    def get_readonly_fields(self, request, obj=None):
        """Keep the code of a saved segment: promotions name it."""
        found = super().get_readonly_fields(request, obj)
        return [*found, "code"] if obj else found

    def get_fieldsets(self, request, obj=None):
        """Leave the lines out for who may not write, or where groups need words."""
        found = super().get_fieldsets(request, obj)
        if obj is None:
            return found
        may = self.has_change_permission(request, obj) and is_flat(obj.condition)
        return found if may else found[:1]

    def save_model(self, request, obj, form, change):
        """Save it and have it looked at."""
        write_segment(segment=obj, actor=request.user, now=clock.now())
        messages.info(request, _("Who is in it is being looked up."))

    @admin.display(description=gettext_lazy("segment"), ordering="name")
    def label(self, segment: Segment) -> str:
        """Return the name in the language of the page."""
        return segment.label

    @admin.display(description=gettext_lazy("in plain words"))
    def in_words(self, segment: Segment) -> str:
        """Return who is in it, as saved."""
        if segment.pk is None:
            return "–"
        try:
            condition = read_member_condition(segment.condition, clock.now())
        except ConditionError as error:
            return problem_words(error)
        return words_of(condition) or _("everybody")


@admin.register(SegmentMember)
class SegmentMemberAdmin(LedgerAdmin):
    """Who is in which segment, as of the last look."""

    when_empty = gettext_lazy(
        "Whoever is in a segment stands here after it was counted."
    )
    list_display = ["member", "segment", "since"]
    list_select_related = ["member", "segment"]
    list_filter = [("segment", AutocompleteSelectFilter)]
    search_fields = ["=member__number"]
    ordering = ["-id"]


class _SegmentView(View):
    """A deed about one segment, for who may change segments."""

    model_admin = None
    needs: tuple[str, ...] = ("campaigns.change_segment",)

    def dispatch(self, request, *args, pk: int, **kwargs):
        """Refuse first, look up then."""
        if not request.user.has_perms(self.needs):
            raise PermissionDenied
        self.segment = Segment.objects.filter(pk=pk).first()
        if self.segment is None:
            raise Http404
        return super().dispatch(request, *args, **kwargs)

    def _back(self) -> str:
        return reverse("admin:campaigns_segment_change", args=[self.segment.pk])

    def _after(self, request, job) -> HttpResponseRedirect:
        """Go where the job is watched, by who may see jobs."""
        if request.user.has_perm("shared.view_job"):
            return HttpResponseRedirect(
                reverse("admin:shared_job_change", args=[job.pk])
            )
        messages.info(request, _("The work has begun."))
        return HttpResponseRedirect(self._back())


class RefreshPage(_SegmentView):
    """Look again who is in it."""

    http_method_names = ["post"]

    def post(self, request):
        """Start the job."""
        job = order_refresh(segment=self.segment, actor=request.user, now=clock.now())
        return self._after(request, job)


class IssueForm(forms.Form):
    """Which coupon."""

    template = forms.ModelChoiceField(
        label=gettext_lazy("coupon template"),
        queryset=CouponTemplate.objects.filter(state=CouponTemplate.State.LIVE),
        widget=UnfoldAdminSelectWidget,
    )


class IssuePage(_SegmentView):
    """Give everybody in a segment a coupon."""

    needs = ("campaigns.change_segment", "campaigns.add_coupon")

    def get(self, request):
        """Say who would get what."""
        return self._show(request, IssueForm())

    def post(self, request):
        """Start the job."""
        form = IssueForm(request.POST)
        if not form.is_valid():
            return self._show(request, form)
        try:
            job = order_issue(
                segment_id=self.segment.pk,
                template_id=form.cleaned_data["template"].pk,
                actor=request.user,
                now=clock.now(),
            )
        except Refusal as refusal:
            form.add_error(None, str(refusal))
            return self._show(request, form)
        return self._after(request, job)

    def _show(self, request, form: IssueForm):
        context = {
            **self.model_admin.admin_site.each_context(request),
            "title": _("Coupons for “%(name)s”") % {"name": self.segment.label},
            "opts": self.model_admin.opts,
            "segment": self.segment,
            "form": form,
            "back": self._back(),
        }
        return TemplateResponse(request, "campaigns/segment_issue.html", context)
