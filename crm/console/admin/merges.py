"""Merging two members, the list of merges, and undoing one."""

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Q
from django.http import Http404, HttpResponseRedirect
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.decorators import method_decorator
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.generic import View
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import display

from crm.console.queries.members import shown_name
from crm.console.queries.merging import choices
from crm.console.services.trying_merge import try_merge
from crm.shared.clock import now
from crm.shared.errors import Refusal
from crm.shared.staff_lists import CALM, GOOD, LedgerAdmin, labelled
from members.models import Member, Merge
from members.queries import or_who_stayed
from members.rules.merging import FIELDS, UNDO_DAYS, may_undo
from members.services.merging import merge_members, preview_merge
from members.services.unmerging import preview_unmerge, undo_merge


@admin.register(Merge)
class MergeAdmin(LedgerAdmin):
    """Who was made one with whom, newest first."""

    when_empty = gettext_lazy(
        "Two records of one person are merged on a member's page; each can be "
        "undone for 30 days."
    )
    list_display = [
        *("merged_at", "winner", "loser", "state_label"),
        *("who_did_it", "reason", "way_back"),
    ]
    list_display_links = None
    list_select_related = ["winner", "loser"]
    list_filter = [("state", ChoicesDropdownFilter)]
    search_fields = ["=public_id", "=winner__number", "=loser__number"]
    ordering = ["-merged_at", "-id"]
    exclude = ["fields", "moved", "loser_state"]

    @display(description=gettext_lazy("state"), label={"done": GOOD, "undone": CALM})
    def state_label(self, merge: Merge) -> tuple[str, str]:
        """Return whether it holds."""
        return labelled(merge, "state")

    @admin.display(description="")
    def way_back(self, merge: Merge) -> str:
        """Return the link to undo it, while that can be done."""
        if not merge.may_undo:
            return ""
        target = reverse("admin:merge_undo", args=[merge.pk])
        return format_html('<a href="{}">{}</a>', target, _("Undo"))

    def get_changelist_instance(self, request):
        """Say per row whether this login may undo it."""
        changelist = super().get_changelist_instance(request)
        may, at = request.user.has_perm("members.change_merge"), now()
        for merge in changelist.result_list:
            merge.may_undo = (
                may
                and merge.state == Merge.State.DONE
                and may_undo(merge.merged_at, at)
            )
        return changelist

    def get_urls(self):
        """Add the pages that merge and undo."""
        routes = [
            ("of/<str:winner>/", MergeWith, "member_merge_with"),
            ("of/<str:winner>/<str:loser>/", MergePage, "member_merge"),
            ("<int:pk>/undo/", UndoPage, "merge_undo"),
        ]
        wrap = self.admin_site.admin_view
        return [
            *(
                path(route, wrap(view.as_view(model_admin=self)), name=name)
                for route, view, name in routes
            ),
            *super().get_urls(),
        ]


@method_decorator(never_cache, name="dispatch")
class MergeView(View):
    """Base: for those who hold ``permission``."""

    model_admin = None
    permission = "members.add_merge"

    def dispatch(self, request, *args, **kwargs):
        """Refuse first, look up then."""
        if not request.user.has_perm(self.permission):
            raise PermissionDenied
        return super().dispatch(request, *args, **kwargs)

    def show(self, request, template: str, **context) -> TemplateResponse:
        """Answer a page of the console."""
        frame = self.model_admin.admin_site.each_context(request)
        context = {**frame, "opts": self.model_admin.opts, **context}
        return TemplateResponse(request, f"console/{template}.html", context)

    @staticmethod
    def member(public_id: str) -> Member:
        """Return a member or answer 404."""
        try:
            return Member.objects.get(public_id=public_id)
        except Member.DoesNotExist as error:
            raise Http404 from error


class MergeWith(MergeView):
    """Ask for the number of the other one."""

    def get(self, request, winner: str):
        """Show the question, or lead on when a number was given."""
        member, error = self.member(winner), ""
        number = request.GET.get("number", "").strip().upper()
        if number:
            found = Member.objects.filter(or_who_stayed(Q(number=number))).first()
            if found is not None and found != member:
                return redirect("admin:member_merge", winner, found.public_id)
            error = _("There is no other member with this number.")
        return self.show(
            request,
            "merge_with",
            title=_("Merge %(number)s with…") % {"number": member.number},
            member=member,
            number=number[:20],
            error=error,
        )


