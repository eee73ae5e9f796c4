"""What the shop sells, and where."""

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex, OpClass
from django.db import models
from django.db.models.functions import Upper
from django.utils.translation import gettext_lazy as _

from crm.shared.bilingual import Bilingual
from crm.shared.public_ids import PublicIdField


class Named(Bilingual, models.Model):
    """A name in the shop's language, and in English where somebody wrote one."""

    name = models.CharField(_("name"), max_length=160)
    name_en = models.CharField(
        _("English name"), max_length=160, blank=True, help_text=_("Empty uses name.")
    )

    class Meta:
        abstract = True

    def __str__(self):
        return self.label


class Channel(Named):
    """A place where the shop sells: mini program, web site, store, marketplace."""

    code = models.SlugField(_("code"), max_length=40, unique=True)

    class Meta:
        verbose_name = _("sales channel")
        verbose_name_plural = _("sales channels")
        ordering = ["code"]


class Category(Named):
    """A node of the category tree."""

    code = models.SlugField(_("code"), max_length=60, unique=True)
    parent = models.ForeignKey(
        "self",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="children",
        verbose_name=_("parent"),
    )
    position = models.PositiveIntegerField(_("position"), default=0)
    #: Ids from the root of the tree down to this category.
    lineage = ArrayField(
        models.BigIntegerField(),
        default=list,
        db_default=[],
        blank=True,
        editable=False,
    )

    class Meta:
        verbose_name = _("category")
        verbose_name_plural = _("categories")
        ordering = ["position", "code"]


class Product(Named):
    """Something sold, in one or more variants.

    ``kind`` tells merchandise, which earns points and is recommended, from freight
    and fees, which are charged on the same invoice but are no product.
    """

    class Kind(models.TextChoices):
        """What sort of position this is."""

        GOODS = "goods", _("goods")
        GIFT_CARD = "gift_card", _("gift card")
        FREIGHT = "freight", _("freight")
        FEE = "fee", _("fee or manual charge")

    public_id = PublicIdField(prefix="prd")
    kind = models.CharField(_("kind"), max_length=10, choices=Kind, default=Kind.GOODS)
    category = models.ForeignKey(
        Category,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="products",
        verbose_name=_("category"),
    )
    brand = models.CharField(_("brand"), max_length=80, blank=True)
    description = models.TextField(_("description"), blank=True, max_length=4000)
    is_listed = models.BooleanField(
        _("listed"), default=True, help_text=_("Shown and sold in the storefront.")
    )
    created_at = models.DateTimeField(_("created at"))

    class Meta:
        verbose_name = _("product")
        verbose_name_plural = _("products")
        indexes = [
            models.Index(fields=["-created_at", "-id"], name="product_newest_first"),
            models.Index(fields=["category", "-id"], name="product_by_category"),
            GinIndex(
                OpClass(Upper("name"), name="gin_trgm_ops"), name="product_by_name_part"
            ),
        ]


class Variant(models.Model):
    """One SKU: what is priced, stocked and put in a cart."""

    product = models.ForeignKey(
        Product,
        on_delete=models.PROTECT,
        related_name="variants",
        verbose_name=_("product"),
    )
    sku = models.CharField(_("SKU"), max_length=60, unique=True, db_collation="C")
    option = models.CharField(
        _("option"), max_length=80, blank=True, help_text=_("Size, colour and so on.")
    )
    price_minor = models.BigIntegerField(
        _("list price"), help_text=_("In minor units of the shop currency.")
    )
    cost_minor = models.BigIntegerField(_("cost"), null=True, blank=True)
    weight_grams = models.PositiveIntegerField(
        _("weight in grams"), default=0, db_default=0
    )
    #: ``None`` means stock is not kept for this SKU.
    on_hand = models.IntegerField(_("on hand"), null=True, blank=True)
    reserved = models.IntegerField(_("reserved"), default=0)
    is_active = models.BooleanField(_("active"), default=True)

    class Meta:
        verbose_name = _("SKU")
        verbose_name_plural = _("SKUs")
        constraints = [
            models.CheckConstraint(
                condition=models.Q(price_minor__gte=0),
                name="variant_price_is_not_negative",
            ),
            models.CheckConstraint(
                condition=models.Q(reserved__gte=0)
                & (
                    models.Q(on_hand__isnull=True)
                    | models.Q(reserved__lte=models.F("on_hand"))
                ),
                name="variant_reserved_is_within_stock",
            ),
        ]

    def __str__(self):
        return self.sku
