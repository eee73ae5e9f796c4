from datetime import timedelta

import pytest
from allauth.account.models import EmailAddress
from allauth.socialaccount.models import SocialAccount

from crm.shared.models import AuditEntry
from members.models import Member, SignInCode, User
from members.queries import email_is, phone_is
from members.services.joining import join, open_login
from members.services.requesting_codes import code_mark, request_code
from members.services.signing_in import WrongCode, sign_in_by_code
from tests.cast import NOON
from tests.faults.callers import all_at_once
from tests.members.api.codes import NUMBER

ADDRESS = "wang@example.com"
DIGITS = "123456"


def queued(contact=NUMBER, now=NOON):
    """Queue a code and make it the known one."""
    code = request_code(contact=contact, caller="", now=now)
    code.code_mark = code_mark(code_id=code.public_id, digits=DIGITS)
    code.save(update_fields=["code_mark"])
    return code.public_id


def come_in(code_id, digits=DIGITS, now=NOON, **more):
    return sign_in_by_code(
        code_id=code_id, digits=digits, caller="", source="test", now=now, **more
    )


def arrive(code_id, digits=DIGITS, now=NOON) -> str:
    """Come in and say so."""
    come_in(code_id, digits, now)
    return "in"


def test_the_code_is_kept_as_a_keyed_hash_of_this_row(db):
    one, other = queued(), queued(ADDRESS)
    marks = {bytes(m) for m in SignInCode.objects.values_list("code_mark", flat=True)}
    assert len(marks) == 2
    assert come_in(one) != come_in(other)


def test_a_wrong_try_counts_and_writes_nothing_else(db):
    code_id = queued()
    with pytest.raises(WrongCode):
        come_in(code_id, "654321")
    row = SignInCode.objects.get()
    assert (row.tries_left, row.used_at, row.contact) == (4, None, NUMBER)
    assert not Member.objects.exists()
    assert not User.objects.exists()


def test_a_member_without_address_gets_a_login_without_one(db):
    user = come_in(queued())
    assert user.username.startswith("member-")
    assert NUMBER not in user.username
    assert not EmailAddress.objects.exists()


def test_an_address_of_somebody_who_proved_a_phone_is_released(db):
    holder = come_in(queued()).member
    Member.objects.filter(pk=holder.pk).update(version=1)
    holder.refresh_from_db()
    holder.email = ADDRESS
    holder.save(update_fields=["email"])

    user = come_in(queued(ADDRESS))

    assert user.member != holder
    holder.refresh_from_db()
    assert (holder.email, holder.phone) == (None, NUMBER)
    assert Member.objects.get(email_is(ADDRESS)) == user.member
    entry = AuditEntry.objects.get(action="members.correct")
    assert (entry.actor, ADDRESS in str(entry.detail)) == ("members.sign_in", False)


def test_an_address_of_somebody_linked_elsewhere_is_released(db):
    holder = join(email=ADDRESS, source="test", now=NOON)
    login = open_login(member_id=holder.pk)
    SocialAccount.objects.create(user=login, provider="weixin", uid="u1")
    assert come_in(queued(ADDRESS)).pk != login.pk
    login.refresh_from_db()
    assert login.email == ""


@pytest.mark.django_db(transaction=True)
def test_of_twenty_who_use_one_code_at_once_one_comes_in():
    code_id = queued()
    outcomes = all_at_once(20, lambda _n: arrive(code_id))
    # Five tries a code: the others are refused before or after the comparison.
    assert outcomes["in"] == 1
    assert outcomes["WrongCode"] == 19
    assert Member.objects.filter(phone_is(NUMBER)).count() == 1
    assert User.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_two_codes_of_one_number_at_once_make_one_member():
    codes = [queued(now=NOON), queued(now=NOON + timedelta(minutes=1))]
    later = NOON + timedelta(minutes=2)
    outcomes = all_at_once(2, lambda n: arrive(codes[n], now=later))
    assert outcomes == {"in": 2}
    assert (Member.objects.count(), User.objects.count()) == (1, 1)


@pytest.mark.django_db(transaction=True)
def test_of_fifty_wrong_tries_at_once_five_are_looked_at():
    code_id = queued()
    outcomes = all_at_once(50, lambda _n: arrive(code_id, "654321"))
    assert outcomes == {"WrongCode": 50}
    assert SignInCode.objects.get().tries_left == 0
