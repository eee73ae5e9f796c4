"""Pictures of products."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from crm.shared.bilingual import in_request_language
from crm.shared.public_ids import PublicIdField


class ProductImage(models.Model):
    """A WebP without metadata, written anew from what was sent in.

    It lives in the database like every picture of this house: it comes, goes and is
    backed up with its product. A new picture gets a new id, so caches may keep it.
    """

    public_id = PublicIdField(prefix="img")
    product = models.ForeignKey(
        "orders.Product",
        on_delete=models.CASCADE,
        related_name="images",
        verbose_name=_("product"),
        db_index=False,
    )
    variant = models.ForeignKey(
        "orders.Variant",
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="images",
        verbose_name=_("SKU"),
        help_text=_("Empty: of all SKUs."),
    )
    alt = models.CharField(
        _("description for who cannot see it"), max_length=160, blank=True
    )
    alt_en = models.CharField(_("the same in English"), max_length=160, blank=True)
    position = models.PositiveSmallIntegerField(_("position"), default=0)
    #: The bytes of the file.
    picture = models.BinaryField()
    created_at = models.DateTimeField(_("created at"))

    class Meta:
        verbose_name = _("picture of a product")
        verbose_name_plural = _("pictures of products")
        ordering = ["position", "id"]
        indexes = [
            models.Index(fields=["product", "position", "id"], name="image_in_order")
        ]

    def __str__(self):
        return self.public_id

    @property
    def text(self) -> str:
        """What it shows, in the language of this request."""
        return in_request_language(self.alt, self.alt_en)
