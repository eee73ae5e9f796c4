import io
import logging
from datetime import timedelta

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.core import mail
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from crm.shared.models import Fact
from members.models import Member, Session, SignInCode, User
from members.queries import email_is, phone_is
from members.services.aliasing import email_alias
from members.services.correcting import correct_member
from members.services.freezing import move_member
from members.services.joining import join, open_login
from members.services.requesting_codes import forget_old_codes
from tests.cast import NOON
from tests.members.api.codes import NUMBER, PHONE, Visitor, last_code
from tests.members.api.signing_in import ADDRESS, PASSWORD, log_in, sign_up
from tests.members.people import dump

ME = "/api/storefront/v1/me"
MINUTE = timedelta(minutes=1)


@pytest.fixture(autouse=True)
def noon(at):
    return at(NOON)


def me(answer):
    token = answer.json()["meta"]["session_token"]
    return APIClient(headers={"X-Session-Token": token}).get(ME).json()


def test_an_unknown_number_joins(handset):
    visitor = Visitor()
    asked = visitor.ask(phone=PHONE)
    assert asked.status_code == 401
    assert {"id": "login_by_code", "is_pending": True} in asked.json()["data"]["flows"]
    assert not Member.objects.exists()

    answer = visitor.confirm(last_code(), name=" 王 静 ")

    assert answer.status_code == 200, answer.content
    member = Member.objects.get()
    assert (member.phone, member.name, member.source) == (NUMBER, "王 静", "storefront")
    assert (member.phone_verified_at, member.email_verified_at) == (NOON, None)
    assert me(answer)["phone"] == NUMBER
    assert [number for number, _text in handset] == [NUMBER]
    fact = Fact.objects.get(name="members.MemberJoined")
    assert fact.payload == {
        "member_id": member.pk,
        "source": "storefront",
        "is_new": True,
    }
    assert (member.user.email, member.user.has_usable_password()) == ("", False)
    assert not EmailAddress.objects.exists()


def test_a_known_number_comes_back_to_the_same_membership(handset, at):
    first = Visitor().come_in(phone=PHONE)
    later = at(NOON + 2 * MINUTE)
    second = Visitor().come_in(now=later, phone="+86 13800007788")
    assert me(first)["id"] == me(second)["id"]
    assert (Member.objects.count(), User.objects.count()) == (1, 1)
    assert Member.objects.get().phone_verified_at == NOON


def test_an_unknown_address_joins_by_mail(db):
    answer = Visitor().come_in(email=ADDRESS)
    assert answer.status_code == 200, answer.content
    member = Member.objects.get()
    assert (member.email, member.email_verified_at) == (ADDRESS, NOON)
    assert member.user.email == email_alias(ADDRESS)
    assert EmailAddress.objects.get().verified
    assert [letter.to for letter in mail.outbox] == [[ADDRESS]]


def test_an_imported_member_comes_in_by_the_phone_the_shop_knew(handset):
    known = join(phone=PHONE, name="Wang", source="import", now=NOON)
    answer = Visitor().come_in(phone=PHONE, name="Mallory")
    assert me(answer)["id"] == known.public_id
    assert me(answer)["name"] == "Wang"


def test_a_browser_signs_in_with_a_cookie_and_csrf(handset):
    browser = Client(enforce_csrf_checks=True)
    base = "/_allauth/browser/v1/auth"
    browser.get(f"{base}/session")
    kind = "application/json"

    def post(path, body):
        csrf = {"X-CSRFToken": browser.cookies["csrftoken"].value}
        return browser.post(f"{base}/{path}", body, content_type=kind, headers=csrf)

    refused = browser.post(f"{base}/code/request", {"phone": PHONE}, content_type=kind)
    assert refused.status_code == 403
    assert post("code/request", {"phone": PHONE}).status_code == 401
    assert post("code/confirm", {"code": last_code()}).status_code == 200
    assert browser.get(ME).json()["phone"] == NUMBER


# --- Nobody learns who is known ------------------------------------------------


@pytest.mark.parametrize("contact", ["phone", "email"])
def test_asking_tells_nothing_about_who_is_known(handset, contact):
    join(phone=PHONE, email=ADDRESS, source="import", now=NOON)
    known = {"phone": PHONE, "email": ADDRESS}[contact]
    unknown = {"phone": "13900001111", "email": "nobody@example.com"}[contact]
    one, other = (Visitor().ask(**{contact: each}) for each in (known, unknown))
    for answer in (one, other):
        assert answer.json().pop("meta").pop("session_token")
    assert one.status_code == other.status_code == 401
    assert one.json()["data"] == other.json()["data"]


def test_asking_costs_the_same_queries_for_known_and_unknown(handset):
    join(phone=PHONE, source="import", now=NOON)
    counts = []
    for phone in ("13700001111", PHONE, "13900001111"):
        with CaptureQueriesContext(connection) as asked:
            Visitor().ask(phone=phone)
        counts.append(len(asked))
    assert counts[1] == counts[2]


# --- What a code is good for ---------------------------------------------------


