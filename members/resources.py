"""Members in and out of spreadsheets.

Out: masked, unless somebody who may asks for clear text and says why; the audit
trail keeps both. In: by member number, external id, phone or e-mail. Consents are
never imported: who was not asked has not agreed.
"""

from datetime import datetime
from typing import Any

from django.core.exceptions import PermissionDenied, ValidationError
from django.utils.translation import gettext as _
from import_export.fields import Field

from crm.shared import clock
from crm.shared.audit import record_audit
from crm.shared.spreadsheets import ServiceResource, given
from members.models import Member, RevealBudget, User
from members.queries import email_is, phone_is
from members.rules.profile import mask
from members.services.correcting import correct_member
from members.services.freezing import ReasonMissing
from members.services.joining import join
from members.services.revealing import spend

_PROFILE = ("name", "phone", "email", "birthday", "gender", "region", "language")
_PERSONAL = ("name", "phone", "email", "birthday")
#: Of no use masked: shown whole, or not at all.
_IDENTIFYING = ("external_id",)
_SOURCE = "import"


class MemberResource(ServiceResource):
    """One row per member.

    Args:
        user: who exports; None inside programs, which get masked rows and no entry.
        clear: personal data unmasked.
        reason: why, required for clear text.

    Raises:
        PermissionDenied: clear text without the right ``members.export_pii``.
        ReasonMissing: clear text without a reason.
        RevealBudgetSpent: more rows in clear than this login has left today.
    """

    keys = ("number", "external_id", "phone", "email")

    number = Field("number", "number")
    external_id = Field("external_id", "external_id")
    source = Field("source", "source")
    name = Field("name", "name")
    phone = Field("phone", "phone")
    email = Field("email", "email")
    birthday = Field("birthday", "birthday")
    gender = Field("gender", "gender")
    region = Field("region", "region")
    language = Field("language", "language")
    state = Field("state", "state", readonly=True)
    joined_at = Field("joined_at", "joined_at", readonly=True)

    class Meta(ServiceResource.Meta):
        model = Member
        fields = [
            "number",
            "external_id",
            "source",
            "name",
            "phone",
            "email",
            "birthday",
            "gender",
            "region",
            "language",
            "state",
            "joined_at",
        ]
        import_id_fields = ("number",)

    def __init__(
        self, *, user: User | None = None, clear: bool = False, reason: str = ""
    ):
        super().__init__()
        if clear and (user is None or not user.has_perm("members.export_pii")):
            raise PermissionDenied
        if clear and not reason.strip():
            raise ReasonMissing
        self.user, self.clear, self.reason = user, clear, reason
        #: Whether this login sees of a person at least what a mask leaves.
        self.masked = (
            clear
            or user is None
            or user.has_perm("members.view_pii")
            or user.has_perm("members.view_masked")
        )

    def before_export(self, queryset, **kwargs):
        """Take the rows of clear text from the day's budget, before any is read."""
        super().before_export(queryset, **kwargs)
        if self.clear:
            spend(
                user_id=self.user.pk,
                kind=RevealBudget.Kind.EXPORT,
                amount=queryset.count(),
                now=clock.now(),
            )

    def export_field(self, field, instance, **kwargs):
        """Return a cell; personal data masked unless clear text was asked for."""
        if not self.masked and field.attribute in (*_PERSONAL, *_IDENTIFYING):
            return ""
        if self.clear or field.attribute not in _PERSONAL:
            return super().export_field(field, instance, **kwargs)
        value = getattr(instance, field.attribute)
        return (
            f"{value[:4]}-**-**"
            if value and field.attribute == "birthday"
            else mask(value)
        )

    def after_export(self, queryset, dataset, **kwargs):
        """Leave who took how many rows, and whether in clear."""
        super().after_export(queryset, dataset, **kwargs)
        if self.user is not None:
            record_audit(
                actor=self.user,
                action="members.export",
                object_type=Member._meta.label,
                reason=self.reason,
                detail={
                    "rows": len(dataset),
                    "clear": self.clear,
                    "columns": dataset.headers,
                },
                now=clock.now(),
            )

    def find(self, row: dict[str, str]) -> Member | None:
        """Return the member a row names by number, external id, phone or e-mail."""
        if row.get("number"):
            member = Member.objects.filter(number=row["number"].upper()).first()
            if member is None:
                raise ValidationError(_("No member has this number; we give numbers."))
            return member
        source = row.get("source") or _SOURCE
        tries = [
            {"source": source, "external_id": row.get("external_id")},
            phone_is(row.get("phone", "")),
            email_is(row.get("email", "")),
        ]
        for wanted in tries:
            if isinstance(wanted, dict):
                found = (
                    wanted["external_id"] and Member.objects.filter(**wanted).first()
                )
            else:
                found = Member.objects.filter(wanted).first()
            if found:
                return found
        return None

    def store(
        self, instance: Member | None, row: dict[str, str], *, actor: Any, now: datetime
    ) -> tuple[Member, bool]:
        """Join a new member or correct a known one."""
        said = given(row, _PROFILE)
        if any("*" in said.get(name, "") for name in _PERSONAL):
            raise ValidationError(_("Masked values cannot be imported."))
        _check_choices(said)
        if instance is not None:
            member = correct_member(
                member_id=instance.pk,
                changes=said,
                actor=actor,
                reason=_SOURCE,
                now=now,
            )
            return member, member.version != instance.version
        source = row.get("source") or _SOURCE
        external_id = row.get("external_id") or None
        about = {"source": source, "external_id": external_id}
        return join(**about, is_new=False, now=now, **said), True


def _check_choices(said: dict[str, str]) -> None:
    for name in ("gender", "region", "language"):
        field = Member._meta.get_field(name)
        text = said.get(name, "")
        if len(text) > field.max_length or (
            text and field.choices and text not in dict(field.choices)
        ):
            raise ValidationError(
                _("The value of %(field)s cannot be kept.") % {"field": name}
            )
