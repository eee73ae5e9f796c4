"""What members took for points: what is to be sent, and giving it back."""

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import Http404, HttpResponseRedirect
from django.urls import path, reverse
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from unfold.contrib.filters.admin import ChoicesDropdownFilter, RangeDateTimeFilter
from unfold.decorators import display

from crm.shared.clock import now
from crm.shared.errors import Refusal
from crm.shared.staff_lists import BAD, BUSY, CALM, GOOD, LedgerAdmin, labelled
from loyalty.admin.door import DoorPage
from loyalty.admin.reward import price_words
from loyalty.admin.work_page import WORKS, WorkPage
from loyalty.models import RewardRedemption
from loyalty.queries.rewards import rewards_to_send
from loyalty.services.admitting import moment_words
from loyalty.services.ending_redemptions import end_redemption
from loyalty.services.fulfilling_rewards import deliver_redemptions, ship_redemptions
from loyalty.services.reward_kinds import reward_kind

#: Parcels one page sends.
MOST_PARCELS = 100
_State = RewardRedemption.State
_LEAST_REASON = 3


@admin.register(RewardRedemption)
class RewardRedemptionAdmin(LedgerAdmin):
    """Redemptions, newest first; those to be sent are one filter away."""

    when_empty = gettext_lazy(
        "What members took for points stands here. They choose from the rewards in "
        "the app."
    )
    list_before_template = "loyalty/door_link.html"
    list_display = [
        *("requested_at", "what", "member", "price", "state_label", "due"),
        *("tracking", "public_id"),
    ]
    list_select_related = ["reward", "member"]
    list_filter = [
        ("state", ChoicesDropdownFilter),
        ("requested_at", RangeDateTimeFilter),
    ]
    search_fields = ["=public_id", "=member__number"]
    ordering = ["-requested_at", "-id"]
    actions = ["send", "mark_delivered"]
    fields = [
        *("public_id", "what", "member", "kind_label", "price", "order", "state"),
        *("requested_at", "due_at", "refundable_until", "result", "carrier"),
        *("tracking", "shipped_at", "delivered_at", "begins", "admitted_at"),
        *("ended_at", "reason", "deeds"),
    ]
    readonly_fields = ["what", "kind_label", "price", "begins", "deeds"]

    def get_queryset(self, request):
        """Leave the bytes of pictures where they are."""
        return super().get_queryset(request).defer("reward__picture")

    def get_urls(self):
        """Add the pages that send, let in and give back."""
        view = self.admin_site.admin_view
        pages = (
            ("send/", SendPage, "redemption_send"),
            ("door/", DoorPage, "redemption_door"),
            ("<int:pk>/end/", EndPage, "redemption_end"),
        )
        return [
            *(
                path(where, view(page.as_view(model_admin=self)), name=name)
                for where, page, name in pages
            ),
            *super().get_urls(),
        ]

    def has_work_permission(self, request) -> bool:
        """Whether this login may send and deliver."""
        return request.user.has_perm(WORKS)

    @admin.action(description=gettext_lazy("Send…"), permissions=["work"])
    def send(self, request, queryset):
        """Ask for the tracking numbers of what is ticked."""
        ids = queryset.filter(state=_State.REQUESTED).values_list("pk", flat=True)
        chosen = ",".join(str(pk) for pk in ids[:MOST_PARCELS])
        return HttpResponseRedirect(reverse("admin:redemption_send") + f"?ids={chosen}")

    @admin.action(description=gettext_lazy("Mark as delivered"), permissions=["work"])
    def mark_delivered(self, request, queryset):
        """Note that the ticked ones arrived, in one service call."""
        ids = list(queryset.values_list("pk", flat=True))
        count = deliver_redemptions(redemption_ids=ids, actor=request.user, now=now())
        told = ngettext(
            "%(count)s reward was delivered.",
            "%(count)s rewards were delivered.",
            count,
        )
        messages.success(request, told % {"count": count})

    @admin.display(description=gettext_lazy("reward"))
    def what(self, row: RewardRedemption) -> str:
        """Return what was promised."""
        return row.label

    @admin.display(description=gettext_lazy("price"), ordering="points")
    def price(self, row: RewardRedemption) -> str:
        """Return the points, and the money besides where there was any."""
        return price_words(row)

    def get_fields(self, request, obj=None):
        """Keep the ticket, which opens the door to anybody, from who only looks."""
        fields = super().get_fields(request, obj)
        if obj is not None and obj.ticket and not request.user.has_perm(WORKS):
            return [name for name in fields if name != "result"]
        return fields

    @admin.display(description=gettext_lazy("begins at"))
    def begins(self, row: RewardRedemption) -> str:
        """Return when and where the occasion of a seat is."""
        if row.seat_at is None:
            return "–"
        return " · ".join(filter(None, [moment_words(row.seat_at), row.where]))

    @admin.display(description=gettext_lazy("kind"))
    def kind_label(self, row: RewardRedemption) -> str:
        """Return what it is."""
        return str(reward_kind(row.kind).label)

    @display(
        description=gettext_lazy("state"),
        label={
            "unpaid": BUSY,
            "requested": BUSY,
            "fulfilled": GOOD,
            "admitted": GOOD,
            "shipped": BUSY,
            "delivered": GOOD,
            "cancelled": CALM,
            "refunded": CALM,
        },
    )
    def state_label(self, row: RewardRedemption) -> tuple[str, str]:
        """Return how far it is."""
        return labelled(row, "state")

    @display(
        description=gettext_lazy("due"),
        label={"late": BAD, "soon": CALM},
        ordering="due_at",
    )
    def due(self, row: RewardRedemption) -> tuple[str, str] | str:
        """Return whether something that waits is late."""
        if row.state != _State.REQUESTED or row.due_at is None:
            return "–"
        return ("late", _("overdue")) if row.due_at <= now() else ("soon", _("waits"))

    @admin.display(description=gettext_lazy("next"))
    def deeds(self, row: RewardRedemption) -> str:
        """Return the way to the pages about it."""
        if row.ended_at is not None or row.admitted_at is not None:
            return "–"
        if row.order_id is not None and row.state != _State.UNPAID:
            there = reverse("admin:orders_order_change", args=[row.order_id])
            return format_html(
                '<a class="cs-btn" href="{}">{}</a>', there, _("Refund its order…")
            )
        end = reverse("admin:redemption_end", args=[row.pk])
        link = format_html('<a class="cs-btn" href="{}">{}</a>', end, _("Give back…"))
        if row.state == _State.REQUESTED:
            send = reverse("admin:redemption_send") + f"?ids={row.pk}"
            ship = format_html('<a class="cs-btn" href="{}">{}</a>', send, _("Send…"))
            return format_html("{} {}", ship, link)
        if row.ticket:
            door = reverse("admin:redemption_door") + f"?redemption={row.public_id}"
            words = _("Let in…")
            enter = format_html('<a class="cs-btn" href="{}">{}</a>', door, words)
            return format_html("{} {}", enter, link)
        return link


