"""What the shop sells, and where."""

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVectorField
from django.db import models
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _

from crm.shared.bilingual import Bilingual, in_request_language
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


class Brand(Named):
    """Who makes it. A name is one brand, however its letters are written."""

    code = models.SlugField(_("code"), max_length=60, unique=True)

    class Meta:
        verbose_name = _("brand")
        verbose_name_plural = _("brands")
        ordering = ["name", "id"]
        constraints = [
            models.UniqueConstraint(Lower("name"), name="brand_once_per_name")
        ]


class Category(Named):
    """A node of the category tree.

    ``lineage`` is the way from the root: ids of all ancestors and last its own. A
    trigger keeps it, so a branch is found by one look into an index.
    """

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
    lineage = ArrayField(models.BigIntegerField(), default=list, editable=False)

    class Meta:
        verbose_name = _("category")
        verbose_name_plural = _("categories")
        ordering = ["position", "code"]
        indexes = [GinIndex(fields=["lineage"], name="category_by_lineage")]


class Attribute(Named):
    """What products are compared by: material, size of the set, origin."""

    code = models.SlugField(_("code"), max_length=60, unique=True)

    class Meta:
        verbose_name = _("product attribute")
        verbose_name_plural = _("product attributes")
        ordering = ["code"]


class Product(Named):
    """Something sold, in one or more variants.

    ``kind`` tells merchandise, which earns points and is recommended, from freight
    and fees, which are charged on the same invoice but are no product.
    """

    class Kind(models.TextChoices):
        """What sort of position this is."""

        GOODS = "goods", _("goods")
        GIFT_CARD = "gift_card", _("gift card")
        PLAN = "plan", _("paid plan")
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
        db_index=False,
    )
    brand = models.ForeignKey(
        Brand,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="products",
        verbose_name=_("brand"),
        db_index=False,
    )
    tags = ArrayField(
        models.CharField(max_length=40),
        verbose_name=_("tags"),
        default=list,
        db_default=[],
        blank=True,
        help_text=_("Words separated by commas."),
    )
    channels = models.ManyToManyField(
        Channel,
        blank=True,
        related_name="products",
        verbose_name=_("sales channels"),
        help_text=_("None chosen: sold everywhere."),
    )
    description = models.TextField(_("description"), blank=True, max_length=4000)
    is_listed = models.BooleanField(
        _("listed"), default=True, help_text=_("Shown and sold in the storefront.")
    )
    #: Something it is found by has changed since its words were written.
    words_due = models.BooleanField(default=True, db_default=True, editable=False)
    created_at = models.DateTimeField(_("created at"))
    #: Of published reviews.
    rating_count = models.PositiveIntegerField(
        _("ratings"), default=0, db_default=0, editable=False
    )
    rating_sum = models.PositiveIntegerField(
        _("sum of ratings"), default=0, db_default=0, editable=False
    )

    class Meta:
        verbose_name = _("product")
        verbose_name_plural = _("products")
        constraints = [
            models.CheckConstraint(
                condition=models.Q(rating_sum__gte=models.F("rating_count"))
                & models.Q(rating_sum__lte=5 * models.F("rating_count")),
                name="product_ratings_are_one_to_five",
            )
        ]
        indexes = [
            models.Index(fields=["-created_at", "-id"], name="product_newest_first"),
            models.Index(fields=["category", "-id"], name="product_by_category"),
            models.Index(fields=["brand", "-id"], name="product_by_brand"),
            GinIndex(fields=["tags"], name="product_by_tag"),
            models.Index(
                fields=["id"],
                name="product_words_due",
                condition=models.Q(words_due=True),
            ),
        ]


class ProductWords(models.Model):
    """The words a product is found by (``orders.rules.search_words``).

    A table of its own: nobody who reads products carries them along.
    """

    product = models.OneToOneField(
        Product, on_delete=models.CASCADE, primary_key=True, related_name="words"
    )
    words = SearchVectorField()

    class Meta:
        verbose_name = _("words of a product")
        verbose_name_plural = _("words of products")
        indexes = [GinIndex(fields=["words"], name="product_by_word")]

    def __str__(self):
        return str(self.pk)


class ProductAttribute(models.Model):
    """What a product is in one respect, such as material: cotton."""

    product = models.ForeignKey(
        Product,
        on_delete=models.CASCADE,
        related_name="attributes",
        verbose_name=_("product"),
        db_index=False,
    )
    attribute = models.ForeignKey(
        Attribute,
        on_delete=models.PROTECT,
        related_name="values",
        verbose_name=_("product attribute"),
    )
    value = models.CharField(_("value"), max_length=120)
    value_en = models.CharField(
        _("English value"),
        max_length=120,
        blank=True,
        help_text=_("Empty uses value."),
    )

    class Meta:
        verbose_name = _("value of an attribute")
        verbose_name_plural = _("values of attributes")
        ordering = ["attribute__code", "value"]
        constraints = [
            models.UniqueConstraint(
                fields=["product", "attribute", "value"],
                name="product_attribute_once_per_value",
            )
        ]

    def __str__(self):
        return self.label

    @property
    def label(self) -> str:
        """The value in the language of this request."""
        return in_request_language(self.value, self.value_en)


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
        _("list price"), help_text=_("In the currency of the shop.")
    )
    cost_minor = models.BigIntegerField(_("cost"), null=True, blank=True)
    minimum_price_minor = models.BigIntegerField(
        _("minimum price"),
        null=True,
        blank=True,
        help_text=_("No offer and no points bring a unit below it."),
    )
    barcode = models.CharField(
        _("barcode"), max_length=40, blank=True, db_default="", db_collation="C"
    )
    weight_grams = models.PositiveIntegerField(
        _("weight in grams"), null=True, blank=True
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
                condition=models.Q(minimum_price_minor__gte=0),
                name="variant_minimum_price_is_not_negative",
            ),
            models.UniqueConstraint(
                fields=["barcode"],
                condition=~models.Q(barcode=""),
                name="variant_once_per_barcode",
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
