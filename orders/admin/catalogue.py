"""Products with their variants, categories and sales channels."""

from django.contrib import admin
from django.utils.translation import gettext_lazy as _
from unfold.admin import TabularInline
from unfold.contrib.filters.admin import (
    AutocompleteSelectFilter,
    ChoicesDropdownFilter,
)

from crm.shared.clock import now
from crm.shared.staff_lists import StaffAdmin
from crm.shared.staff_spreadsheets import ExportAdmin, ImportAdmin
from orders.models import Category, Channel, Product, Variant
from orders.resources import ProductResource


class VariantInline(TabularInline):
    """The SKUs of a product."""

    model = Variant
    fields = ["sku", "option", "price_minor", "cost_minor", "on_hand", "is_active"]
    extra = 0
    tab = True


@admin.register(Product)
class ProductAdmin(ImportAdmin, ExportAdmin, StaffAdmin):
    """What the shop sells."""

    list_display = ["label", "category_label", "kind", "brand", "is_listed"]
    list_select_related = ["category"]
    list_filter = [
        ("kind", ChoicesDropdownFilter),
        ("category", AutocompleteSelectFilter),
        "is_listed",
    ]
    search_fields = ["name", "=variants__sku"]
    ordering = ["-created_at", "-id"]
    autocomplete_fields = ["category"]
    readonly_fields = ["public_id", "created_at"]
    inlines = [VariantInline]
    resource_classes = [ProductResource]

    @admin.display(description=_("product"), ordering="name")
    def label(self, product: Product) -> str:
        """Return the name in the language of the page."""
        return product.label

    @admin.display(description=_("category"), empty_value="–")
    def category_label(self, product: Product) -> str | None:
        """Return the category in the language of the page."""
        return product.category.label if product.category else None

    def get_export_queryset(self, request):
        """Take out one row per SKU of the products on the list."""
        products = super().get_export_queryset(request)
        return (
            Variant.objects.filter(product__in=products)
            .select_related("product__category")
            .order_by("sku")
        )

    def save_model(self, request, obj, form, change):
        """Stamp new products."""
        if obj.created_at is None:
            obj.created_at = now()
        super().save_model(request, obj, form, change)


@admin.register(Category)
class CategoryAdmin(StaffAdmin):
    """The category tree."""

    list_display = ["label", "code", "parent", "position"]
    list_select_related = ["parent"]
    search_fields = ["name", "name_en", "code"]
    autocomplete_fields = ["parent"]

    @admin.display(description=_("category"), ordering="name")
    def label(self, category: Category) -> str:
        """Return the name in the language of the page."""
        return category.label


@admin.register(Channel)
class ChannelAdmin(StaffAdmin):
    """Where the shop sells."""

    list_display = ["label", "code"]
    search_fields = ["name", "name_en", "code"]

    @admin.display(description=_("sales channel"), ordering="name")
    def label(self, channel: Channel) -> str:
        """Return the name in the language of the page."""
        return channel.label
