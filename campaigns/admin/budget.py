"""Budgets: money for reductions, changed alone or by two people."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.widgets import UnfoldAdminTextInputWidget

from campaigns.models import Budget
from campaigns.services.funding import change_budget
from crm.shared.admin import AuditedAdmin
from crm.shared.clock import now
from crm.shared.models import Approval
from crm.shared.staff_lists import StaffAdmin, money_column


class BudgetForm(forms.ModelForm):
    """A budget that covers what is promised already."""

    reason = forms.CharField(
        label=gettext_lazy("Reason"),
        max_length=200,
        required=False,
        widget=UnfoldAdminTextInputWidget,
        help_text=gettext_lazy("Why the amount is another one."),
    )

    class Meta:
        model = Budget
        fields = ["name", "amount_minor"]

    def clean_amount_minor(self) -> int:
        """Refuse less than is reserved and spent."""
        amount = self.cleaned_data["amount_minor"]
        if amount < self.instance.reserved_minor + self.instance.spent_minor:
            raise forms.ValidationError(
                _("More than this is reserved and spent already.")
            )
        return amount

    def clean(self) -> dict[str, Any]:
        """Want a reason where the amount of a saved budget is another one."""
        super().clean()
        found = self.cleaned_data
        if (
            self.instance.pk is not None
            and "amount_minor" in self.changed_data
            and not found.get("reason", "").strip()
        ):
            self.add_error("reason", _("Say why."))
        return found


@admin.register(Budget)
class BudgetAdmin(StaffAdmin):
    """Money for reductions: what is promised, what is spent, what is left (C22)."""

    when_empty = gettext_lazy(
        "Money that promotions and coupons may give away, and never more."
    )
    form = BudgetForm

    list_display = ["name", "amount", "reserved", "spent", "left"]
    search_fields = ["name"]
    readonly_fields = ["reserved", "spent", "left"]
    ordering = ["-id"]

    amount = money_column("amount_minor", gettext_lazy("budget"))
    reserved = money_column("reserved_minor", gettext_lazy("reserved"))
    spent = money_column("spent_minor", gettext_lazy("spent"))
    left = money_column("left_minor", gettext_lazy("left"), ordering=False)

    def get_fields(self, request, obj=None) -> list[str]:
        """Return what is given, and of a budget that is there what became of it."""
        if obj is None:
            return ["name", "amount_minor"]
        may = self.has_change_permission(request, obj)
        return [
            *("name", "amount_minor", *(["reason"] if may else [])),
            *self.readonly_fields,
        ]

    def save_model(self, request, obj, form, change):
        """Change a saved one by its service, which may ask somebody else to agree."""
        if not change:
            super().save_model(request, obj, form, change)
            return
        made = change_budget(
            budget_id=obj.pk,
            name=obj.name,
            amount_minor=obj.amount_minor,
            reason=form.cleaned_data["reason"],
            actor=request.user,
            now=now(),
        )
        request.waits = isinstance(made, Approval)

    def log_change(self, request, obj, message):
        """Leave the audit trail to the service, which has written it."""
        return super(AuditedAdmin, self).log_change(request, obj, message)

    def response_change(self, request, obj):
        """Say so where the amount waits for somebody else."""
        if not request.waits:
            return super().response_change(request, obj)
        messages.success(request, _("Somebody else must agree; it waits for approval."))
        return self.response_post_save_change(request, obj)
