"""Products with their SKUs, values of attributes and pictures."""

from django import forms
from django.conf import settings
from django.contrib import admin
from django.contrib.admin.options import IncorrectLookupParameters
from django.db.models import Exists, F, OuterRef
from django.urls import path
from django.utils.translation import gettext_lazy as _
from unfold.admin import TabularInline
from unfold.contrib.filters.admin import (
    AutocompleteSelectFilter,
    ChoicesDropdownFilter,
)
from unfold.widgets import (
    UnfoldAdminCheckboxSelectMultipleWidget,
    UnfoldAdminFileFieldWidget,
)

from crm.shared.clock import now
from crm.shared.money_field import AmountsMixin
from crm.shared.picture_files import MOST_BYTES
from crm.shared.staff_lists import StaffAdmin
from crm.shared.staff_selects import KeySelectsMixin
from crm.shared.staff_spreadsheets import ExportAdmin, ImportAdmin
from orders.admin.catalogue_prices import PricesPage
from orders.admin.catalogue_stock import StockPage
from orders.models import (
    Category,
    Product,
    ProductAttribute,
    ProductImage,
    Variant,
)
from orders.queries.catalogue import found_products
from orders.resources import ProductResource
from orders.services.cataloguing import store_sku
from orders.services.indexing import index_products
from orders.services.picturing import add_picture


