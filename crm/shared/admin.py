"""Base classes of the staff pages."""

from collections.abc import Iterable

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.http import HttpRequest
from unfold.admin import ModelAdmin
from unfold.widgets import UnfoldAdminTextareaWidget

from crm.shared.audit import record_audit
from crm.shared.clock import now
from crm.shared.fields import EncryptedTextField
from crm.shared.money_field import AmountsMixin
from crm.shared.ratio_fields import RatiosMixin
from crm.shared.read_columns import ReadColumnsMixin
from crm.shared.staff_selects import KeySelectsMixin


class ReadOnlyAdmin:
    """Mixin of pages to read and search; services are the only writers."""

    show_full_result_count = False

    def has_add_permission(self, request: HttpRequest, obj=None) -> bool:
        """Refuse."""
        return False

    def has_change_permission(self, request: HttpRequest, obj=None) -> bool:
        """Refuse."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj=None) -> bool:
        """Refuse."""
        return False


class AuditedAdmin(
    ReadColumnsMixin, AmountsMixin, RatiosMixin, KeySelectsMixin, ModelAdmin
):
    """Admin page whose every add, change and delete leaves an audit entry.

    An entry names the fields, never their values. Actions that call services need
    nothing of this: the service records.
    """

    show_full_result_count = False

    def formfield_for_dbfield(self, db_field, request, **kwargs):
        """Give long texts an area in the console's style, lists a low one."""
        if isinstance(db_field, EncryptedTextField) and db_field.is_long:
            kwargs.setdefault("widget", UnfoldAdminTextareaWidget)
        elif isinstance(db_field, models.TextField):
            kwargs.setdefault("widget", UnfoldAdminTextareaWidget(attrs={"rows": 4}))
        if isinstance(db_field, ArrayField):
            kwargs.setdefault("widget", UnfoldAdminTextareaWidget(attrs={"rows": 2}))
        return super().formfield_for_dbfield(db_field, request, **kwargs)

    def construct_change_message(self, request, form, formsets, add=False):
        """Remember the changed field names for the entry that follows."""
        request.changed_fields = changed_fields(form, formsets or ())
        return super().construct_change_message(request, form, formsets, add)

    def log_addition(self, request, obj, message):
        """Record that a row was added."""
        self._record(request, "add", obj)
        return super().log_addition(request, obj, message)

    def log_change(self, request, obj, message):
        """Record that a row was changed; saving without a change is no deed."""
        if getattr(request, "changed_fields", None):
            self._record(request, "change", obj)
        return super().log_change(request, obj, message)

    def log_deletions(self, request, queryset: Iterable[models.Model]):
        """Record that rows were deleted."""
        for obj in queryset:
            self._record(request, "delete", obj)
        return super().log_deletions(request, queryset)

    def _record(self, request, verb: str, obj: models.Model) -> None:
        changed = getattr(request, "changed_fields", [])
        record_audit(
            actor=request.user,
            action=f"{obj._meta.label_lower}.{verb}",
            obj=obj,
            detail={"changed": changed} if changed and verb != "delete" else None,
            now=now(),
        )


def changed_fields(form, formsets) -> list[str]:
    """Return the names of the changed fields of a form and its inlines.

    Inline fields carry the inline's prefix, such as ``lines.quantity``; a removed
    inline row counts as ``lines.DELETE``.
    """
    names = set(form.changed_data)
    for formset in formsets:
        for inline in formset.forms:
            names |= {f"{formset.prefix}.{name}" for name in inline.changed_data}
    return sorted(names)
