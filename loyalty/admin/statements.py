"""Pages of the signed statement: choose days, print or download it, check it."""

from datetime import timedelta

from django import forms
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.template.response import TemplateResponse
from django.utils.timezone import localdate
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from crm.shared.clock import now
from crm.shared.errors import Refusal
from loyalty.models import PointsAccount, PointsEntry
from loyalty.services.stating import (
    SignedStatement,
    Verdict,
    check_statement,
    make_statement,
)

_YEAR = timedelta(days=365)
#: A file of the most lines a statement has.
_MOST_BYTES = 4 * 1024 * 1024
#: Lines a printed statement shows; the file has all.
_MOST_PRINTED = 1_000

VERDICTS = {
    Verdict.OURS: _("This statement is ours, and nothing in it was changed."),
    Verdict.CHANGED: _("This is not as we wrote it: somebody changed it, or made it."),
    Verdict.UNSIGNED: _("This is no signed statement, or its last line was changed."),
    Verdict.UNKNOWN_KEY: _("This was signed by a key that this shop does not have."),
}


class StatementForm(forms.Form):
    """Which days, and why it is handed out."""

    first = forms.DateField(
        label=_("From"), widget=forms.DateInput(attrs={"type": "date"})
    )
    last = forms.DateField(
        label=_("To"), widget=forms.DateInput(attrs={"type": "date"})
    )
    reason = forms.CharField(label=_("Reason"), min_length=3, max_length=200)

    def __init__(self, *args, **kwargs):
        """Give every field the look of the console."""
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            field.widget.attrs["class"] = "cs-input"

    def clean(self):
        """Refuse days that run backwards."""
        told = super().clean()
        if told.get("first") and told.get("last") and told["first"] > told["last"]:
            self.add_error("last", _("The end is before the beginning."))
        return told


class StatementFile(forms.Form):
    """A file that somebody brings."""

    file = forms.FileField(
        label=_("Statement"),
        widget=forms.FileInput(attrs={"class": "max-w-full"}),
    )

    def clean_file(self):
        """Refuse what no statement is as large as."""
        file = self.cleaned_data["file"]
        if file.size > _MOST_BYTES:
            raise forms.ValidationError(_("No statement is as large as this."))
        return file


def statement_page(admin, request, account: PointsAccount):
    """Ask for the days; then hand the statement out, as a page or as a file."""
    today = localdate(now())
    form = StatementForm(
        request.POST or None, initial={"first": today - _YEAR, "last": today}
    )
    if request.method == "POST" and form.is_valid():
        try:
            made = make_statement(
                account=account, actor=request.user, now=now(), **form.cleaned_data
            )
        except Refusal as refusal:
            form.add_error(None, str(refusal))
        else:
            if "file" in request.POST:
                return _file(made)
            return _printed(admin, request, account, made)
    title = gettext("Signed statement of %(member)s") % {"member": account.member}
    context = _context(admin, request, title) | {"account": account, "form": form}
    return TemplateResponse(request, "loyalty/statement_form.html", context)


def check_page(admin, request):
    """Say whether a file is a statement of this shop."""
    if not admin.has_view_permission(request):
        raise PermissionDenied
    form = StatementFile(request.POST or None, request.FILES or None)
    verdict = None
    if request.method == "POST" and form.is_valid():
        verdict = check_statement(form.cleaned_data["file"].read())
    context = _context(admin, request, gettext("Check a statement")) | {
        "form": form,
        "verdict": VERDICTS[verdict] if verdict else "",
        "is_ours": verdict is Verdict.OURS,
    }
    return TemplateResponse(request, "loyalty/statement_check.html", context)


def _file(made: SignedStatement) -> HttpResponse:
    told = made.statement
    name = f"{told.member}-{told.first}-{told.last}.csv"
    return HttpResponse(
        made.file,
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


def _printed(admin, request, account: PointsAccount, made: SignedStatement):
    told = made.statement
    title = gettext("Statement of points of %(member)s") % {"member": told.member}
    context = _context(admin, request, title) | {
        "account": account,
        "statement": told,
        "lines": [
            (line, PointsEntry.Kind(line.kind).label)
            for line in told.lines[:_MOST_PRINTED]
        ],
        "left_out": max(0, len(told.lines) - _MOST_PRINTED),
        "signature": _in_groups(made.signature),
    }
    return TemplateResponse(request, "loyalty/statement_page.html", context)


def _in_groups(signature: str) -> str:
    """Return a signature as it is printed and compared: eight signs at a time."""
    return " ".join(signature[at : at + 8] for at in range(0, len(signature), 8))


def _context(admin, request, title: str) -> dict:
    return {
        **admin.admin_site.each_context(request),
        "title": title,
        "opts": admin.opts,
    }
