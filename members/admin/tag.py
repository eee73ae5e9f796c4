"""Tags: words staff put on members."""

from django.contrib import admin

from crm.shared.staff_lists import StaffAdmin
from members.models import Tag


@admin.register(Tag)
class TagAdmin(StaffAdmin):
    """Words to choose from."""

    list_display = ["name"]
    search_fields = ["name"]
