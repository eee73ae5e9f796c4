"""Tags: words staff put on members."""

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from crm.shared.staff_lists import StaffAdmin
from members.models import Tag


@admin.register(Tag)
class TagAdmin(StaffAdmin):
    """Words to choose from."""

    when_empty = _(
        "Words that staff put on members, such as “wholesale”. Segments can ask for "
        "them."
    )
    list_display = ["name"]
    search_fields = ["name"]
