"""What else a shop wants to know about its members: defined by staff, typed."""

import json
from datetime import datetime
from typing import Any

from django.db import models
from django.db.models import Exists, ExpressionWrapper, OuterRef, Q
from django.utils.translation import gettext_lazy as _

from crm.shared.bilingual import Bilingual
from crm.shared.fields import EncryptedTextField
from crm.shared.public_ids import PublicIdField
from members.models.consent import Consent
from members.rules.attributes import SERVICE


class Interest(Bilingual, models.Model):
    """One word of the vocabulary members choose their interests from."""

    code = models.SlugField(_("code"), max_length=40, unique=True)
    name = models.CharField(_("name"), max_length=60)
    name_en = models.CharField(_("English name"), max_length=60, blank=True)
    is_active = models.BooleanField(
        _("offered"), default=True, help_text=_("Off: kept where chosen, not offered.")
    )

    class Meta:
        verbose_name = _("interest")
        verbose_name_plural = _("interests")
        ordering = ["code"]

    def __str__(self):
        return self.label


class AttributeDefinition(Bilingual, models.Model):
    """One custom attribute: its type, why it is kept, who may write it.

    Type, code and secrecy stand still once a value is kept: what was told as one thing
    is not read as another.
    """

    class Kind(models.TextChoices):
        """Types, as ``members.rules.attributes`` reads them."""

        TEXT = "text", _("text")
        NUMBER = "number", _("number")
        DATE = "date", _("date")
        BOOLEAN = "boolean", _("yes or no")
        CHOICE = "choice", _("one of several")
        CHOICES = "choices", _("several of several")

    code = models.SlugField(_("code"), max_length=40, unique=True)
    name = models.CharField(_("name"), max_length=60)
    name_en = models.CharField(_("English name"), max_length=60, blank=True)
    kind = models.CharField(_("type"), max_length=10, choices=Kind)
    is_personal = models.BooleanField(
        _("personal"),
        default=True,
        help_text=_("Encrypted and masked. Off only for what identifies nobody."),
    )
    purpose = models.CharField(
        _("purpose"),
        max_length=20,
        choices=Consent.Purpose,
        blank=True,
        help_text=_("The consent it is used under; empty: needed for the service."),
    )
    by_member = models.BooleanField(_("members may write it"), default=False)
    by_staff = models.BooleanField(_("staff may write it"), default=True)
    by_api = models.BooleanField(_("other systems may write it"), default=False)
    is_active = models.BooleanField(_("in use"), default=True)

    class Meta:
        verbose_name = _("member attribute")
        verbose_name_plural = _("member attributes")
        ordering = ["code"]

    def __str__(self):
        return self.label


class AttributeChoice(Bilingual, models.Model):
    """One answer of an attribute with choices."""

    definition = models.ForeignKey(
        AttributeDefinition,
        on_delete=models.CASCADE,
        related_name="options",
        verbose_name=_("member attribute"),
        db_index=False,
    )
    code = models.SlugField(_("code"), max_length=40)
    name = models.CharField(_("name"), max_length=60)
    name_en = models.CharField(_("English name"), max_length=60, blank=True)
    position = models.PositiveSmallIntegerField(_("position"), default=0)

    class Meta:
        verbose_name = _("choice")
        verbose_name_plural = _("choices")
        ordering = ["position", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["definition", "code"], name="attribute_choice_has_one_code"
            )
        ]

    def __str__(self):
        return self.label


class AttributeValueQuerySet(models.QuerySet):
    """Which values may be read, for what. Every reader but the member asks here."""

    def usable(self, use: str):
        """Return the values that may be used for ``use`` now.

        The same as ``members.rules.attributes.may_use`` says of one value. What was
        collected under another purpose than its attribute has today needs both.

        Args:
            use: ``SERVICE`` or a ``Consent.Purpose``.
        """
        return self.filter(_usable(use))

    def with_use(self, use: str):
        """Mark each value with ``is_usable``, as ``usable`` would choose."""
        mark = ExpressionWrapper(_usable(use), output_field=models.BooleanField())
        return self.annotate(is_usable=mark)

    def idle_since(self, at: datetime):
        """Return values nobody may use, about which nothing was said since ``at``."""
        spoken = Consent.objects.filter(
            Q(purpose=OuterRef("purpose")) | Q(purpose=OuterRef("definition__purpose")),
            member=OuterRef("member"),
            occurred_at__gte=at,
        )
        idle = self.exclude(_usable(SERVICE)).filter(collected_at__lt=at)
        return idle.filter(~Exists(spoken))


def _usable(use: str) -> Q:
    both = Q()
    for field in ("purpose", "definition__purpose"):
        agreed = Exists(
            Consent.objects.holding().filter(
                member=OuterRef("member"), purpose=OuterRef(field)
            )
        )
        needless = Q(**{field: SERVICE})
        both &= needless | agreed if use == SERVICE else Q(**{field: use}) & agreed
    return both


class AttributeValue(models.Model):
    """What is known of one member under one definition, and where it came from.

    Canonical JSON: in ``sealed`` when the attribute is personal, else in ``plain``.
    """

    public_id = PublicIdField(prefix="atv")
    member = models.ForeignKey(
        "members.Member",
        on_delete=models.CASCADE,
        related_name="attribute_values",
        verbose_name=_("member"),
        db_index=False,
    )
    definition = models.ForeignKey(
        AttributeDefinition,
        on_delete=models.PROTECT,
        related_name="kept_values",
        verbose_name=_("member attribute"),
    )
    sealed = EncryptedTextField(_("value"), max_length=2000, null=True, blank=True)
    plain = models.JSONField(_("value"), null=True, blank=True)
    source = models.CharField(_("source"), max_length=60)
    purpose = models.CharField(_("purpose"), max_length=20, blank=True)
    collected_at = models.DateTimeField(_("collected at"))

    objects = AttributeValueQuerySet.as_manager()

    class Meta:
        verbose_name = _("attribute value")
        verbose_name_plural = _("attribute values")
        constraints = [
            models.UniqueConstraint(
                fields=["member", "definition"], name="attribute_value_once_per_member"
            ),
            models.CheckConstraint(
                condition=Q(sealed__isnull=True, plain__isnull=False)
                | Q(sealed__isnull=False, plain__isnull=True),
                name="attribute_value_is_sealed_or_plain",
            ),
        ]

    def __str__(self):
        return self.public_id

    @property
    def value(self) -> Any:
        """The canonical value, opened when it is personal."""
        return self.plain if self.sealed is None else json.loads(self.sealed)
