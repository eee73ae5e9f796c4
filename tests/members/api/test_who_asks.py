"""Who asks is known of one statement, and nobody is who Django would not let in."""

from datetime import timedelta

import pytest
from django.contrib.auth import get_user, load_backend
from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.hashers import make_password
from django.db import connection
from django.http import HttpRequest
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from rest_framework.test import APIClient

from members.models import Member, Session, User
from members.queries import email_is
from members.sessions import SessionStore, key_mark
from tests.cast import make_user
from tests.members.api.signing_in import ADDRESS
from tests.members.services.test_merging import merge

ADDRESSES = "/api/storefront/v1/me/addresses"


@pytest.fixture
def token(jing):
    """Return the token of Wang Jing's session."""
    return jing.defaults["HTTP_X_SESSION_TOKEN"]


@pytest.fixture(params=["X-Session-Token", "Authorization", "cookie"])
def caller(request, token):
    """Return her app or her browser."""
    if request.param == "cookie":
        browser = APIClient()
        browser.cookies["sessionid"] = token
        return browser
    carried = f"Bearer {token}" if request.param == "Authorization" else token
    return APIClient(headers={request.param: carried})


def statements(client) -> list[str]:
    """Return what a read asks the database."""
    with CaptureQueriesContext(connection) as captured:
        assert client.get(ADDRESSES).status_code == 200
    return [each["sql"] for each in captured]


def looked_at(token) -> User | None:
    """Return who one look finds; Django must find the same."""
    request = HttpRequest()
    request.session = SessionStore(token)
    found = SessionStore(token).signed_in()
    if found is not None:
        assert found == get_user(request)
    return found


def jings() -> User:
    return Member.objects.get(email_is(ADDRESS)).user


def test_who_asks_is_one_statement_however_they_come(caller):
    first, second = statements(caller)
    assert "FROM members_session" in first
    assert 'FROM "members_address"' in second


def test_the_login_comes_with_its_member_and_the_member_with_it(
    token, django_assert_num_queries
):
    user = looked_at(token)
    with django_assert_num_queries(0):
        member = user.member
        assert member.user is user
    assert (user.pk, member) == (jings().pk, jings().member)
    assert member.name == "王静"


def test_a_login_that_was_merged_takes_one_more(caller, eve):
    winner = Member.objects.get(email_is("eve@example.com"))
    merge(winner, Member.objects.get(email_is(ADDRESS)))
    assert len(statements(caller)) == 3


def test_rubbish_costs_one_statement(db, django_assert_num_queries):
    with django_assert_num_queries(1):
        answer = APIClient(headers={"X-Session-Token": "a" * 32}).get(ADDRESSES)
    assert answer.status_code == 401


@pytest.mark.parametrize(
    "change",
    [
        {"is_active": False},
        {"password": make_password("another-horse-8")},
        {"password": make_password(None)},
    ],
)
def test_what_ends_a_session_ends_it_at_once(caller, token, change):
    assert caller.get(ADDRESSES).status_code == 200
    User.objects.update(**change)
    assert looked_at(token) is None
    assert caller.get(ADDRESSES).status_code == 401
    # Django throws away a session of a former password.
    kept = Session.objects.filter(session_key=key_mark(token)).exists()
    assert kept is ("password" not in change)


@pytest.mark.parametrize("column", ["expire_date", "ends_at"])
def test_a_session_that_is_over_says_nothing(caller, token, column):
    Session.objects.update(**{column: timezone.now() - timedelta(seconds=1)})
    assert looked_at(token) is None
    assert caller.get(ADDRESSES).status_code == 401


def test_no_login_no_session(caller, token):
    Member.objects.update(user=None)
    User.objects.all().delete()
    assert looked_at(token) is None
    assert caller.get(ADDRESSES).status_code == 401


def test_a_new_key_of_the_shop_leaves_everybody_signed_in(caller, token, settings):
    former = settings.SECRET_KEY
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "new" * 20, [former]
    for _time in range(2):
        assert caller.get(ADDRESSES).status_code == 200
    # The former key may go: whoever came meanwhile keeps the token they have.
    settings.SECRET_KEY_FALLBACKS = []
    assert looked_at(token) == jings()
    assert caller.get(ADDRESSES).status_code == 200


def test_who_did_not_come_while_both_keys_held_signs_in_again(caller, settings):
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "new" * 20, []
    assert caller.get(ADDRESSES).status_code == 401


def test_a_session_that_ends_while_it_is_signed_anew_is_over(token, settings):
    former = settings.SECRET_KEY
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "new" * 20, [former]
    session = SessionStore(token)
    assert session["_auth_user_id"]
    Session.objects.all().delete()
    assert session.signed_in() is None


def test_a_way_in_that_was_closed_lets_nobody_in(caller, token, settings):
    settings.AUTHENTICATION_BACKENDS = ["tests.members.api.test_who_asks.OtherWay"]
    assert looked_at(token) is None
    assert caller.get(ADDRESSES).status_code == 401


class OtherWay(ModelBackend):
    """A way in nobody came by."""


def test_the_sealed_contents_say_who_it_is_not_the_row(caller, token, eve):
    hers = jings()
    Session.objects.filter(session_key=key_mark(token)).update(
        user=User.objects.exclude(pk=hers.pk).get()
    )
    assert SessionStore(token).signed_in() is None
    me = caller.get("/api/storefront/v1/me").json()
    assert me["number"] == hers.member.number


def test_contents_moved_to_another_session_open_nothing(token, eve):
    other = key_mark(eve.defaults["HTTP_X_SESSION_TOKEN"])
    sealed = Session.objects.values_list("session_data", flat=True)
    Session.objects.filter(session_key=key_mark(token)).update(
        session_data=sealed.get(session_key=other)
    )
    assert looked_at(token) is None


def test_half_a_sign_in_is_nobody(db):
    visitor = SessionStore()
    visitor["_pending_second_factor"] = "1"
    visitor.create()
    assert looked_at(visitor.session_key) is None
    assert SessionStore().signed_in() is None


def test_logins_without_a_member_are_no_members(db, django_assert_num_queries):
    staff = Client()
    staff.force_login(make_user("dana", is_staff=True))
    with django_assert_num_queries(1):
        answer = staff.get(ADDRESSES)
    assert (answer.status_code, answer.json()["code"]) == (403, "not_a_member")


def test_pages_of_the_console_ask_once_who_it_is(db):
    staff = Client()
    staff.force_login(make_user("dana", is_staff=True, is_superuser=True))
    with CaptureQueriesContext(connection) as captured:
        assert staff.get("/admin/members/tag/").status_code == 200
    assert [each["sql"] for each in captured if "members_session" in each["sql"]]
    assert not [
        each["sql"] for each in captured if 'FROM "members_user"' in each["sql"]
    ]


def test_reading_through_a_cookie_depends_on_it(token):
    browser = Client()
    browser.cookies["sessionid"] = token
    assert "Cookie" in browser.get(ADDRESSES)["Vary"]


def test_all_ways_in_know_a_login_as_django_does(settings):
    """``signed_in`` repeats what ``ModelBackend.get_user`` looks at, no more."""
    for path in settings.AUTHENTICATION_BACKENDS:
        way = type(load_backend(path))
        assert way.get_user is ModelBackend.get_user
        assert way.user_can_authenticate is ModelBackend.user_can_authenticate
