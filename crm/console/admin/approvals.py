"""What one of the staff asked for, and the second one who agrees or refuses."""

from collections.abc import Callable

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST
from unfold.decorators import display

from crm.shared.approvals import approve, deed_of, may_decide, reject, withdraw
from crm.shared.clock import now
from crm.shared.errors import Refusal
from crm.shared.models import Approval
from crm.shared.staff_lists import BAD, BUSY, CALM, GOOD, labelled
from crm.shared.staff_requests import RequestAdmin
from members.models import Member


@admin.register(Approval)
class ApprovalAdmin(RequestAdmin):
    """What waits for a second person, and what became of it."""

    when_empty = gettext_lazy(
        "What is beyond one person stands here until somebody else agrees: "
        "payments of wallets and points above the limits of the settings."
    )

    list_display = [
        "what",
        "subject",
        "state_label",
        "author",
        "decider",
        "asked_at",
        "expires_at",
        "public_id",
    ]
    list_select_related = ["author", "decider"]
    search_fields = ["=public_id", "=subject"]
    ordering = ["-asked_at", "-id"]
    page_template = "console/approval_page.html"

    @admin.display(description=gettext_lazy("what"))
    def what(self, approval: Approval) -> str:
        """Return what happens when somebody agrees."""
        return deed_of(approval.kind).words(approval.params)

    @display(
        description=gettext_lazy("state"),
        label={
            "waiting": BUSY,
            "approved": GOOD,
            "rejected": BAD,
            "withdrawn": CALM,
            "expired": CALM,
        },
    )
    def state_label(self, approval: Approval) -> tuple[str, str]:
        """Return where it stands."""
        return labelled(approval, "state")

    def verbs(self) -> list[tuple]:
        """Offer to agree, to refuse and to take back."""
        return [
            ("approve", self.approve, "approval_approve"),
            ("reject", self.reject, "approval_reject"),
            ("withdraw", self.withdraw, "approval_withdraw"),
        ]

    def facts(self, request, row: Approval) -> dict:
        """Say what it is about and what this login may do with it."""
        deed = deed_of(row.kind)
        waits = row.state == Approval.State.WAITING and row.expires_at > now()
        return {
            "deed": deed.label,
            "words": deed.words(row.params),
            "effect": deed.page(row.params),
            "member": Member.objects.filter(number=row.subject).first(),
            "may_decide": waits and may_decide(request.user, row),
            "may_withdraw": waits and request.user.pk == row.author_id,
        }

    @method_decorator(require_POST)
    def approve(self, request, pk):
        """Agree to what somebody else asked for: it is done."""
        approval = self._decidable(request, pk)
        return self._do(
            request,
            approval,
            lambda: approve(
                approval_id=approval.pk,
                decider=request.user,
                note=_note(request),
                now=now(),
            ),
            _("It was approved and is done."),
        )

    @method_decorator(require_POST)
    def reject(self, request, pk):
        """Refuse what somebody else asked for, with a reason."""
        approval = self._decidable(request, pk)
        return self._do(
            request,
            approval,
            lambda: reject(
                approval_id=approval.pk,
                decider=request.user,
                note=_note(request),
                now=now(),
            ),
            _("It was refused; nothing was done."),
        )

    @method_decorator(require_POST)
    def withdraw(self, request, pk):
        """Take back what one asked for oneself."""
        approval = self.request_of(request, pk)
        if approval.author_id != request.user.pk:
            raise PermissionDenied
        return self._do(
            request,
            approval,
            lambda: withdraw(approval_id=approval.pk, author=request.user, now=now()),
            _("It was withdrawn."),
        )

    def _decidable(self, request, pk) -> Approval:
        """Return the row, for those who may decide on it, and its author no less.

        The author is told by the service, in words, that it takes somebody else.
        """
        approval = self.request_of(request, pk)
        is_author = approval.author_id == request.user.pk
        if not is_author and not may_decide(request.user, approval):
            raise PermissionDenied
        return approval

    def _do(self, request, approval: Approval, deed: Callable, done: str):
        try:
            deed()
        except Refusal as refusal:
            messages.error(request, str(refusal))
        else:
            messages.success(request, done)
        return self.back_to(approval)


def _note(request) -> str:
    return request.POST.get("note", "").strip()[:200]