def test_a_code_is_good_once(handset):
    visitor = Visitor()
    visitor.ask(phone=PHONE)
    code = last_code()
    assert visitor.confirm(code).status_code == 200
    assert visitor.confirm(code).status_code == 409


def test_a_code_is_bound_to_the_session_that_asked(handset):
    Visitor().ask(phone=PHONE)
    code = last_code()
    other = Visitor()
    other.ask(phone="13900001111")
    assert other.confirm(code).status_code == 422
    assert Visitor().confirm(code).status_code == 409
    assert not Member.objects.exists()


def test_after_five_wrong_tries_the_right_code_is_wrong(handset):
    visitor = Visitor()
    visitor.ask(phone=PHONE)
    code = last_code()
    wrong = f"{(int(code) + 1) % 10**6:06}"
    for _try in range(5):
        answer = visitor.confirm(wrong)
        assert (answer.status_code, answer.json()["errors"][0]["code"]) == (
            422,
            "incorrect_code",
        )
    assert visitor.confirm(code).status_code == 422
    assert not Member.objects.exists()


@pytest.mark.parametrize(("minutes", "status"), [(9, 200), (10, 422)])
def test_a_code_dies_after_ten_minutes(handset, at, minutes, status):
    visitor = Visitor()
    visitor.ask(phone=PHONE)
    code = last_code()
    at(NOON + minutes * MINUTE)
    assert visitor.confirm(code).status_code == status


def test_a_newer_code_replaces_the_older_one(handset, at):
    visitor = Visitor()
    visitor.ask(phone=PHONE)
    old = last_code()
    later = at(NOON + MINUTE)
    visitor.ask(phone=PHONE)
    new = last_code(later)
    assert old == new or visitor.confirm(old).status_code == 422
    assert visitor.confirm(new).status_code == 200


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"phone": "12"},
        {"phone": 13800007788},
        {"phone": None},
        {"email": "nobody"},
        {"phone": PHONE, "email": ADDRESS},
        {"phone": PHONE, "admin": True},
        [],
        {"phone": "1" * 5000},
    ],
)
def test_bad_input_is_refused_and_writes_nothing(handset, body):
    answer = Visitor().post("code/request", body)
    assert answer.status_code == 400, answer.content
    assert not SignInCode.objects.exists()


@pytest.mark.parametrize(
    "code", ["", "12345", "1234567", "abcdef", "１２３４５６", None]
)
def test_what_is_no_code_opens_nothing(handset, code):
    visitor = Visitor()
    visitor.ask(phone=PHONE)
    assert visitor.confirm(code).status_code in {400, 422}
    assert not Member.objects.exists()


def test_whoever_is_signed_in_signs_out_first(handset):
    visitor = Visitor()
    visitor.come_in(phone=PHONE)
    assert visitor.ask(phone=PHONE).status_code == 409
    assert visitor.confirm("123456").status_code == 409


# --- Budgets -------------------------------------------------------------------


def test_a_number_gets_one_code_a_minute_five_an_hour_ten_a_day(handset, at):
    def asked(after):
        at(NOON + after)
        return Visitor().ask(phone=PHONE).status_code

    assert asked(timedelta(0)) == 401
    assert asked(timedelta(seconds=59)) == 429
    assert [asked(minute * MINUTE) for minute in range(1, 6)] == [401] * 4 + [429]
    hours = [asked(timedelta(hours=1, minutes=m)) for m in range(5)]
    assert hours == [401] * 5
    assert asked(timedelta(hours=3)) == 429
    assert asked(timedelta(days=1)) == 401


def test_a_refused_request_says_when_to_come_back(handset):
    Visitor().ask(phone=PHONE)
    answer = Visitor().ask(phone=PHONE)
    assert answer.json()["errors"][0]["code"] == "too_often"
    assert answer["Retry-After"] == "60"


def test_one_caller_gets_thirty_codes_an_hour_whatever_they_forge(handset):
    found = [
        Visitor(**{"X-Forwarded-For": f"198.51.100.{n}"})
        .ask(phone=f"139000010{n:02}")
        .status_code
        for n in range(32)
    ]
    assert found == [401] * 30 + [429] * 2


def test_the_shop_as_a_whole_pays_for_so_many_sms_an_hour(handset, settings):
    settings.SMS_CODES_PER_HOUR = 2
    found = [Visitor().ask(phone=f"1390000111{n}").status_code for n in range(3)]
    assert found == [401, 401, 429]
    assert Visitor().ask(email=ADDRESS).status_code == 401


# --- Whose membership it is ----------------------------------------------------


def test_a_number_typed_into_a_profile_is_not_a_trap_for_its_owner(handset):
    mallory = sign_up(email="mallory@example.com", password=PASSWORD)
    client = APIClient(
        headers={"X-Session-Token": mallory.json()["meta"]["session_token"]}
    )
    client.patch(ME, {"phone": PHONE}, format="json")

    owner = me(Visitor().come_in(phone=PHONE))

    trap = client.get(ME).json()
    assert owner["id"] != trap["id"]
    assert (owner["phone"], trap["phone"]) == (NUMBER, None)


