"""The points program: configuration."""

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from crm.shared.staff_lists import StaffAdmin
from loyalty.models import Program


@admin.register(Program)
class ProgramAdmin(StaffAdmin):
    """How points are earned and what they are worth. One row."""

    when_empty = _("The program is made when the shop is.")
    list_display = ["name", "valid_months", "activation", "claw_back"]

    def has_add_permission(self, request) -> bool:
        """Allow the first program only."""
        return super().has_add_permission(request) and not Program.objects.exists()

    def has_delete_permission(self, request, obj=None) -> bool:
        """Refuse: points without a program have no value."""
        return False
