"""What is kept about members by this app, by sign-in and by the audit trail."""

from datetime import datetime

from django.contrib.sessions.models import Session
from django.db.models import Q
from django.db.models.functions import Least, Now
from django.utils.translation import gettext_lazy as _

from crm.shared.personal_data import PersonalData, Table
from crm.shared.retention import Rule
from members.models import DataExport, Member, Note, RevealBudget, User
from members.services.exporting import drop_exports


def _answers_to(member_id: int) -> Q:
    """Match the answers kept for repeated requests of the member's login."""
    users = User.objects.filter(member=member_id).values_list("pk", flat=True)
    return Q(caller__in=[f"user:{pk}" for pk in users])


def _deeds_about(member_id: int) -> Q:
    """Match what the audit trail says was done to the member."""
    ids = Member.objects.filter(pk=member_id).values("public_id")
    return Q(object_type=Member._meta.label, object_id__in=ids)


_LOGIN = (
    Table(
        "shared.IdempotencyKey",
        _answers_to,
        cleared="body",
        plain="caller key fingerprint status headers created_at",
        goes=True,
    ),
    Table(
        "account.EmailConfirmation",
        "email_address__user__member",
        plain="email_address created sent key",
        goes=True,
    ),
    Table(
        "account.EmailAddress",
        "user__member",
        cleared="email",
        kept="verified",
        plain="user primary",
        goes=True,
        only=Q(user__is_staff=False),
    ),
    Table(
        "mfa.Authenticator",
        "user__member",
        kept="type created_at last_used_at",
        plain="user data",
        goes=True,
        only=Q(user__is_staff=False),
    ),
    Table(
        "socialaccount.SocialToken",
        "account__user__member",
        kept="expires_at",
        plain="app account token token_secret",
        goes=True,
    ),
    Table(
        "socialaccount.SocialAccount",
        "user__member",
        cleared="provider uid extra_data",
        kept="last_login date_joined",
        plain="user",
        goes=True,
    ),
    Table(
        "members.User",
        "member",
        cleared="first_name last_name email username",
        kept="last_login date_joined language",
        plain="password is_superuser is_staff is_active",
        goes=True,
        only=Q(is_staff=False),
    ),
)

_SAID = (
    Table(
        "members.Note",
        "member",
        cleared="text",
        kept="created_at",
        plain="public_id member author is_pinned",
        goes=True,
    ),
    Table(
        "members.MemberTag",
        "member",
        kept="created_at expires_at",
        plain="member tag author",
        beside="tag__name",
        goes=True,
    ),
    Table(
        "members.Consent",
        "member",
        kept="purpose channel granted text_version source occurred_at",
        plain="member",
    ),
    Table(
        "shared.AuditEntry",
        _deeds_about,
        kept="at action",
        plain="actor_id actor object_type object_id reason detail request_id",
    ),
)

_PRIVACY = (
    Table(
        "members.DataExport",
        "member",
        kept="state asked_at ready_at expires_at fetched_at",
        plain="public_id member asked_by reason file",
    ),
    Table(
        "members.Erasure",
        "member",
        kept="state asked_at due_at finished_at",
        plain="public_id member author approver reason counts",
    ),
)

_PERSON = Table(
    "members.Member",
    "pk",
    cleared="user name phone email birthday birth_month gender region language "
    "external_id",
    kept="public_id number state source joined_at",
    plain="is_demo version",
)


class MembersData(PersonalData):
    """The person, their login, and what was said and noted about them.

    The person comes last: until then a stopped erasure still knows whom it is about.
    Logins of staff belong to the shop and stay, without their member.
    """

    tables = (*_LOGIN, *_SAID, *_PRIVACY, _PERSON)

    reviewed = {
        "members.Tag": "name",
        "members.RetentionRun": "counts",
        "admin.LogEntry": "object_id object_repr change_message",
        "auth.Group": "name",
        "auth.Permission": "name codename",
        "contenttypes.ContentType": "app_label model",
        # Names a login by number and alias; ended by the erasure, and by themselves.
        "sessions.Session": "session_data",
        "socialaccount.SocialApp": "provider provider_id name client_id secret key "
        "settings",
    }

    retention = (
        Rule(
            "members.sessions",
            _("sessions that are over"),
            0,
            # Sessions live by the real clock, whatever a demo shop's says.
            lambda kept_from: Session.objects.filter(
                expire_date__lt=Least(Now(), kept_from)
            ),
            _("deleted"),
        ),
        Rule(
            "members.notes",
            _("notes of staff"),
            3 * 365,
            lambda kept_from: Note.objects.filter(created_at__lt=kept_from),
            _("deleted"),
        ),
        Rule(
            "members.data_exports",
            _("records of data exports"),
            3 * 365,
            lambda kept_from: DataExport.objects.filter(
                state__in=[DataExport.State.FETCHED, DataExport.State.EXPIRED],
                asked_at__lt=kept_from,
            ),
            _("deleted"),
        ),
        Rule(
            "members.reveal_budgets",
            _("how much staff looked at per day"),
            365,
            lambda kept_from: RevealBudget.objects.filter(day__lt=kept_from.date()),
            _("deleted"),
        ),
    )

    def erase(self, *, member_id: int, now: datetime) -> dict[str, int]:
        """Also end copies of the person's data that were not fetched yet."""
        dropped = drop_exports(member_id=member_id)
        if dropped:
            return {DataExport._meta.label: dropped}
        return super().erase(member_id=member_id, now=now)
