"""Where to send things to."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from crm.shared.fields import EncryptedTextField
from crm.shared.public_ids import PublicIdField

#: Addresses one member may keep.
MOST_ADDRESSES = 20


class Address(models.Model):
    """One address of a member; all of it but the country is encrypted.

    ``slot`` counts from 1 to ``MOST_ADDRESSES``: unique and checked, it is the limit.
    """

    public_id = PublicIdField(prefix="adr")
    member = models.ForeignKey(
        "members.Member",
        on_delete=models.CASCADE,
        related_name="addresses",
        verbose_name=_("member"),
        db_index=False,
    )
    slot = models.PositiveSmallIntegerField(editable=False)
    label = EncryptedTextField(_("label"), max_length=20, null=True, blank=True)
    recipient = EncryptedTextField(_("recipient"), max_length=120)
    phone = EncryptedTextField(_("phone"), max_length=20, null=True, blank=True)
    #: ISO 3166, two capitals.
    country = models.CharField(_("country"), max_length=2)
    province = EncryptedTextField(_("province"), max_length=60, null=True, blank=True)
    city = EncryptedTextField(_("city"), max_length=60, null=True, blank=True)
    district = EncryptedTextField(_("district"), max_length=60, null=True, blank=True)
    street = EncryptedTextField(_("street"), max_length=200)
    postcode = EncryptedTextField(_("postcode"), max_length=12, null=True, blank=True)
    is_default = models.BooleanField(_("default"), default=False)
    created_at = models.DateTimeField(_("created at"))

    class Meta:
        verbose_name = _("address")
        verbose_name_plural = _("addresses")
        ordering = ["-is_default", "slot"]
        constraints = [
            models.UniqueConstraint(
                fields=["member", "slot"], name="address_once_per_slot"
            ),
            models.CheckConstraint(
                condition=models.Q(slot__range=(1, MOST_ADDRESSES)),
                name="address_slots_are_limited",
            ),
            models.UniqueConstraint(
                fields=["member"],
                condition=models.Q(is_default=True),
                name="address_one_default_per_member",
            ),
        ]

    def __str__(self):
        return self.public_id
