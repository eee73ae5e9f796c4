"""Codes that become somebody's coupon: many unique ones, or one word for all.

Lengths tell the kinds apart, so that no two live codes can be the same (C4): a public
code has at most 12 characters, a coupon's own code 14, one of a batch 16 to 20.
"""

from django.conf import settings
from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Length
from django.db.models.lookups import GreaterThanOrEqual
from django.utils.translation import gettext_lazy as _

from campaigns.models.coupon import CouponTemplate
from crm.shared.public_ids import PublicIdField

LONGEST_PUBLIC = 12
SHORTEST_UNIQUE, LONGEST_UNIQUE = 16, 20


class CouponBatch(models.Model):
    """Unique codes made together; ``made`` of them are there, in whole chunks."""

    public_id = PublicIdField(prefix="cbt")
    template = models.ForeignKey(
        CouponTemplate,
        on_delete=models.PROTECT,
        related_name="batches",
        verbose_name=_("coupon template"),
    )
    prefix = models.CharField(_("prefix"), max_length=6)
    wanted = models.PositiveIntegerField(_("codes wanted"))
    made = models.PositiveIntegerField(_("codes made"), default=0, db_default=0)
    job = models.ForeignKey(
        "shared.Job",
        on_delete=models.SET_NULL,
        null=True,
        related_name="+",
        verbose_name=_("background job"),
    )
    asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        related_name="+",
        verbose_name=_("asked by"),
    )
    asked_at = models.DateTimeField(_("asked at"))
    revoked_at = models.DateTimeField(_("revoked at"), null=True, blank=True)

    class Meta:
        verbose_name = _("batch of codes")
        verbose_name_plural = _("batches of codes")
        constraints = [
            models.CheckConstraint(
                condition=Q(made__lte=F("wanted")),
                name="coupon_batch_makes_what_was_wanted",
            )
        ]

    def __str__(self):
        return self.public_id


class CouponCode(models.Model):
    """A code of a batch. Whoever uses it first gets a coupon of that code.

    As lean as a row can be, since there are millions: the code is the key and the only
    tree; a batch is found by the pages it was written to. The batch's key is not
    checked row by row: batches are never deleted.
    """

    class State(models.TextChoices):
        """free -> taken. A free code of a revoked batch opens nothing."""

        FREE = "free", _("free")
        TAKEN = "taken", _("taken")

    code = models.CharField(
        _("code"), primary_key=True, max_length=LONGEST_UNIQUE, db_collation="C"
    )
    batch = models.ForeignKey(
        CouponBatch,
        on_delete=models.PROTECT,
        db_constraint=False,
        db_index=False,
        related_name="codes",
        verbose_name=_("batch of codes"),
    )
    state = models.CharField(
        _("state"), max_length=8, choices=State, default=State.FREE, db_default="free"
    )

    class Meta:
        verbose_name = _("coupon code")
        verbose_name_plural = _("coupon codes")
        indexes = [BrinIndex(fields=["batch"], name="coupon_code_pages_of_batch")]
        constraints = [
            models.CheckConstraint(
                condition=GreaterThanOrEqual(Length("code"), SHORTEST_UNIQUE),
                name="coupon_code_is_a_long_one",
            )
        ]

    def __str__(self):
        return self.code


class PublicCode(models.Model):
    """One word that many people use, such as ``SPRING26`` (one code, many uses).

    ``used`` counts holds and uses of all who came with it (C8).
    """

    public_id = PublicIdField(prefix="cpc")
    template = models.ForeignKey(
        CouponTemplate,
        on_delete=models.PROTECT,
        related_name="public_codes",
        verbose_name=_("coupon template"),
    )
    code = models.CharField(
        _("code"),
        max_length=LONGEST_PUBLIC,
        unique=True,
        db_collation="C",
        help_text=_("4 to 12 letters and digits; how they are typed does not matter."),
    )
    limit_total = models.PositiveIntegerField(_("uses in all"), null=True, blank=True)
    used = models.PositiveIntegerField(
        _("used"), default=0, db_default=0, editable=False
    )
    is_active = models.BooleanField(_("works"), default=True, db_default=True)

    class Meta:
        verbose_name = _("public code")
        verbose_name_plural = _("public codes")
        constraints = [
            models.CheckConstraint(
                condition=Q(limit_total__isnull=True) | Q(used__lte=F("limit_total")),
                name="public_code_used_is_within_limit",
                violation_error_message=_("It was used more often already."),
            ),
            models.CheckConstraint(
                condition=Q(code__regex="^[A-Z0-9]{4,12}$"),
                name="public_code_is_a_word",
                violation_error_message=_("Use 4 to 12 letters and digits."),
            ),
        ]

    def __str__(self):
        return self.code
