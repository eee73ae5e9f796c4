"""Custom attributes and the vocabulary of interests: configuration."""

from django.contrib import admin
from django.utils.translation import gettext_lazy as _
from unfold.admin import TabularInline

from crm.shared.staff_lists import StaffAdmin
from members.models import AttributeChoice, AttributeDefinition, Interest

#: What must not change its meaning under values that are kept.
_FIXED = ["code", "kind", "is_personal"]


class AttributeChoiceInline(TabularInline):
    """The answers of an attribute with choices."""

    model = AttributeChoice
    fields = ["code", "name", "name_en", "position"]
    extra = 0


@admin.register(AttributeDefinition)
class AttributeDefinitionAdmin(StaffAdmin):
    """An attribute with its choices. Used ones are switched off, never deleted."""

    when_empty = _(
        "What the shop wants to know of its members besides the profile, such as a "
        "shoe size."
    )
    list_display = [
        "label",
        "code",
        "kind",
        "is_personal",
        "purpose",
        "by_member",
        "by_staff",
        "by_api",
        "is_active",
    ]
    list_filter = ["is_active", "kind"]
    search_fields = ["code", "name", "name_en"]
    inlines = [AttributeChoiceInline]

    @admin.display(description=AttributeDefinition._meta.verbose_name, ordering="name")
    def label(self, definition: AttributeDefinition) -> str:
        """Return the name in the language of the page."""
        return definition.label

    def get_readonly_fields(self, request, obj=None):
        """Hold type, code and secrecy once somebody's value is kept."""
        fixed = obj is not None and obj.kept_values.exists()
        return _FIXED if fixed else []

    def has_delete_permission(self, request, obj=None) -> bool:
        """Refuse: values would lose their meaning."""
        return False


@admin.register(Interest)
class InterestAdmin(StaffAdmin):
    """Words members choose from."""

    when_empty = _("What members may say they are interested in.")
    list_display = ["label", "code", "is_active"]
    search_fields = ["code", "name", "name_en"]

    @admin.display(description=Interest._meta.verbose_name, ordering="name")
    def label(self, interest: Interest) -> str:
        """Return the name in the language of the page."""
        return interest.label

    def has_delete_permission(self, request, obj=None) -> bool:
        """Refuse: words are switched off; members keep what they chose."""
        return False