class MergePage(MergeView):
    """Both side by side: which value counts, what moves, what comes out."""

    def dispatch(self, request, *args, winner: str, loser: str, **kwargs):
        """Find both."""
        if not request.user.has_perm(self.permission):
            raise PermissionDenied
        self.winner, self.loser = self.member(winner), self.member(loser)
        return super().dispatch(request, *args, **kwargs)

    def get(self, request):
        """Show what would happen."""
        return self._show(request)

    def post(self, request):
        """Merge."""
        reason = request.POST.get("reason", "").strip()[:200]
        if len(reason) < 3:  # noqa: PLR2004  as every reason of the console
            return self._show(request, _("Say why, in three characters or more."))
        try:
            merge_members(
                loser_id=self.loser.pk,
                winner_id=self.winner.pk,
                take=self._taken(request),
                reason=reason,
                actor=request.user,
                now=now(),
            )
        except Refusal as refusal:
            return self._show(request, str(refusal))
        messages.success(
            request,
            _("%(loser)s is now part of %(winner)s. Undo within %(days)s days.")
            % {
                "loser": self.loser.number,
                "winner": self.winner.number,
                "days": UNDO_DAYS,
            },
        )
        return redirect("admin:member_page", self.winner.public_id)

    def _taken(self, request) -> list[str]:
        return [name for name in FIELDS if request.POST.get(f"field-{name}") == "loser"]

    def _show(self, request, error: str = ""):
        pair = {"loser_id": self.loser.pk, "winner_id": self.winner.pk}
        rows, outcome = preview_merge(**pair).rows, None
        try:
            outcome = try_merge(**pair, now=now())
        except Refusal as refusal:
            error = error or str(refusal)
        return self.show(
            request,
            "merge_page",
            title=_("Merge %(loser)s into %(winner)s")
            % {"loser": self.loser.number, "winner": self.winner.number},
            winner=self.winner,
            loser=self.loser,
            names=[shown_name(m, request.user) for m in (self.winner, self.loser)],
            choices=choices(winner=self.winner, loser=self.loser, user=request.user),
            taken=self._taken(request) if request.method == "POST" else None,
            rows=[row for row in rows if row[1] or row[2]],
            outcome=outcome,
            error=error,
            reason=request.POST.get("reason", ""),
            days=UNDO_DAYS,
        )


class UndoPage(MergeView):
    """What comes back and what cannot, then undoing."""

    permission = "members.change_merge"

    def get(self, request, pk: int):
        """Show what could not be given back."""
        return self._show(request, self._merge(pk))

    def post(self, request, pk: int):
        """Undo."""
        merge = self._merge(pk)
        try:
            undo_merge(
                merge_id=merge.pk,
                reason=request.POST.get("reason", "")[:200],
                actor=request.user,
                now=now(),
            )
        except Refusal as refusal:
            return self._show(request, merge, str(refusal))
        messages.success(
            request,
            _("%(loser)s and %(winner)s are two members again.")
            % {"loser": merge.loser.number, "winner": merge.winner.number},
        )
        return HttpResponseRedirect(reverse("admin:members_merge_changelist"))

    @staticmethod
    def _merge(pk: int) -> Merge:
        try:
            return Merge.objects.select_related("winner", "loser").get(pk=pk)
        except Merge.DoesNotExist as error:
            raise Http404 from error

    def _show(self, request, merge: Merge, error: str = ""):
        staying, is_possible = [], merge.state == Merge.State.DONE
        if is_possible:
            try:
                staying = preview_unmerge(merge_id=merge.pk, now=now())
            except Refusal as refusal:
                error, is_possible = error or str(refusal), False
        else:
            error = error or _("This merge has been undone already.")
        return self.show(
            request,
            "reason_page",
            title=_("Undo the merge of %(loser)s into %(winner)s")
            % {"loser": merge.loser.number, "winner": merge.winner.number},
            text=_("Everything %(loser)s brought goes back, as far as it is there.")
            % {"loser": merge.loser.number},
            staying=staying,
            is_impossible=not is_possible,
            button=_("Undo the merge"),
            error=error,
            back=reverse("admin:members_merge_changelist"),
        )
