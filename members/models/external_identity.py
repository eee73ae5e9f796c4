"""By which names WeChat and Alipay know our members."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from crm.shared.fields import BlindIndexField, EncryptedTextField, Sealable
from crm.shared.public_ids import PublicIdField


class ExternalIdentity(Sealable):
    """One name of one person at one provider, in one app or in all of them.

    Several names lead to one ``SocialAccount``, one name never to two. Unlinking the
    account takes its names along. ``SocialAccount.uid`` holds a chance id and no name
    (docs/adr/0019-identities-of-wechat-and-alipay.md).
    """

    public_id = PublicIdField(prefix="xid")
    account = models.ForeignKey(
        "socialaccount.SocialAccount",
        on_delete=models.CASCADE,
        related_name="names",
        verbose_name=_("account"),
    )
    provider = models.CharField(_("provider"), max_length=20)
    #: App id, or ``members.rules.external_identity.EVERY_APP``.
    scope = models.CharField(_("scope"), max_length=40)
    subject = EncryptedTextField(_("name at the provider"), max_length=128)
    subject_index = BlindIndexField(
        source="subject", normalise="members.rules.external_identity.exact"
    )
    first_seen_at = models.DateTimeField(_("first seen at"))

    class Meta:
        verbose_name = _("identity at a provider")
        verbose_name_plural = _("identities at providers")
        constraints = [
            models.UniqueConstraint(
                fields=["provider", "scope", "subject_index"],
                name="external_identity_leads_to_one_account",
            )
        ]

    def __str__(self):
        return self.public_id