class VariantForm(forms.ModelForm):
    """A SKU; its number never changes, for everything that was sold says it."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        if self.instance.pk:
            self.fields["sku"].disabled = True


class VariantInline(AmountsMixin, TabularInline):
    """The SKUs of a product. A new price here is the list price from now on."""

    model = Variant
    form = VariantForm
    fields = [
        "sku",
        "option",
        "price_minor",
        "cost_minor",
        "minimum_price_minor",
        "barcode",
        "weight_grams",
        "is_active",
    ]
    extra = 0
    tab = True

    def has_delete_permission(self, request, obj=None) -> bool:
        """Refuse: SKUs are switched off; their books stay."""
        return False


class ProductAttributeInline(KeySelectsMixin, TabularInline):
    """What the product is, respect by respect."""

    model = ProductAttribute
    fields = ["attribute", "value", "value_en"]
    autocomplete_fields = ["attribute"]
    extra = 0
    tab = True


class ProductImageForm(forms.ModelForm):
    """A picture to bring in; once kept, only its words and place change."""

    upload = forms.FileField(
        label=_("picture"),
        required=False,
        widget=UnfoldAdminFileFieldWidget(
            attrs={"accept": "image/png,image/jpeg,image/webp"}
        ),
        help_text=_("Use a PNG, JPEG or WebP picture of at most 2 MB."),
    )

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        if self.instance.pk:
            self.fields["upload"].disabled = True
        else:
            self.fields["upload"].required = True

    def clean_upload(self):
        """Refuse what is larger than may be kept, before it is read."""
        upload = self.cleaned_data.get("upload")
        if upload is not None and upload.size > MOST_BYTES:
            raise forms.ValidationError(self.fields["upload"].help_text)
        return upload


class ProductImageInline(TabularInline):
    """Pictures, in their order."""

    model = ProductImage
    form = ProductImageForm
    fields = ["upload", "variant", "alt", "alt_en", "position"]
    extra = 0
    tab = True

    def get_queryset(self, request):
        """Leave the bytes where they are."""
        return super().get_queryset(request).defer("picture")

    def formfield_for_foreignkey(self, db_field, request, **kwargs):
        """Offer the SKUs of this product alone."""
        if db_field.name == "variant":
            product = request.resolver_match.kwargs.get("object_id")
            kwargs["queryset"] = Variant.objects.filter(product_id=product or 0)
        return super().formfield_for_foreignkey(db_field, request, **kwargs)


class BranchFilter(AutocompleteSelectFilter):
    """A category and everything below it."""

    def queryset(self, request, queryset):
        """Look at the branch."""
        if not self.value():
            return queryset
        try:
            root = Category.objects.filter(pk=self.value()).first()
        except ValueError as error:
            raise IncorrectLookupParameters(error) from error
        if root is None:
            return queryset.none()
        branch = Category.objects.filter(lineage__contains=[root.pk])
        return queryset.filter(category__in=branch)


class LowStockFilter(admin.SimpleListFilter):
    """Products of which a SKU is nearly gone."""

    title = _("stock")
    parameter_name = "stock"

    def lookups(self, request, model_admin):
        """Offer what is low and what is gone."""
        return [("low", _("low")), ("out", _("out of stock"))]

    def queryset(self, request, queryset):
        """Look for a SKU that is sold, kept, and has few units left."""
        most = {"low": settings.LOW_STOCK_UNITS, "out": 0}.get(self.value() or "")
        if most is None:
            return queryset
        left = F("on_hand") - F("reserved")
        scarce = Variant.objects.alias(left=left).filter(
            product=OuterRef("pk"), is_active=True, left__lte=most
        )
        return queryset.filter(Exists(scarce))


@admin.register(Product)
class ProductAdmin(ImportAdmin, ExportAdmin, StaffAdmin):
    """What the shop sells."""

    when_empty = _(
        "What the shop sells. Add products one by one, or import a spreadsheet."
    )
    list_display = ["label", "category_label", "kind", "brand_label", "is_listed"]
    list_select_related = ["category", "brand"]
    list_filter = [
        ("kind", ChoicesDropdownFilter),
        ("category", BranchFilter),
        ("brand", AutocompleteSelectFilter),
        LowStockFilter,
        "is_listed",
    ]
    #: Any value shows the box; ``get_search_results`` asks the index of words.
    search_fields = ["name"]
    search_help_text = _("Words, characters, pinyin, brand, tag, SKU or barcode.")
    ordering = ["-created_at", "-id"]
    autocomplete_fields = ["category", "brand"]
    readonly_fields = ["public_id", "created_at"]
    inlines = [VariantInline, ProductAttributeInline, ProductImageInline]
    resource_classes = [ProductResource]
    change_form_outer_before_template = "orders/product_links.html"

    @admin.display(description=_("product"), ordering="name")
    def label(self, product: Product) -> str:
        """Return the name in the language of the page."""
        return product.label

    @admin.display(description=_("category"), empty_value="–")
    def category_label(self, product: Product) -> str | None:
        """Return the category in the language of the page."""
        return product.category.label if product.category else None

    @admin.display(description=_("brand"), empty_value="–")
    def brand_label(self, product: Product) -> str | None:
        """Return the brand in the language of the page."""
        return product.brand.label if product.brand else None

    def formfield_for_manytomany(self, db_field, request, **kwargs):
        """Offer sales channels as boxes to tick: there are few."""
        if db_field.name == "channels":
            kwargs["widget"] = UnfoldAdminCheckboxSelectMultipleWidget()
        return super().formfield_for_manytomany(db_field, request, **kwargs)

    def get_urls(self):
        """Add the pages of prices and stock."""
        pages = {"prices": PricesPage, "stock": StockPage}
        return [
            *(
                path(
                    f"<path:pk>/{name}/",
                    self.admin_site.admin_view(page.as_view(model_admin=self)),
                    name=f"product_{name}",
                )
                for name, page in pages.items()
            ),
            *super().get_urls(),
        ]

    def get_search_results(self, request, queryset, search_term):
        """Search as the storefront does; what is not listed is found, too."""
        if not search_term.strip():
            return queryset, False
        return found_products(queryset, search_term[:80]), False

    def get_export_queryset(self, request):
        """Take out one row per SKU of the products on the list."""
        products = super().get_export_queryset(request)
        return (
            Variant.objects.filter(product__in=products)
            .select_related("product__category", "product__brand")
            .order_by("sku")
        )

    def save_model(self, request, obj, form, change):
        """Stamp new products."""
        if obj.created_at is None:
            obj.created_at = now()
        super().save_model(request, obj, form, change)

    def save_formset(self, request, form, formset, change):
        """Write SKUs and new pictures by their services, other rows as they are."""
        if formset.model is Variant:
            formset.save(commit=False)
            for each in formset.forms:
                if each.has_changed():
                    _store(each, product=form.instance, actor=request.user)
        elif formset.model is ProductImage:
            formset.save(commit=False)
            for each in formset.deleted_objects:
                each.delete()
            for each, _fields in formset.changed_objects:
                each.save(update_fields=["variant", "alt", "alt_en", "position"])
            for each in formset.extra_forms:
                if each.has_changed():
                    _add_picture(each, product=form.instance)
        else:
            super().save_formset(request, form, formset, change)

    def save_related(self, request, form, formsets, change):
        """Have the product found by what it says now."""
        super().save_related(request, form, formsets, change)
        index_products(product_ids=[form.instance.pk])


def _store(form: forms.ModelForm, *, product: Product, actor) -> None:
    said = form.cleaned_data
    names = form.changed_data if form.initial.get("sku") else VariantInline.fields
    values = {name: said[name] for name in names if name != "sku"}
    store_sku(sku=said["sku"], values=values, product=product, actor=actor, now=now())


def _add_picture(form: forms.ModelForm, *, product: Product) -> None:
    said = form.cleaned_data
    add_picture(
        product_id=product.pk,
        data=said["upload"].read(),
        variant_id=said["variant"].pk if said["variant"] else None,
        alt=said["alt"],
        alt_en=said["alt_en"],
        now=now(),
    )
