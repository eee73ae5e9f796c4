"""Currencies that are counted and never spent, such as qualifying value or stars."""

from django.core.validators import RegexValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from crm.shared.bilingual import Bilingual

#: The first currency: qualifying value (成长值), which every order adds to.
VALUE = "value"
#: Words that conditions and ladders use for something else.
RESERVED = ("spend", "points", "orders", "none", "currency")


class Currency(Bilingual, models.Model):
    """What rules may award beside points: configuration.

    Members gather it, nobody spends it. A ladder may count it. Its entries are
    ``loyalty.QualifyingEntry``, and what somebody has is their sum.
    """

    code = models.CharField(
        _("code"),
        max_length=20,
        unique=True,
        validators=[
            RegexValidator(r"^[a-z][a-z0-9_]*$", _("Lower-case letters and digits."))
        ],
    )
    name = models.CharField(_("name"), max_length=60)
    name_en = models.CharField(_("English name"), max_length=60, blank=True)
    unit = models.CharField(_("unit"), max_length=20, blank=True)
    unit_en = models.CharField(_("English unit"), max_length=20, blank=True)
    resets_yearly = models.BooleanField(
        _("begins anew every calendar year"),
        default=False,
        help_text=_("Members see what they gathered this year. Nothing is deleted."),
    )
    is_active = models.BooleanField(
        _("active"), default=True, help_text=_("Members see what they have of it.")
    )

    class Meta:
        verbose_name = _("counted currency")
        verbose_name_plural = _("counted currencies")
        ordering = ["code"]
        constraints = [
            models.CheckConstraint(
                condition=~Q(code__in=RESERVED), name="currency_code_is_free"
            ),
        ]

    def __str__(self):
        return self.label
