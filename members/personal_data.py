"""What is kept about members by this app, by sign-in and by the audit trail."""

from datetime import datetime

from django.db.models import Q
from django.db.models.functions import Least, Now
from django.utils.translation import gettext_lazy as _

from crm.shared.personal_data import PersonalData, Table
from crm.shared.retention import Rule
from members.models import (
    AttributeValue,
    DataExport,
    Member,
    Note,
    PaymentInstrument,
    RevealBudget,
    Session,
    User,
)
from members.services.exporting import drop_exports
from members.services.instruments import remove_instruments


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
        plain="caller key fingerprint refused status headers created_at",
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
        "members.ExternalIdentity",
        "account__user__member",
        cleared="subject",
        kept="provider scope first_seen_at",
        plain="public_id account",
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
        "members.Session",
        "user__member",
        kept="device network created_at seen_at",
        plain="session_key public_id user session_data expire_date ends_at",
        goes=True,
        only=Q(user__is_staff=False),
    ),
    Table(
        "members.SignInCode",
        "member",
        cleared="contact code",
        kept="channel created_at used_at",
        plain="public_id member code_mark tries_left language state expires_at",
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
        plain="public_id member author is_pinned about",
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
        kept="purpose channel granted text_version source network agent occurred_at",
        plain="member text_digest first_step request_id actor reason",
    ),
    Table(
        "members.ConsentRequest",
        "member",
        cleared="token_mark address_mark network agent",
        kept="purpose channel text_version source requested_at confirmed_at",
        plain="public_id member text_digest request_id sends last_sent_at expires_at",
    ),
    Table(
        "shared.AuditEntry",
        _deeds_about,
        kept="at action",
        plain="actor_id actor object_type object_id reason detail request_id",
    ),
)

_DESCRIBED = (
    Table(
        "members.Address",
        "member",
        cleared="label recipient phone province city district street postcode",
        kept="country is_default created_at",
        plain="public_id member slot",
        goes=True,
    ),
    Table(
        "members.AttributeValue",
        "member",
        cleared="sealed plain",
        kept="source purpose collected_at",
        plain="public_id member definition",
        beside="definition__name",
        goes=True,
    ),
    Table(
        "members.Avatar",
        "pk",
        cleared="picture",
        kept="created_at",
        plain="public_id",
        goes=True,
    ),
    Table("members.ProfileCompletion", "pk", kept="completed_at"),
    Table(
        "members.PaymentInstrument",
        "member",
        cleared="token last_four",
        kept="kind brand bound_at removed_at",
        plain="public_id member verifier",
    ),
    Table(
        "members.Verification",
        "instrument__member",
        kept="asked_at",
        plain="public_id instrument",
    ),
    Table(
        "members.VerificationResult",
        "verification__instrument__member",
        kept="outcome decided_at",
        plain="verification reference reason received_at",
    ),
)

_HISTORY = (
    Table(
        "members.LifecycleChange",
        "member",
        kept="from_state to_state occurred_at",
        plain="member reason actor",
    ),
    Table("members.InvitationCode", "member", kept="code created_at", plain="member"),
    Table(
        "members.Invitation",
        lambda member_id: Q(inviter=member_id) | Q(invitee=member_id),
        kept="accepted_at",
        plain="inviter invitee",
    ),
    Table("members.MatchKeys", "pk", plain="keys version", goes=True),
    Table(
        "members.DuplicatePair",
        lambda member_id: Q(first=member_id) | Q(second=member_id),
        plain="public_id first second score reasons state found_at decided_at",
        goes=True,
    ),
    Table(
        "members.Merge",
        lambda member_id: Q(winner=member_id) | Q(loser=member_id),
        kept="merged_at undone_at",
        plain="public_id winner loser state loser_state fields moved reason actor",
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
    # And who became this member by a merge.
    lambda member_id: Q(pk=member_id) | Q(merged_into=member_id),
    cleared="user name phone phone_verified_at email email_verified_at birthday "
    "birth_month gender region language nickname bio city occupation education "
    "interests external_id",
    kept="public_id number state source joined_at last_active_at",
    plain="is_demo merged_into version",
)


class MembersData(PersonalData):
    """The person, their login, and what was said and noted about them.

    The person comes last: until then a stopped erasure still knows whom it is about.
    Logins of staff belong to the shop and stay, without their member.
    """

    tables = (*_LOGIN, *_SAID, *_DESCRIBED, *_HISTORY, *_PRIVACY, _PERSON)

    reviewed = {
        "members.Tag": "name",
        "members.Interest": "code name name_en",
        "members.AttributeDefinition": "code name name_en",
        "members.AttributeChoice": "code name name_en",
        "members.ConsentText": "version language body digest",
        "members.RetentionRun": "counts",
        "admin.LogEntry": "object_id object_repr change_message",
        "auth.Group": "name",
        "auth.Permission": "name codename",
        "contenttypes.ContentType": "app_label model",
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
                ends_at__lt=Least(Now(), kept_from)
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
            "members.idle_attributes",
            _("attributes whose consent is missing"),
            180,
            AttributeValue.objects.idle_since,
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
        """Also end copies that were not fetched yet, and forget instruments."""
        dropped = drop_exports(member_id=member_id)
        if dropped:
            return {DataExport._meta.label: dropped}
        removed = remove_instruments(member_id=member_id, now=now)
        if removed:
            return {PaymentInstrument._meta.label: removed}
        return super().erase(member_id=member_id, now=now)
