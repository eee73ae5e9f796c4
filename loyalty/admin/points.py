"""Points accounts and the ledger: to read, and to undo by a counter-entry."""

import csv
import uuid

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.timezone import localtime
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST
from unfold.contrib.filters.admin import (
    ChoicesDropdownFilter,
    RangeDateTimeFilter,
)
from unfold.decorators import display

from crm.shared.clock import now
from crm.shared.errors import Refusal
from crm.shared.models import Approval
from crm.shared.spreadsheets import safe_cell
from crm.shared.staff_filters import RelatedFilter
from crm.shared.staff_lists import BAD, BUSY, CALM, GOOD, LedgerAdmin, labelled
from loyalty.admin.entry_page import UNDO, note_of, page_of
from loyalty.admin.statements import check_page, statement_page
from loyalty.models import PointsAccount, PointsEntry, ReasonCode
from loyalty.queries.balances import balance_line
from loyalty.queries.books import breakdown, open_freezes, statement
from loyalty.queries.currencies import gathered
from loyalty.queries.points import available_points
from loyalty.services.adjusting_by_hand import SHORTEST_NOTE
from loyalty.services.undoing_by_hand import undo_by_hand

_LONGEST_NOTE = 200


@admin.register(PointsAccount)
class PointsAccountAdmin(LedgerAdmin):
    """Who has how many points now."""

    when_empty = _(
        "Who has how many points stands here. Everybody who joins gets an account."
    )

    # Numbers of rows, for the ledger; merges are told on the page of merges.
    exclude = ["merged_with"]
    list_display = [
        "member",
        "tier",
        "available_points",
        "balance",
        "held",
        "debt",
        "lifetime_earned",
        "is_frozen",
    ]
    list_select_related = ["member", "tier"]
    list_filter = [("tier", RelatedFilter), "is_frozen"]
    search_fields = ["=member__number"]
    ordering = ["-balance", "member_id"]

    def get_queryset(self, request):
        """Add what can be spent."""
        accounts = super().get_queryset(request)
        return accounts.annotate(spendable=available_points(now()))

    @admin.display(description=_("available points"))
    def available_points(self, account: PointsAccount) -> int:
        """Return what can be spent now (P2)."""
        return account.spendable

    def get_urls(self):
        """Add the statements: one to work with, one to hand out."""
        view = self.admin_site.admin_view
        return [
            path(
                "<int:pk>/statement.csv",
                view(self.statement),
                name="points_statement",
            ),
            path(
                "<int:pk>/statement/",
                view(self.signed_statement),
                name="points_signed_statement",
            ),
            path(
                "check-statement/",
                view(self.check_statement),
                name="points_statement_check",
            ),
            *super().get_urls(),
        ]

    def change_view(self, request, object_id, form_url="", extra_context=None):
        """Show one account: why available is what it is, and what is set aside."""
        account = self._find(request, object_id)
        context = {
            **self.admin_site.each_context(request),
            "title": gettext("Points of %(member)s") % {"member": account.member},
            "opts": self.opts,
            "original": account,
            "account": account,
            "parts": breakdown(account, at=now()),
            "steps": balance_line(account, at=now()),
            "freezes": open_freezes(member_id=account.pk),
            "gathered": gathered(member_id=account.pk, at=now()),
        }
        return TemplateResponse(request, "loyalty/account_page.html", context)

    def statement(self, request, pk: int):
        """Hand out every movement as CSV, by member number."""
        account = self._find(request, str(pk))
        number = account.member.number
        answer = HttpResponse(
            content_type="text/csv; charset=utf-8",
            headers={"Content-Disposition": f'attachment; filename="{number}.csv"'},
        )
        rows = csv.writer(answer)
        rows.writerow(
            ["member", "number", "time", "entry", "kind", "points", "balance_after"]
            + ["expires_at", "source", "reason", "actor", "reason_code"]
        )
        for entry in statement(member_id=account.pk):
            lot = getattr(entry, "lot", None)
            ends = lot.expires_at if lot else None
            rows.writerow(
                [
                    *(number, entry.seq, localtime(entry.occurred_at).isoformat()),
                    *(entry.public_id, entry.kind, entry.points, entry.balance_after),
                    localtime(ends).isoformat() if ends else "",
                    *map(safe_cell, (entry.source, note_of(entry), entry.actor)),
                    entry.reason_code,
                ]
            )
        return answer

    def signed_statement(self, request, pk: int):
        """Hand a statement out whose every byte is signed."""
        return statement_page(self, request, self._find(request, str(pk)))

    def check_statement(self, request):
        """Say whether a statement is ours."""
        return check_page(self, request)

    def _find(self, request, object_id: str) -> PointsAccount:
        if not self.has_view_permission(request):
            raise PermissionDenied
        return _row(PointsAccount.objects.select_related("member", "tier"), object_id)


