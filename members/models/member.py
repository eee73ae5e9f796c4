"""Members: who they are, apart from how they sign in."""

from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.utils.translation import gettext_lazy as _

from crm.shared.fields import (
    BlindIndexField,
    BlindTokensField,
    EncryptedTextField,
    Sealable,
)
from crm.shared.public_ids import PublicIdField


class Tag(models.Model):
    """A word staff put on members."""

    name = models.CharField(_("name"), max_length=40, unique=True)

    class Meta:
        verbose_name = _("tag")
        verbose_name_plural = _("tags")
        ordering = ["name"]

    def __str__(self):
        return self.name


class MemberQuerySet(models.QuerySet):
    """Filters that chain; anything that decides belongs in rules."""

    def active(self):
        """Return members who may earn, spend and be written to."""
        return self.filter(state=Member.State.ACTIVE)


class Member(Sealable):
    """One person of the shop, with or without a login.

    Name, phone, e-mail and birthday are encrypted; staff find them through blind
    indexes. ``number`` is public and ends in a check digit.
    """

    class State(models.TextChoices):
        """Where a membership stands; see ``members.rules.lifecycle``."""

        ACTIVE = "active", _("active")
        FROZEN = "frozen", _("frozen")
        CLOSED = "closed", _("closed")
        ERASED = "erased", _("erased")
        MERGED = "merged", _("merged")

    class Gender(models.TextChoices):
        """As told by the member."""

        FEMALE = "female", _("female")
        MALE = "male", _("male")
        OTHER = "other", _("other")

    public_id = PublicIdField(prefix="mem")
    number = models.CharField(_("member number"), max_length=20, unique=True)
    user = models.OneToOneField(
        "members.User",
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="member",
        verbose_name=_("login"),
    )
    state = models.CharField(
        _("state"), max_length=10, choices=State, default=State.ACTIVE
    )
    name = EncryptedTextField(_("name"), max_length=120, null=True, blank=True)
    name_tokens = BlindTokensField(
        source="name", tokens="members.rules.identity.name_tokens"
    )
    phone = EncryptedTextField(_("phone"), max_length=20, null=True, blank=True)
    phone_index = BlindIndexField(
        source="phone", normalise="members.rules.identity.normalise_phone", unique=True
    )
    phone_tail_index = BlindIndexField(
        source="phone", normalise="members.rules.identity.phone_tail"
    )
    email = EncryptedTextField(_("e-mail"), max_length=254, null=True, blank=True)
    email_index = BlindIndexField(
        source="email", normalise="members.rules.identity.normalise_email", unique=True
    )
    birthday = EncryptedTextField(
        _("birthday"),
        max_length=10,
        null=True,
        blank=True,
        help_text=_("Year-month-day, for example 1990-02-28."),
    )
    #: Kept beside the encrypted date so that "birthday this month" can be a list.
    birth_month = models.PositiveSmallIntegerField(
        _("birth month"), null=True, blank=True
    )
    gender = models.CharField(_("gender"), max_length=10, choices=Gender, blank=True)
    region = models.CharField(
        _("region"),
        max_length=60,
        blank=True,
        help_text=_("Country, province or city, as far as known."),
    )
    language = models.CharField(
        _("language"), max_length=10, default="zh-hans", blank=True
    )
    source = models.CharField(
        _("source"),
        max_length=40,
        blank=True,
        help_text=_("Where this member came from, such as app, store or import."),
    )
    external_id = models.CharField(
        _("external id"),
        max_length=80,
        null=True,
        blank=True,
        help_text=_("Number in the system the member was imported from."),
    )
    is_demo = models.BooleanField(
        _("demo person"),
        default=False,
        help_text=_("Invented; no message ever leaves for them."),
    )
    tags = models.ManyToManyField(
        Tag, through="MemberTag", blank=True, verbose_name=_("tags")
    )
    #: Who this membership became; its own rows have moved there.
    merged_into = models.ForeignKey(
        "self",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="absorbed",
        verbose_name=_("merged into"),
    )
    joined_at = models.DateTimeField(_("joined at"))
    #: Hidden field of the edit form: a stale edit is refused, not overwritten.
    version = models.PositiveIntegerField(default=0, editable=False)

    objects = MemberQuerySet.as_manager()

    class Meta:
        verbose_name = _("member")
        verbose_name_plural = _("members")
        constraints = [
            models.UniqueConstraint(
                fields=["source", "external_id"],
                name="member_once_per_external_id",
                nulls_distinct=True,
            ),
            models.CheckConstraint(
                condition=models.Q(birth_month__isnull=True)
                | models.Q(birth_month__range=(1, 12)),
                name="member_birth_month_is_a_month",
            ),
            models.CheckConstraint(
                condition=models.Q(state="merged", merged_into__isnull=False)
                | (~models.Q(state="merged") & models.Q(merged_into__isnull=True)),
                name="member_merged_names_the_other",
            ),
        ]
        indexes = [
            models.Index(fields=["-joined_at", "-id"], name="member_newest_first"),
            models.Index(fields=["state", "-id"], name="member_by_state"),
            models.Index(fields=["birth_month", "-id"], name="member_by_birth_month"),
            models.Index(fields=["phone_tail_index"], name="member_by_phone_tail"),
            GinIndex(fields=["name_tokens"], name="member_by_name_tokens"),
        ]
        permissions = [
            ("view_pii", _("Can see personal data in clear, with a reason")),
            ("export_pii", _("Can export personal data")),
        ]

    def __str__(self):
        return self.number


class MemberTag(models.Model):
    """One tag on one member, with its author and its end."""

    member = models.ForeignKey(Member, on_delete=models.CASCADE, related_name="tagged")
    tag = models.ForeignKey(Tag, on_delete=models.CASCADE, related_name="+")
    author = models.ForeignKey(
        "members.User", on_delete=models.SET_NULL, null=True, related_name="+"
    )
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("member tag")
        verbose_name_plural = _("member tags")
        constraints = [
            models.UniqueConstraint(
                fields=["member", "tag"], name="member_tag_once_per_member"
            )
        ]

    def __str__(self):
        return f"{self.member_id} {self.tag_id}"