class SendPage(WorkPage):
    """Which rewards leave, with whom, under which numbers."""

    def get(self, request):
        """Show what was ticked, or all that waits, what is due first in front."""
        text = request.GET.get("ids", "")
        ids = [int(each[:18]) for each in text.split(",") if each.isdecimal()]
        return self._show(request, self._waiting(ids))

    def post(self, request):
        """Send what is ticked, in one statement."""
        asked = [name for name in request.POST if name.startswith("parcel-")]
        ids = [int(name[7:25]) for name in asked if name[7:].isdecimal()]
        parcels = {
            pk: request.POST.get(f"tracking-{pk}", "") for pk in ids[:MOST_PARCELS]
        }
        sent = ship_redemptions(
            parcels=parcels,
            carrier=request.POST.get("carrier", ""),
            actor=request.user,
            now=now(),
        )
        told = ngettext(
            "%(count)s reward is on its way.",
            "%(count)s rewards are on their way.",
            sent,
        )
        messages.success(request, told % {"count": sent})
        return HttpResponseRedirect(_list_url())

    def _waiting(self, ids: list[int]) -> QuerySet[RewardRedemption]:
        waiting = rewards_to_send()
        return (waiting.filter(pk__in=ids) if ids else waiting)[:MOST_PARCELS]

    def _show(self, request, rows: QuerySet[RewardRedemption]):
        return self.show(
            request,
            "loyalty/send_page.html",
            title=_("Send rewards"),
            rows=rows,
            at=now(),
            back=_list_url(),
        )


class EndPage(WorkPage):
    """A reward is given back: say why, and whether the piece came back."""

    def dispatch(self, request, *args, pk: int, **kwargs):
        """Find it."""
        found = RewardRedemption.objects.select_related("reward").filter(pk=pk)
        self.row = found.defer("reward__picture").first()
        if self.row is None:
            raise Http404
        return super().dispatch(request, *args, **kwargs)

    def get(self, request):
        """Ask for the reason."""
        return self._show(request)

    def post(self, request):
        """Give the points back."""
        reason = request.POST.get("reason", "").strip()
        if len(reason) < _LEAST_REASON:
            error = _("Say why, in three characters or more.")
            return self._show(request, error=error)
        try:
            end_redemption(
                redemption=self.row.public_id,
                actor=request.user,
                reason=reason[:200],
                came_back="lost" not in request.POST,
                now=now(),
            )
        except Refusal as refusal:
            return self._show(request, error=str(refusal))
        messages.success(request, _("The points went back."))
        return HttpResponseRedirect(self._back())

    def _back(self) -> str:
        return reverse("admin:loyalty_rewardredemption_change", args=[self.row.pk])

    def _show(self, request, error: str = ""):
        is_out = self.row.state in (_State.SHIPPED, _State.DELIVERED)
        return self.show(
            request,
            "loyalty/end_redemption_page.html",
            title=_("Give back %(reward)s") % {"reward": self.row.label},
            row=self.row,
            is_out=is_out,
            error=error,
            back=self._back(),
            is_impossible=self.row.ended_at is not None,
        )


def _list_url() -> str:
    return reverse("admin:loyalty_rewardredemption_changelist")
