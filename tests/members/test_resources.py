import pytest
import tablib
from django.contrib.auth.models import Permission
from django.core.exceptions import PermissionDenied

from crm.shared.models import AuditEntry, Fact
from members.models import Consent, Member, User
from members.queries import member_matches
from members.resources import MemberResource
from members.services.freezing import ReasonMissing
from members.services.joining import join
from tests.cast import NOON

PHONE, EMAIL = "+8613800001234", "wang@example.com"


def bring(*rows, headers=("name", "phone", "email"), **how):
    data = tablib.Dataset(*rows, headers=headers)
    return MemberResource().import_data(data, now=NOON, **how)


def counts(result):
    return {kind: n for kind, n in result.totals.items() if n}


@pytest.fixture
def jing(db):
    return join(
        name="王静",
        phone=PHONE,
        email=EMAIL,
        birthday="1990-02-28",
        source="import",
        external_id="17",
        now=NOON,
    )


def given_right(user, codename):
    user.user_permissions.add(Permission.objects.get(codename=codename))
    return User.objects.get(pk=user.pk)  # permissions are kept on the object


@pytest.fixture
def exporter(dana):
    dana.user_permissions.add(Permission.objects.get(codename="export_pii"))
    return type(dana).objects.get(pk=dana.pk)


def test_new_rows_join_without_any_consent(db):
    result = bring(["王静", "138 0000 1234", ""], ["Bob", "", "bob@example.com"])

    assert counts(result) == {"new": 2}
    kept = Member.objects.order_by("id")
    assert [(m.name, m.phone, m.email, m.source) for m in kept] == [
        ("王静", PHONE, None, "import"),
        ("Bob", None, "bob@example.com", "import"),
    ]
    joined = Fact.objects.filter(name="members.MemberJoined")
    # Known elsewhere already: no welcome for them.
    assert [fact.payload["is_new"] for fact in joined] == [False, False]
    assert not Consent.objects.exists()
    assert Member.objects.filter(member_matches("wj")).count() == 1


@pytest.mark.parametrize(
    ("header", "value"),
    [
        ("number", "NUMBER"),
        ("number", "number"),
        ("external_id", "17"),
        ("phone", "138 0000 1234"),
        ("email", "WANG@example.com"),
    ],
)
def test_a_row_finds_its_member_by_any_identifier(jing, header, value):
    value = {"NUMBER": jing.number, "number": jing.number.lower()}.get(value, value)
    result = bring([value, "上海", ""], headers=(header, "region", "gender"))
    assert counts(result) == {"update": 1}
    kept = Member.objects.get()
    assert (kept.region, kept.name, kept.birthday) == ("上海", "王静", "1990-02-28")


def test_the_same_file_again_changes_nothing(db):
    rows = [["王静", PHONE, EMAIL], ["Bob", "", "bob@example.com"]]
    bring(*rows)
    versions = list(Member.objects.values_list("version", flat=True))
    result = bring(*rows)
    assert counts(result) == {"skip": 2}
    assert list(Member.objects.values_list("version", flat=True)) == versions
    assert Fact.objects.count() == 2


def test_an_empty_cell_keeps_and_two_dashes_clear(jing):
    bring([PHONE, "", "--"], headers=("phone", "name", "birthday"))
    kept = Member.objects.get()
    assert (kept.name, kept.birthday, kept.birth_month) == ("王静", None, None)


def test_a_trial_run_tells_and_takes_it_back(jing):
    result = bring(["李静", PHONE, ""], ["New", "", "new@example.com"], dry_run=True)
    assert counts(result) == {"update": 1, "new": 1}
    assert Member.objects.get().name == "王静"
    assert Fact.objects.count() == 1


