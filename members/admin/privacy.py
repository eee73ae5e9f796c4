"""Requests about personal data: copies to fetch, erasures to approve, what ended."""

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.utils.decorators import method_decorator
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST
from unfold.decorators import display

from crm.shared.clock import now
from crm.shared.errors import Refusal
from crm.shared.staff_lists import BAD, BUSY, CALM, GOOD, LedgerAdmin, labelled
from crm.shared.staff_requests import RequestAdmin
from members.models import DataExport, Erasure, RetentionRun
from members.services.erasing import approve_erasure, cancel_erasure
from members.services.exporting import fetch_export
from members.services.retaining import retention_rules


@admin.register(DataExport)
class DataExportAdmin(RequestAdmin):
    """Copies of one person's data; fetched once by those who may export."""

    when_empty = _(
        "A member asks for a copy of their data themselves, or you do on their page."
    )
    list_display = [
        "public_id",
        "member",
        "state_label",
        "asked_by",
        "asked_at",
        "expires_at",
        "fetched_at",
    ]
    list_select_related = ["member", "asked_by"]
    search_fields = ["=public_id", "=member__number"]
    page_template = "members/data_export_page.html"

    @display(
        description=_("state"),
        label={"preparing": BUSY, "ready": GOOD, "fetched": CALM, "expired": CALM},
    )
    def state_label(self, export: DataExport) -> tuple[str, str]:
        """Return where it stands."""
        return labelled(export, "state")

    def verbs(self) -> list[tuple]:
        """Offer the file."""
        return [("fetch", self.fetch, "data_export_fetch")]

    def facts(self, request, row: DataExport) -> dict:
        """Say whether there is something to fetch for this login."""
        waiting = row.state == DataExport.State.READY and row.expires_at > now()
        return {"may_fetch": waiting and request.user.has_perm("members.export_pii")}

    @method_decorator(require_POST)
    @method_decorator(never_cache)
    def fetch(self, request, pk):
        """Hand the file out, once. A POST, so that no preview takes it away."""
        if not request.user.has_perm("members.export_pii"):
            raise PermissionDenied
        export = self.request_of(request, pk)
        try:
            content = fetch_export(
                public_id=export.public_id, actor=request.user, now=now()
            )
        except Refusal as refusal:
            messages.error(request, str(refusal))
            return self.back_to(export)
        name = f"{export.member.number}.zip"
        return HttpResponse(
            content,
            content_type="application/zip",
            headers={"Content-Disposition": f'attachment; filename="{name}"'},
        )


@admin.register(Erasure)
class ErasureAdmin(RequestAdmin):
    """Who is to be forgotten, who agreed, and the certificate afterwards."""

    when_empty = _("Who asks to be erased stands here until somebody approves it.")
    list_display = [
        "public_id",
        "member",
        "state_label",
        "author",
        "approver",
        "asked_at",
        "due_at",
        "finished_at",
    ]
    list_select_related = ["member", "author", "approver"]
    search_fields = ["=public_id", "=member__number"]
    page_template = "members/erasure_page.html"

    @display(
        description=_("state"),
        label={
            "waiting": BUSY,
            "scheduled": BUSY,
            "running": BUSY,
            "done": GOOD,
            "cancelled": BAD,
        },
    )
    def state_label(self, erasure: Erasure) -> tuple[str, str]:
        """Return where it stands."""
        return labelled(erasure, "state")

    def verbs(self) -> list[tuple]:
        """Offer to agree and to call off."""
        return [
            ("approve", self.approve, "erasure_approve"),
            ("cancel", self.cancel, "erasure_cancel"),
        ]

    def facts(self, request, row: Erasure) -> dict:
        """Say what this login may do with it, and what was erased."""
        user, state = request.user, Erasure.State(row.state)
        return {
            "may_approve": state == Erasure.State.WAITING
            and user.has_perm("members.change_erasure")
            and user.pk != row.author_id,
            "may_cancel": state in {Erasure.State.WAITING, Erasure.State.SCHEDULED}
            and self._may_cancel(user, row),
            "counts": sorted(row.counts.items()),
        }

    @method_decorator(require_POST)
    def approve(self, request, pk):
        """Agree to what somebody else asked for."""
        if not request.user.has_perm("members.change_erasure"):
            raise PermissionDenied
        erasure = self.request_of(request, pk)
        try:
            approve_erasure(erasure_id=erasure.pk, approver=request.user, now=now())
        except Refusal as refusal:
            messages.error(request, str(refusal))
        else:
            messages.success(request, gettext("The erasure has begun."))
        return self.back_to(erasure)

    @method_decorator(require_POST)
    def cancel(self, request, pk):
        """Call it off, by its author or by who may approve."""
        erasure = self.request_of(request, pk)
        if not self._may_cancel(request.user, erasure):
            raise PermissionDenied
        try:
            cancel_erasure(erasure_id=erasure.pk, actor=request.user, now=now())
        except Refusal as refusal:
            messages.error(request, str(refusal))
        else:
            messages.success(request, gettext("The erasure was called off."))
        return self.back_to(erasure)

    def _may_cancel(self, user, erasure: Erasure) -> bool:
        is_author = erasure.author_id == user.pk and user.has_perm(
            "members.add_erasure"
        )
        return is_author or user.has_perm("members.change_erasure")


@admin.register(RetentionRun)
class RetentionRunAdmin(LedgerAdmin):
    """What ended because it was kept long enough, run by run."""

    when_empty = _(
        "Every night what was kept long enough is ended; each run says what it did."
    )
    list_display = ["at", "is_dry_run", "ended"]
    list_filter = ["is_dry_run"]
    ordering = ["-at", "-id"]
    fields = ["at", "is_dry_run", "report"]

    @admin.display(description=_("rows"))
    def ended(self, run: RetentionRun) -> str:
        """Return how many rows in all; a rule that failed counts none."""
        return f"{sum(rows for rows in run.counts.values() if rows > 0):,d}"

    @admin.display(description=_("rows by rule"))
    def report(self, run: RetentionRun) -> str:
        """Return one line per rule that found something, or failed."""
        labels = {rule.code: rule for rule in retention_rules()}
        lines = []
        for code, rows in run.counts.items():
            rule = labels.get(code)
            name = f"{rule.label}, {rule.fate}" if rule else code
            if rows < 0:
                lines.append(gettext("%(rule)s: failed, see the log") % {"rule": name})
            elif rows:
                lines.append(f"{name}: {rows:,d}")
        return "\n".join(lines) or "–"
