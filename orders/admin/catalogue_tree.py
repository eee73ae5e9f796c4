"""What products are sorted by: categories, brands, attributes, sales channels."""

from django import forms
from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from crm.shared.staff_lists import StaffAdmin
from orders.models import Attribute, Brand, Category, Channel
from orders.queries.catalogue import tree_order
from orders.services.categorising import (
    CategoryBelowItself,
    stands_below,
    store_category,
)
from orders.services.indexing import words_of_brand_changed


class CategoryForm(forms.ModelForm):
    """A category and where it stands."""

    def clean_parent(self) -> Category | None:
        """Refuse a place below itself, before anything is written."""
        parent = self.cleaned_data["parent"]
        if self.instance.pk and stands_below(category=self.instance, parent=parent):
            raise forms.ValidationError(str(CategoryBelowItself()))
        return parent


@admin.register(Category)
class CategoryAdmin(StaffAdmin):
    """The category tree, as it reads from top to bottom."""

    when_empty = _("Shelves of the shop; one may stand inside another.")
    form = CategoryForm
    list_display = ["label", "code", "position"]
    search_fields = ["name", "name_en", "code"]
    autocomplete_fields = ["parent"]
    sortable_by: list[str] = []

    def get_ordering(self, request):
        """Read the tree from top to bottom."""
        return [tree_order()]

    @admin.display(description=_("category"))
    def label(self, category: Category) -> str:
        """Return the name in the language of the page, set in by its depth."""
        return "— " * (len(category.lineage) - 1) + category.label

    def save_model(self, request, obj, form, change):
        """Store it by its service: its branch moves with it."""
        store_category(category=obj)


@admin.register(Brand)
class BrandAdmin(StaffAdmin):
    """Who makes what the shop sells."""

    when_empty = _("Who makes what the shop sells.")
    list_display = ["label", "code"]
    search_fields = ["name", "name_en", "code"]

    @admin.display(description=Brand._meta.verbose_name, ordering="name")
    def label(self, brand: Brand) -> str:
        """Return the name in the language of the page."""
        return brand.label

    def save_model(self, request, obj, form, change):
        """Have its products found by the new name."""
        super().save_model(request, obj, form, change)
        words_of_brand_changed(brand_id=obj.pk)


@admin.register(Attribute)
class AttributeAdmin(StaffAdmin):
    """What products are compared by."""

    when_empty = _(
        "What products are described and filtered by, such as their material."
    )
    list_display = ["label", "code"]
    search_fields = ["name", "name_en", "code"]

    @admin.display(description=Attribute._meta.verbose_name, ordering="name")
    def label(self, attribute: Attribute) -> str:
        """Return the name in the language of the page."""
        return attribute.label


@admin.register(Channel)
class ChannelAdmin(StaffAdmin):
    """Where the shop sells."""

    when_empty = _(
        "Where orders come from: the shop's own site, a marketplace, a store."
    )
    list_display = ["label", "code"]
    search_fields = ["name", "name_en", "code"]

    @admin.display(description=_("sales channel"), ordering="name")
    def label(self, channel: Channel) -> str:
        """Return the name in the language of the page."""
        return channel.label