@pytest.mark.parametrize(
    ("headers", "row"),
    [
        (("name", "phone"), ["X", "12"]),
        (("name", "email"), ["X", "nobody"]),
        (("phone", "birthday"), ["13900000000", "1990-02-30"]),
        (("phone", "gender"), ["13900000000", "x"]),
        (("phone", "name"), ["13900000000", "x" * 121]),
        (("phone", "region"), ["13900000000", "x" * 61]),
        (("phone", "name"), ["13900000000", "王*"]),
        (("number", "name"), ["M000000013", "X"]),
    ],
)
def test_a_bad_row_is_named_and_the_others_are_untouched(db, headers, row):
    result = bring(row, headers=headers)
    assert counts(result) == {"invalid": 1}
    assert not result.has_errors()
    assert not Member.objects.exists()
    assert not Fact.objects.exists()


def test_identifiers_of_two_members_are_not_mixed(jing):
    join(phone="13911115678", source="t", now=NOON)
    result = bring(["13911115678", EMAIL], headers=("phone", "email"))
    assert counts(result) == {"invalid": 1}
    assert Member.objects.filter(email__isnull=True).count() == 1


def test_two_rows_about_one_member_are_noticed(db):
    result = bring(["A", PHONE, ""], ["B", PHONE, ""])
    assert counts(result) == {"new": 1, "invalid": 1}
    assert Member.objects.get().name == "A"


@pytest.mark.parametrize(
    "headers", [("phone", "nickname"), ("name", "region"), ("phone", "state")]
)
def test_columns_nobody_knows_and_files_without_a_key_are_refused(db, headers):
    result = bring(["x", "y"], headers=headers)
    assert result.has_errors() or result.has_validation_errors()
    assert result.base_errors
    assert not Member.objects.exists()


def test_who_may_not_even_see_masks_gets_numbers(jing, dana):
    (row,) = MemberResource(user=dana).export(Member.objects.all()).dict
    assert row["number"] == jing.number
    columns = ("name", "phone", "email", "birthday", "external_id")
    assert [row[name] for name in columns] == [""] * 5


def test_staff_see_masked_rows_unless_they_may_and_say_why(jing, dana):
    dana = given_right(dana, "view_masked")
    dataset = MemberResource(user=dana).export(Member.objects.all())
    (row,) = dataset.dict
    assert (row["name"], row["phone"], row["email"], row["birthday"]) == (
        "王*",
        "+86*******1234",
        "w***@example.com",
        "1990-**-**",
    )
    assert row["number"] == jing.number
    assert PHONE not in dataset.export("csv")
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.actor_id) == ("members.export", dana.pk)
    assert (entry.detail["rows"], entry.detail["clear"]) == (1, False)


def test_clear_rows_need_the_right_and_a_reason(jing, dana, exporter):
    with pytest.raises(ReasonMissing):
        MemberResource(user=exporter, clear=True)
    with pytest.raises(PermissionDenied):
        MemberResource(clear=True, reason="audit")
    (row,) = (
        MemberResource(user=exporter, clear=True, reason="audit")
        .export(Member.objects.all())
        .dict
    )
    assert (row["name"], row["phone"], row["birthday"]) == (
        "王静",
        f"'{PHONE}",
        "1990-02-28",
    )
    entry = AuditEntry.objects.get()
    assert (entry.reason, entry.detail["clear"]) == ("audit", True)


def test_a_right_less_login_gets_no_clear_rows(jing, dana):
    with pytest.raises(PermissionDenied):
        MemberResource(user=dana, clear=True, reason="curious")
    assert not AuditEntry.objects.exists()


def test_what_went_out_in_clear_comes_back_unchanged(jing, exporter):
    join(name="=1+1", source="import", external_id="18", now=NOON)
    out = MemberResource(user=exporter, clear=True, reason="move").export(
        Member.objects.order_by("id")
    )
    assert out["name"] == ["王静", "'=1+1"]
    for column in ("state", "joined_at"):
        del out[column]
    result = MemberResource().import_data(out, now=NOON)
    assert counts(result) == {"skip": 2}, [r.error_dict for r in result.invalid_rows]


def test_masked_rows_do_not_come_back(jing, dana):
    dana = given_right(dana, "view_masked")
    out = MemberResource(user=dana).export(Member.objects.all())
    for column in ("state", "joined_at"):
        del out[column]
    assert counts(MemberResource().import_data(out, now=NOON)) == {"invalid": 1}
    assert Member.objects.get().phone == PHONE