def test_whoever_reads_the_mail_puts_out_who_only_typed_the_address(db):
    squatter = sign_up(email=ADDRESS, password=PASSWORD)
    token = squatter.json()["meta"]["session_token"]
    user = User.objects.get()
    Authenticator.objects.create(user=user, type="totp", data={"secret": "x"})

    answer = Visitor().come_in(email=ADDRESS)

    assert answer.status_code == 200, answer.content
    assert APIClient(headers={"X-Session-Token": token}).get(ME).status_code == 401
    assert log_in(email=ADDRESS, password=PASSWORD).status_code == 400
    assert not Authenticator.objects.exists()
    assert Member.objects.get().email_verified_at == NOON


def test_a_new_number_in_the_profile_is_unproved_again(handset):
    answer = Visitor().come_in(phone=PHONE)
    token = answer.json()["meta"]["session_token"]
    client = APIClient(headers={"X-Session-Token": token})
    client.patch(ME, {"phone": "13900001111"}, format="json")
    member = Member.objects.get()
    assert (member.phone, member.phone_verified_at) == ("+8613900001111", None)


def test_the_only_number_to_sign_in_with_cannot_be_cleared(handset):
    answer = Visitor().come_in(phone=PHONE)
    token = answer.json()["meta"]["session_token"]
    client = APIClient(headers={"X-Session-Token": token})
    refused = client.patch(ME, {"phone": None}, format="json")
    assert (refused.status_code, refused.json()["code"]) == (409, "no_address")
    assert Member.objects.get().phone == NUMBER


@pytest.mark.parametrize("with_login", [True, False])
def test_a_closed_membership_is_not_entered(handset, with_login):
    member = join(phone=PHONE, email=ADDRESS, source="import", now=NOON)
    if with_login:
        open_login(member_id=member.pk)
    move_member(
        member_id=member.pk, to="closed", reason="asked", actor="test", now=NOON
    )
    answer = Visitor().come_in(phone=PHONE)
    assert answer.status_code in {401, 403}
    assert not Session.objects.filter(user__isnull=False).exists()
    assert Member.objects.filter(phone_is(PHONE)).count() == 1


def test_a_frozen_member_may_come_in(handset):
    member = join(phone=PHONE, source="import", now=NOON)
    move_member(member_id=member.pk, to="frozen", reason="?", actor="test", now=NOON)
    assert me(Visitor().come_in(phone=PHONE))["state"] == "frozen"


def test_a_second_factor_is_asked_after_the_code(handset, at):
    Visitor().come_in(phone=PHONE)
    user = User.objects.get()
    Authenticator.objects.create(user=user, type="totp", data={"secret": "x"})
    answer = Visitor().come_in(now=at(NOON + 2 * MINUTE), phone=PHONE)
    assert answer.status_code == 401
    flows = {flow["id"]: flow for flow in answer.json()["data"]["flows"]}
    assert flows["mfa_authenticate"]["is_pending"] is True


# --- What is kept --------------------------------------------------------------


def test_nobody_invented_is_sent_anything(handset):
    join(phone=PHONE, source="import", is_demo=True, now=NOON)
    Visitor().ask(phone=PHONE)
    assert not handset
    with pytest.raises(IndexError):
        last_code()
    assert SignInCode.objects.get().state == "suppressed"


def test_number_and_code_are_readable_nowhere(handset):
    heard = io.StringIO()
    handler = logging.StreamHandler(heard)
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    try:
        visitor = Visitor()
        visitor.ask(phone=PHONE)
        queued = dump()
        code = last_code()
        visitor.confirm(code)
    finally:
        root.removeHandler(handler)
        root.setLevel(level)
    places = {
        **dump(),
        **{f"queued {place}": kept for place, kept in queued.items()},
        "logs": heard.getvalue().encode(),
        "sessions": "".join(s.session_data for s in Session.objects.all()).encode(),
    }
    for place, kept in places.items():
        assert b"13800007788" not in kept, place
        assert code.encode() not in kept, place
    row = SignInCode.objects.get()
    assert (row.code, row.contact, row.state) == (None, None, "sent")


def test_old_codes_are_forgotten(handset):
    Visitor().ask(phone=PHONE)
    assert forget_old_codes(now=NOON + timedelta(minutes=69)) == 0
    assert forget_old_codes(now=NOON + timedelta(minutes=70)) == 1


def test_a_gateway_that_fails_costs_the_code_and_no_answer(db):
    assert Visitor().ask(phone=PHONE).status_code == 401
    with pytest.raises(IndexError):
        last_code()
    row = SignInCode.objects.get()
    assert (row.state, row.code) == ("failed", None)


def test_the_first_address_of_a_phone_member_becomes_a_way_in(handset):
    Visitor().come_in(phone=PHONE)
    member = Member.objects.get()
    correct_member(member_id=member.pk, changes={"email": ADDRESS}, now=NOON)
    assert Member.objects.get(email_is(ADDRESS)).user.email == email_alias(ADDRESS)
    assert EmailAddress.objects.get().email == email_alias(ADDRESS)
