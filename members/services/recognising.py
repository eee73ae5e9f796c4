"""Tell whether WeChat or Alipay bring somebody we know, and let them in."""

from datetime import datetime

from allauth.socialaccount.models import SocialAccount
from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from crm.shared.blind_index import blind_lookup
from crm.shared.errors import Refusal
from crm.shared.public_ids import new_public_id
from members.models import ExternalIdentity, Member, User
from members.queries import member_of
from members.rules.external_identity import Identity, Subject
from members.services.joining import join


class IdentityBelongsToAnother(Refusal):
    """This identity belongs to another member."""

    code = "identity_belongs_to_another"
    message = _("This identity belongs to another member.")


class MembershipEnded(Refusal):
    """This membership has ended."""

    code = "membership_ended"
    status = 403
    message = _("This membership has ended.")


@transaction.atomic
def recognise(
    *, identity: Identity, user_id: int | None = None, now: datetime
) -> SocialAccount | None:
    """Return the account an identity leads to, or None for somebody new.

    Names that are new are added to the account, so who was known by ``openid`` alone
    is found by ``unionid`` from now on, and in the next app by either.

    Args:
        identity: proved by the provider just now.
        user_id: who is signed in and links the identity; None when signing in.
        now: when, aware.

    Raises:
        IdentityBelongsToAnother: the names lead to two members, or to another than
            ``user_id``. Only staff can join two members.
        MembershipEnded: the membership was closed or erased.
    """
    users = {account.user_id for account in _accounts_of(identity)}
    if not users:
        return None
    if len(users) > 1 or (user_id is not None and user_id not in users):
        raise IdentityBelongsToAnother
    _lock_member(*users)
    accounts = list(_accounts_of(identity).select_for_update(of=("self",)))
    if not accounts:
        return None  # Unlinked in this very moment.
    if {account.user_id for account in accounts} - users:
        # While this one waited, somebody else was given one of the names.
        raise IdentityBelongsToAnother
    # The oldest stays; others are what one person linked before their names met.
    account, *others = accounts
    ExternalIdentity.objects.filter(account__in=others).update(account=account)
    for other in others:
        other.delete()
    _add_names(account, identity, now)
    return account


def join_by_identity(
    *, identity: Identity, language: str, now: datetime
) -> SocialAccount:
    """Make a stranger a member who signs in with this identity.

    The nickname becomes the name; no consent is assumed. Of two requests at once
    about one person one joins them and the other finds them.

    Raises:
        MembershipEnded, IdentityBelongsToAnother: as ``recognise``.
    """
    try:
        return _join(identity, language, now)
    except IntegrityError:
        account = recognise(identity=identity, now=now)
        if account is None:
            raise
        return account


@transaction.atomic
def link_identity(*, user_id: int, identity: Identity, now: datetime) -> SocialAccount:
    """Let a member who is signed in also come in with this identity.

    Raises:
        IdentityBelongsToAnother: somebody else has it.
        MembershipEnded: the membership was closed or erased, or there is none.
    """
    known = recognise(identity=identity, user_id=user_id, now=now)
    if known:
        return known
    _lock_member(user_id)
    try:
        with transaction.atomic():
            return _open_account(user_id, identity, now)
    except IntegrityError as error:
        raise IdentityBelongsToAnother from error


@transaction.atomic
def _join(identity: Identity, language: str, now: datetime) -> SocialAccount:
    user = User(username=new_public_id("usr"))
    user.set_unusable_password()
    user.save(force_insert=True)
    join(
        name=identity.nickname,
        source=identity.provider,
        channel=identity.channel,
        language=language,
        user=user,
        now=now,
    )
    return _open_account(user.pk, identity, now)


def _open_account(user_id: int, identity: Identity, now: datetime) -> SocialAccount:
    account = SocialAccount.objects.create(
        user_id=user_id, provider=identity.provider, uid=new_public_id("acc")
    )
    ExternalIdentity.objects.bulk_create(_rows(account, identity, now))
    return account


def _rows(
    account: SocialAccount, identity: Identity, now: datetime
) -> list[ExternalIdentity]:
    return [
        ExternalIdentity(
            account=account,
            provider=identity.provider,
            scope=subject.scope,
            subject=subject.value,
            first_seen_at=now,
        )
        for subject in identity.subjects
    ]


def _accounts_of(identity: Identity):
    """Return the accounts the names lead to under every index key, oldest first."""
    names = ExternalIdentity.objects.filter(
        _any_of(identity.subjects), provider=identity.provider
    )
    return (
        SocialAccount.objects.filter(pk__in=names.values("account"))
        .select_related("user")
        .order_by("pk")
    )


def _any_of(subjects: tuple[Subject, ...]) -> Q:
    found = Q()
    for subject in subjects:
        found |= Q(scope=subject.scope) & blind_lookup(
            ExternalIdentity, "subject_index", subject.value
        )
    return found


def _lock_member(user_id: int) -> None:
    """Wait for whoever changes this member, then refuse who may not come in.

    The login of a merged member opens the one they were merged into.
    """
    login = User.objects.filter(pk=user_id).first()
    Member.objects.select_for_update().filter(user_id=user_id).first()
    member = login and member_of(login)
    if member is None or not member.may_sign_in:
        raise MembershipEnded


def _add_names(account: SocialAccount, identity: Identity, now: datetime) -> None:
    known = {
        (row.scope, row.subject)
        for row in ExternalIdentity.objects.filter(account=account)
    }
    missing = [
        row
        for row in _rows(account, identity, now)
        if (row.scope, row.subject) not in known
    ]
    if not missing:
        return
    ExternalIdentity.objects.bulk_create(missing, ignore_conflicts=True)
    if any(found.pk != account.pk for found in _accounts_of(identity)):
        # Somebody else was given one of the names in this very moment.
        raise IdentityBelongsToAnother
