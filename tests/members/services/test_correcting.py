import pytest
from allauth.account.models import EmailAddress

from crm.shared.models import AuditEntry
from members.models import Member, User
from members.queries import email_is, member_matches, phone_is
from members.services.aliasing import address_behind, email_alias, known_alias
from members.services.checking import AlreadyMember, BadProfile
from members.services.correcting import StaleMember, correct_member, renew_aliases
from members.services.joining import NoAddress, join, open_login
from tests.cast import NOON


@pytest.fixture
def jing(db):
    member = join(
        name="王静", phone="13800001234", email="wang@example.com", source="t", now=NOON
    )
    open_login(member_id=member.pk)
    return member


def test_only_what_is_named_changes_and_is_found_anew(jing):
    correct_member(
        member_id=jing.pk, changes={"phone": "13900005678", "name": "李静"}, now=NOON
    )

    kept = Member.objects.get(pk=jing.pk)
    assert (kept.name, kept.phone, kept.email) == (
        "李静",
        "+8613900005678",
        "wang@example.com",
    )
    assert kept.version == jing.version + 1
    assert Member.objects.filter(phone_is("139 0000 5678")).exists()
    assert not Member.objects.filter(phone_is("13800001234")).exists()
    assert Member.objects.filter(member_matches("lj")).exists()
    assert not Member.objects.filter(member_matches("wj")).exists()
    assert not AuditEntry.objects.exists()


def test_empty_and_none_clear_and_no_longer_find(jing):
    correct_member(member_id=jing.pk, changes={"birthday": "1990-02-28"}, now=NOON)
    correct_member(
        member_id=jing.pk, changes={"phone": None, "birthday": "", "name": ""}, now=NOON
    )

    kept = Member.objects.get(pk=jing.pk)
    assert (kept.phone, kept.phone_index, kept.phone_tail_index) == (None, None, None)
    assert (kept.birthday, kept.birth_month) == (None, None)
    assert (kept.name, kept.name_tokens) == (None, [])


def test_what_stays_the_same_writes_nothing(jing):
    correct_member(member_id=jing.pk, changes={"name": "王静"}, actor="x", now=NOON)
    assert Member.objects.get(pk=jing.pk).version == jing.version
    assert not AuditEntry.objects.exists()


def test_staff_leave_the_names_of_the_fields_and_no_values(jing, dana):
    correct_member(
        member_id=jing.pk, changes={"name": "李静"}, actor=dana, reason="typo", now=NOON
    )

    entry = AuditEntry.objects.get()
    assert (entry.action, entry.reason, entry.object_id) == (
        "members.correct",
        "typo",
        jing.public_id,
    )
    assert entry.detail == {"name": "changed"}


def test_a_stale_change_is_refused(jing):
    version = Member.objects.get(pk=jing.pk).version
    correct_member(member_id=jing.pk, changes={"name": "A"}, version=version, now=NOON)
    with pytest.raises(StaleMember):
        correct_member(
            member_id=jing.pk, changes={"name": "B"}, version=version, now=NOON
        )
    assert Member.objects.get(pk=jing.pk).name == "A"


@pytest.mark.parametrize(
    "taken", [{"phone": "15000000001"}, {"email": "LI@example.com"}]
)
def test_what_is_another_members_is_refused(jing, taken):
    join(phone="15000000001", email="li@example.com", source="t", now=NOON)
    with pytest.raises(AlreadyMember):
        correct_member(member_id=jing.pk, changes={**taken, "name": "B"}, now=NOON)
    kept = Member.objects.get(pk=jing.pk)
    assert (kept.name, kept.phone, kept.email) == (
        "王静",
        "+8613800001234",
        "wang@example.com",
    )


@pytest.mark.parametrize(
    "bad", [{"phone": "12"}, {"email": "x"}, {"birthday": "1990-02-31"}]
)
def test_what_cannot_be_kept_is_refused(jing, bad):
    with pytest.raises(BadProfile):
        correct_member(member_id=jing.pk, changes=bad, now=NOON)


def test_other_fields_cannot_be_changed_here(jing):
    with pytest.raises(TypeError):
        correct_member(member_id=jing.pk, changes={"state": "closed"}, now=NOON)


def test_the_login_follows_the_address(jing):
    EmailAddress.objects.update(verified=True)
    correct_member(member_id=jing.pk, changes={"email": "jing@example.com"}, now=NOON)

    alias = email_alias("jing@example.com")
    assert User.objects.get().email == alias
    address = EmailAddress.objects.get()
    assert (address.email, address.verified) == (alias, False)
    assert address_behind(alias) == "jing@example.com"
    assert address_behind(email_alias("wang@example.com")) is None


def test_the_address_of_a_login_cannot_be_cleared(jing):
    with pytest.raises(NoAddress):
        correct_member(member_id=jing.pk, changes={"email": ""}, now=NOON)
    assert Member.objects.filter(email_is("wang@example.com")).exists()


def test_logins_move_to_the_newest_index_key_and_are_found_before_and_after(
    jing, settings
):
    old = User.objects.get().email
    ring = settings.KEYRING
    settings.KEYRING = type(ring)(
        primary=ring.primary,
        keys=ring.keys,
        index_primary=9,
        index_keys={9: bytes(range(32)), **ring.index_keys},
    )
    assert known_alias("wang@example.com") == old

    assert renew_aliases(batch=1) == 1
    assert renew_aliases() == 0

    new = email_alias("wang@example.com")
    assert new != old
    assert known_alias("wang@example.com") == new
    assert User.objects.get().email == EmailAddress.objects.get().email == new
