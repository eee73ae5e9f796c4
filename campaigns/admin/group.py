"""Groups under way and over: the list, and one group with its seats."""

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST
from unfold.contrib.filters.admin import (
    AutocompleteSelectFilter,
    ChoicesDropdownFilter,
)
from unfold.decorators import display

from campaigns.models import CouponTemplate, Group, Seat
from campaigns.services.seats import leave_group
from campaigns.services.settling_groups import complete_group
from crm.shared.clock import now
from crm.shared.errors import Refusal
from crm.shared.staff_lists import BAD, BUSY, CALM, GOOD, LedgerAdmin, labelled

#: What staff may do with a group under way -> the right it takes.
STEPS = {"complete": "campaigns.change_group", "take_out": "orders.add_refund"}
_LEAST_REASON = 3


@admin.register(Group)
class GroupAdmin(LedgerAdmin):
    """Groups, newest first; those under way end by themselves."""

    when_empty = gettext_lazy(
        "Groups stand here once a member opened one. They need a group deal that is "
        "live."
    )
    list_display = [
        "public_id",
        "deal",
        "state_label",
        "progress",
        "created_at",
        "deadline_at",
        "settled_at",
    ]
    list_select_related = ["deal"]
    list_filter = [
        ("state", ChoicesDropdownFilter),
        ("deal", AutocompleteSelectFilter),
    ]
    search_fields = ["=public_id"]
    ordering = ["-created_at", "-id"]

    @display(
        description=gettext_lazy("state"),
        label={
            "opening": CALM,
            "open": BUSY,
            "succeeded": GOOD,
            "failed": BAD,
            "closed": BAD,
        },
    )
    def state_label(self, group: Group) -> tuple[str, str]:
        """Return where it stands."""
        return labelled(group, "state")

    @admin.display(description=gettext_lazy("seats"))
    def progress(self, group: Group) -> str:
        """Return a bar of the paid seats, and the numbers beside it."""
        told = _("%(paid)s of %(size)s paid") % {"paid": group.paid, "size": group.size}
        return format_html(
            '<div class="cs-meter" role="img" aria-label="{}">'
            '<i style="width:{}%"></i></div><small class="cs-soft">{}</small>',
            told,
            percent_of(group),
            told,
        )

    def get_urls(self):
        """Add the steps."""
        view = require_POST(self.admin_site.admin_view(self.take_step))
        return [path("<path:pk>/step/", view, name="group_step"), *super().get_urls()]

    def change_view(self, request, object_id, form_url="", extra_context=None):
        """Show one group as a page, not as a form."""
        found = self._find(request, object_id)
        return self._show(request, found)

    def take_step(self, request, pk: str):
        """Complete a group, or take a member out of it; both want a reason."""
        found = self._find(request, pk)
        step = request.POST.get("step", "")
        if step not in STEPS or not request.user.has_perm(STEPS[step]):
            raise PermissionDenied
        reason = request.POST.get("reason", "").strip()[:200]
        if len(reason) < _LEAST_REASON:
            error = _("Give a reason of at least three characters.")
            return self._show(request, found, error=error)
        try:
            if step == "complete":
                complete_group(
                    group_id=found.pk, actor=request.user, reason=reason, now=now()
                )
            else:
                self._take_out(request, found, reason)
        except Refusal as refusal:
            return self._show(request, found, error=str(refusal))
        messages.success(request, _("Done."))
        here = reverse("admin:campaigns_group_change", args=[found.pk])
        return HttpResponseRedirect(here)

    def _take_out(self, request, found: Group, reason: str) -> None:
        seats = found.seats.filter(public_id=request.POST.get("seat", "")[:40])
        seat = seats.first()
        if seat is None:
            raise Http404
        leave_group(
            group=found.public_id,
            member_id=seat.member_id,
            actor=request.user,
            reason=reason,
            now=now(),
        )

    def _find(self, request, pk: str) -> Group:
        known = pk.isascii() and pk.isdecimal()
        groups = Group.objects.select_related("deal", "variant")
        found = groups.filter(pk=pk[:18]).first() if known else None
        if not self.has_view_permission(request, found):
            raise PermissionDenied
        if found is None:
            raise Http404
        return found

    def _show(self, request, found: Group, error: str = ""):
        seats = list(
            found.seats.select_related("order")
            .select_related("member")
            .only(
                *("public_id", "state", "is_leader", "price_minor", "group_id"),
                *("taken_at", "paid_at", "ended_at"),
                *("order__number", "member__number", "member__public_id"),
            )
            .order_by("pk")
        )
        may = {step: request.user.has_perm(right) for step, right in STEPS.items()}
        is_under_way = found.state in Group.UNDER_WAY
        context = {
            **self.admin_site.each_context(request),
            "title": _("Group %(id)s") % {"id": found.public_id},
            "opts": self.opts,
            "original": found,
            "found": found,
            "percent": percent_of(found),
            "seats": seats,
            "takers": _live(seats),
            "reward": reward_words(found),
            "moments": moments_of(found, seats),
            "may_complete": may["complete"] and found.state == Group.State.OPEN,
            "may_take_out": may["take_out"] and is_under_way and any(_live(seats)),
            "error": error,
        }
        return TemplateResponse(request, "campaigns/group_page.html", context)


def _live(seats: list[Seat]) -> list[Seat]:
    return [seat for seat in seats if seat.state in Seat.LIVE]


def percent_of(group: Group) -> int:
    """Return how much of a group is paid, in whole percent."""
    return 100 * group.paid // group.size


def reward_words(group: Group) -> str:
    """Return what its leader was promised, and whether that is decided (G16)."""
    promise, said = group.reward, []
    if not promise:
        return ""
    if promise["points"]:
        said.append(_("%(points)s points") % {"points": f"{promise['points']:,d}"})
    if promise["coupon"]:
        template = CouponTemplate.objects.get(pk=promise["coupon"])
        said.append(template.label)
    if group.awaits_reward:
        said.append(_("waits till no goods can be sent back"))
    elif group.state == Group.State.SUCCEEDED:
        said.append(_("given for the seats that stay"))
    return " · ".join(said)


def moments_of(group: Group, seats: list[Seat]) -> list[tuple[Any, str, str]]:
    """Return what happened to a group, oldest first, as (time, what, who)."""
    told = [(group.created_at, _("opened"), ""), (group.opened_at, _("visible"), "")]
    for seat in seats:
        who = seat.member.number
        told.append((seat.taken_at, _("seat taken"), who))
        told.append((seat.paid_at, _("seat paid"), who))
        told.append((seat.ended_at, seat.get_state_display(), who))
    ended = group.get_state_display()
    if group.completed_by_shop:
        ended = _("completed by the shop")
    told.append((group.settled_at, ended, ""))
    return sorted((each for each in told if each[0]), key=lambda each: each[0])