@admin.register(PointsEntry)
class PointsEntryAdmin(LedgerAdmin):
    """The ledger, newest first. A mistake gets a new entry."""

    when_empty = _(
        "Every movement of points stands here. They come with paid orders, or "
        "are granted on the page of a member."
    )

    list_display = [
        "occurred_at",
        "member_number",
        "kind_label",
        "signed_points",
        "balance",
        "reason_code",
        "note",
        "who_did_it",
        "source",
    ]
    list_select_related = ["account__member"]
    list_filter = [
        ("kind", ChoicesDropdownFilter),
        ("reason_code", ChoicesDropdownFilter),
        ("occurred_at", RangeDateTimeFilter),
    ]
    search_fields = ["=account__member__number", "=public_id"]
    ordering = ["-occurred_at", "-id"]

    @admin.display(description=_("member"))
    def member_number(self, entry: PointsEntry) -> str:
        """Return whose points moved."""
        return entry.account.member.number

    @display(
        description=_("kind"),
        label={
            "earn": GOOD,
            "grant": GOOD,
            "opening": GOOD,
            "return": GOOD,
            "spend": BUSY,
            "expire": CALM,
            "transfer": CALM,
            "gift": CALM,
            "reinstate": GOOD,
            "deduct": BAD,
            "claw_back": BAD,
        },
    )
    def kind_label(self, entry: PointsEntry) -> tuple[str, str]:
        """Return why points moved."""
        return labelled(entry, "kind")

    @admin.display(description=_("points"))
    def signed_points(self, entry: PointsEntry) -> str:
        """Return the movement with its sign."""
        return f"{entry.points:+,d}"

    @admin.display(description=_("note"))
    def note(self, entry: PointsEntry) -> str:
        """Return why, in words."""
        return note_of(entry)

    @admin.display(description=_("balance after"))
    def balance(self, entry: PointsEntry) -> str:
        """Return what was there then."""
        return f"{entry.balance_after:,d}"

    def get_urls(self):
        """Add the way to undo an entry."""
        view = self.admin_site.admin_view(require_POST(self.undo))
        return [
            path("<int:pk>/undo/", view, name="points_entry_undo"),
            *super().get_urls(),
        ]

    def change_view(self, request, object_id, form_url="", extra_context=None):
        """Show one entry: where its points went, and whether it can be undone."""
        if request.method == "POST" or not self.has_view_permission(request):
            raise PermissionDenied
        return self._page(request, _row(self._entries(), object_id))

    def undo(self, request, pk: int):
        """Revoke it, or reinstate what expired; show why not."""
        if not request.user.has_perm(UNDO):
            raise PermissionDenied
        entry = _row(self._entries(), str(pk))
        error = self._undo(request, entry, now())
        if error:
            return self._page(request, entry, error=error)
        return HttpResponseRedirect(
            reverse("admin:loyalty_pointsentry_change", args=[entry.pk])
        )

    def _entries(self):
        return PointsEntry.objects.select_related("account__member", "lot", "reverses")

    def _page(self, request, entry: PointsEntry, *, error: str = ""):
        context = {
            **self.admin_site.each_context(request),
            "title": gettext("Entry %(entry)s") % {"entry": entry.public_id},
            "opts": self.opts,
            "original": entry,
            "kind_label": entry.get_kind_display(),
            "reason_codes": ReasonCode.choices,
            "request_key": request.POST.get("request_key") or str(uuid.uuid4()),
            "error": error,
            **page_of(request.user, entry, now=now()),
        }
        return TemplateResponse(request, "loyalty/entry_page.html", context)

    def _undo(self, request, entry: PointsEntry, at) -> str:
        """Do what the form asks for; return why not."""
        reason = request.POST.get("reason", "").strip()
        if not SHORTEST_NOTE <= len(reason) <= _LONGEST_NOTE:
            return gettext("Give a reason of 3 to 200 characters.")
        try:
            done = undo_by_hand(
                entry_id=entry.pk,
                reason_code=request.POST.get("reason_code", ""),
                reason=reason,
                author=request.user,
                source=request.POST.get("request_key", "")[:36] or entry.public_id,
                now=at,
            )
        except Refusal as refusal:
            return str(refusal)
        said = gettext("It is written: %(entry)s.") % {"entry": done.public_id}
        if isinstance(done, Approval):
            said = gettext("%(number)s waits for the approval of somebody else.") % {
                "number": done.public_id
            }
        self.message_user(request, said)
        return ""


def _row(rows, object_id: str):
    """Return the row with this key, or 404."""
    if not (object_id.isascii() and object_id.isdecimal()):
        raise Http404
    found = rows.filter(pk=int(object_id[:18])).first()
    if found is None:
        raise Http404
    return found
