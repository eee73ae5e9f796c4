"""Members: who they are, apart from how they sign in."""

from datetime import datetime

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models.functions import Coalesce
from django.utils.translation import gettext_lazy as _

from crm.shared.fields import (
    BlindIndexField,
    BlindTokensField,
    EncryptedTextField,
    Sealable,
)
from crm.shared.public_ids import PublicIdField
from members.rules.lifecycle import TABLE, states_that


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

    def may_earn(self):
        """Return members whose orders bring points."""
        return self.filter(state__in=states_that("earn"))

    def may_spend(self):
        """Return members who may order, and use points and coupons."""
        return self.filter(state__in=states_that("spend"))

    def may_receive(self):
        """Return members who may be written to, consent permitting."""
        return self.filter(state__in=states_that("receive"))


class Member(Sealable):
    """One person of the shop, with or without a login.

    Name, phone, e-mail and birthday are encrypted; staff find them through blind
    indexes. ``number`` is public and ends in a check digit.
    """

    class State(models.TextChoices):
        """Where a membership stands; see ``members.rules.lifecycle``."""

        PENDING = "pending", _("pending")
        ACTIVE = "active", _("active")
        FROZEN = "frozen", _("frozen")
        DORMANT = "dormant", _("dormant")
        CLOSED = "closed", _("closed")
        MERGED = "merged", _("merged")
        ERASED = "erased", _("erased")

    class Gender(models.TextChoices):
        """As told by the member."""

        FEMALE = "female", _("female")
        MALE = "male", _("male")
        OTHER = "other", _("other")

    class Occupation(models.TextChoices):
        """What people do, coarse enough to count and to name nobody."""

        STUDENT = "student", _("student")
        EMPLOYEE = "employee", _("employee")
        MANAGER = "manager", _("manager")
        PROFESSIONAL = "professional", _("teacher, doctor, engineer or the like")
        PUBLIC_SERVICE = "public_service", _("public service")
        SELF_EMPLOYED = "self_employed", _("self-employed")
        HOMEMAKER = "homemaker", _("homemaker")
        RETIRED = "retired", _("retired")
        OTHER = "other", _("other")

    class Education(models.TextChoices):
        """The highest degree."""

        SCHOOL = "school", _("school")
        VOCATIONAL = "vocational", _("vocational training")
        BACHELOR = "bachelor", _("bachelor")
        MASTER = "master", _("master")
        DOCTORATE = "doctorate", _("doctorate")

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
    #: When the member proved that they read what is sent there; None: not yet.
    phone_verified_at = models.DateTimeField(
        _("phone verified at"), null=True, blank=True, editable=False
    )
    email_verified_at = models.DateTimeField(
        _("e-mail verified at"), null=True, blank=True, editable=False
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
    nickname = EncryptedTextField(_("nickname"), max_length=40, null=True, blank=True)
    bio = EncryptedTextField(_("about me"), max_length=500, null=True, blank=True)
    city = models.CharField(_("city"), max_length=60, blank=True)
    occupation = models.CharField(
        _("occupation"), max_length=20, choices=Occupation, blank=True
    )
    education = models.CharField(
        _("education"), max_length=20, choices=Education, blank=True
    )
    #: Codes of ``Interest``, sorted.
    interests = ArrayField(
        models.CharField(max_length=40),
        verbose_name=_("interests"),
        default=list,
        blank=True,
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
    #: Newest sign-in or purchase, to the day; see ``members.services.waking``.
    last_active_at = models.DateTimeField(
        _("last active at"), null=True, blank=True, editable=False
    )
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
            # Whoever writes late, a form left open or an import, is refused.
            models.CheckConstraint(
                condition=~models.Q(state="erased")
                | models.Q(
                    user__isnull=True,
                    name__isnull=True,
                    phone__isnull=True,
                    email__isnull=True,
                    birthday__isnull=True,
                    birth_month__isnull=True,
                    external_id__isnull=True,
                    gender="",
                    region="",
                ),
                name="member_erased_is_nobody",
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
            # Staff type the beginning of a city, alone or for members of one state.
            models.Index(
                fields=["city", "state"],
                opclasses=["varchar_pattern_ops", "varchar_ops"],
                name="member_by_city",
            ),
            models.Index(fields=["phone_tail_index"], name="member_by_phone_tail"),
            GinIndex(fields=["name_tokens"], name="member_by_name_tokens"),
            models.Index(
                Coalesce("last_active_at", "joined_at"),
                name="member_least_active_first",
                condition=models.Q(state="active"),
            ),
        ]
        permissions = [
            ("view_pii", _("Can see personal data in clear, with a reason")),
            ("export_pii", _("Can export personal data")),
            ("view_masked", _("Can see personal data masked")),
        ]

    def __str__(self):
        return self.number

    @property
    def may_spend(self) -> bool:
        """Whether this member may order, and use points and coupons."""
        return TABLE[self.state].spend

    @property
    def may_receive(self) -> bool:
        """Whether this member may be written to, consent permitting."""
        return TABLE[self.state].receive

    @property
    def may_sign_in(self) -> bool:
        """Whether this member may sign in and read what is theirs."""
        return TABLE[self.state].sign_in


class MemberTagQuerySet(models.QuerySet):
    """Filters of tags on members."""

    def standing(self, at: datetime):
        """Return those whose end has not come."""
        return self.filter(
            models.Q(expires_at__isnull=True) | models.Q(expires_at__gt=at)
        )


class MemberTag(models.Model):
    """One tag on one member, with its author and its end."""

    member = models.ForeignKey(
        Member, on_delete=models.CASCADE, related_name="tagged", db_index=False
    )
    tag = models.ForeignKey(Tag, on_delete=models.CASCADE, related_name="+")
    author = models.ForeignKey(
        "members.User", on_delete=models.SET_NULL, null=True, related_name="+"
    )
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField(null=True, blank=True)

    objects = MemberTagQuerySet.as_manager()

    class Meta:
        verbose_name = _("member tag")
        verbose_name_plural = _("member tags")
        constraints = [
            models.UniqueConstraint(
                fields=["member", "tag"], name="member_tag_once_per_member"
            )
        ]
        indexes = [
            models.Index(
                fields=["expires_at"],
                name="member_tag_by_end",
                condition=models.Q(expires_at__isnull=False),
            )
        ]

    def __str__(self):
        return f"{self.member_id} {self.tag_id}"
