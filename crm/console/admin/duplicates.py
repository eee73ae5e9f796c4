"""The queue of pairs who may be one person: look, merge, or say that they are two."""

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.decorators import method_decorator
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import display

from crm.console.queries.members import shown_name
from crm.console.queries.merging import REASONS
from crm.console.rules.masking import mask_phone
from crm.shared.clock import now
from crm.shared.errors import Refusal
from crm.shared.staff_lists import BUSY, CALM, GOOD, LedgerAdmin, labelled
from members.models import DuplicatePair, Member
from members.services.finding_duplicates import dismiss_pair, plan_search


@admin.register(DuplicatePair)
class DuplicatePairAdmin(LedgerAdmin):
    """Those to decide first, the likeliest on top."""

    when_empty = gettext_lazy(
        "Members who may be one person; new and changed ones are looked at every night."
    )
    list_display = [
        "likely",
        "one",
        "other",
        "why",
        "state_label",
        "found_at",
        "decide",
    ]
    list_display_links = None
    exclude = ["reasons"]
    readonly_fields = ["why"]
    list_select_related = ["first", "second"]
    list_filter = [("state", ChoicesDropdownFilter)]
    search_fields = ["=public_id", "=first__number", "=second__number"]
    ordering = ["-state", "-score", "-id"]
    change_list_template = "console/duplicates.html"

    @admin.display(description=gettext_lazy("likely"), ordering="score")
    def likely(self, pair: DuplicatePair) -> str:
        """Return the probability."""
        return f"{pair.score} %"

    @admin.display(description=gettext_lazy("first member"))
    def one(self, pair: DuplicatePair) -> str:
        """Return the older one, linked."""
        return _who(pair.first, pair.names[0])

    @admin.display(description=gettext_lazy("second member"))
    def other(self, pair: DuplicatePair) -> str:
        """Return the newer one, linked."""
        return _who(pair.second, pair.names[1])

    @admin.display(description=gettext_lazy("reasons"))
    def why(self, pair: DuplicatePair) -> str:
        """Return what speaks for it, strongest first."""
        return " · ".join(str(REASONS.get(code, code)) for code in pair.reasons)

    @display(
        description=gettext_lazy("state"),
        label={"open": BUSY, "dismissed": CALM, "merged": GOOD},
    )
    def state_label(self, pair: DuplicatePair) -> tuple[str, str]:
        """Return what staff made of it."""
        return labelled(pair, "state")

    @admin.display(description="")
    def decide(self, pair: DuplicatePair) -> str:
        """Return the ways on, as far as this login may take them."""
        if pair.state != DuplicatePair.State.OPEN:
            return ""
        links = []
        if pair.may_merge:
            target = reverse(
                "admin:member_merge", args=[pair.first.public_id, pair.second.public_id]
            )
            links.append(format_html('<a href="{}">{}</a>', target, _("Compare")))
        if pair.may_dismiss:
            target = reverse("admin:duplicate_dismiss", args=[pair.pk])
            links.append(format_html('<a href="{}">{}</a>', target, _("Two people")))
        return format_html(" · ".join("{}" for _link in links), *links) if links else ""

    def get_changelist_instance(self, request):
        """Say per row what this login may see and do."""
        changelist = super().get_changelist_instance(request)
        user = request.user
        for pair in changelist.result_list:
            pair.names = [shown_name(m, user) for m in (pair.first, pair.second)]
            pair.may_merge = user.has_perm("members.add_merge")
            pair.may_dismiss = user.has_perm("members.change_duplicatepair")
        return changelist

    def changelist_view(self, request, extra_context=None):
        """Offer a search to those who may start one."""
        may_search = request.user.has_perm("members.add_duplicatepair")
        return super().changelist_view(
            request, {"may_search": may_search, **(extra_context or {})}
        )

    def get_urls(self):
        """Add searching and dismissing."""
        wrap = self.admin_site.admin_view
        return [
            path("search/", wrap(self.start_search), name="duplicate_search"),
            path("<int:pk>/dismiss/", wrap(self.dismiss), name="duplicate_dismiss"),
            *super().get_urls(),
        ]

    @method_decorator(require_POST)
    def start_search(self, request) -> HttpResponse:
        """Look through everybody in the background."""
        if not request.user.has_perm("members.add_duplicatepair"):
            raise PermissionDenied
        job = plan_search(everybody=True, owner=request.user, now=now())
        if job is None:
            messages.info(request, _("A search is under way already."))
        else:
            messages.success(
                request,
                _("The search has begun: job %(job)s.") % {"job": job.public_id},
            )
        return HttpResponseRedirect(reverse("admin:members_duplicatepair_changelist"))

    def dismiss(self, request, pk: int) -> HttpResponse:
        """Ask for the reason, then say that they are two people."""
        if not request.user.has_perm("members.change_duplicatepair"):
            raise PermissionDenied
        pair = self.get_object(request, str(pk))
        back = reverse("admin:members_duplicatepair_changelist")
        if pair is None:
            return HttpResponseRedirect(back)
        error = ""
        if request.method == "POST":
            try:
                dismiss_pair(
                    pair_id=pair.pk,
                    reason=request.POST.get("reason", "")[:200],
                    actor=request.user,
                    now=now(),
                )
            except Refusal as refusal:
                error = str(refusal)
            else:
                messages.success(request, _("The pair will not be proposed again."))
                return HttpResponseRedirect(back)
        context = {
            **self.admin_site.each_context(request),
            "title": _("%(first)s and %(second)s are two people")
            % {"first": pair.first.number, "second": pair.second.number},
            "opts": self.opts,
            "text": _("They will not be proposed again."),
            "button": _("Two people"),
            "error": error,
            "back": back,
        }
        return TemplateResponse(request, "console/reason_page.html", context)


def _who(member: Member, name: str) -> str:
    return format_html(
        '<a class="cs-who" data-value href="{}">{}<small>{}</small></a>',
        reverse("admin:member_page", args=[member.public_id]),
        f"{name} {member.number}".strip(),
        mask_phone(member.phone),
    )
