import pytest
from django.db import IntegrityError, transaction

from crm.shared.models import AuditEntry
from members.models import AttributeChoice, AttributeDefinition, AttributeValue
from members.services.attributing import (
    AttributeUnknown,
    Author,
    BadAttribute,
    set_attributes,
)
from tests.cast import NOON
from tests.members.people import dump, later


@pytest.fixture
def shop(db):
    """Return the definitions of a shop that dresses people."""
    define("size", "choice", by_member=True, is_personal=False, options=["s", "m", "l"])
    define("allergy", "text", by_member=True, purpose="profiling")
    define("children", "number", by_member=True, by_api=True)
    define("risk", "boolean")
    define("gone", "text", by_member=True, is_active=False)


def define(code, kind, *, options=(), **fields):
    definition = AttributeDefinition.objects.create(
        code=code, name=code, kind=kind, **fields
    )
    for position, option in enumerate(options):
        AttributeChoice.objects.create(
            definition=definition, code=option, name=option, position=position
        )
    return definition


def say(member, *, author=Author.MEMBER, at=NOON, actor=None, **values):
    return set_attributes(
        member_id=member.pk,
        values=values,
        author=author,
        source=author.value,
        actor=actor,
        now=at,
    )


def kept(member) -> dict:
    rows = AttributeValue.objects.filter(member=member).select_related("definition")
    return {row.definition.code: row.value for row in rows}


def test_values_are_kept_with_where_they_came_from(alice, bob, shop):
    assert say(alice, size="m", allergy=" 花生 ", children="2.0") == 3
    assert kept(alice) == {"size": "m", "allergy": "花生", "children": "2"}
    row = AttributeValue.objects.get(definition__code="allergy")
    assert (row.source, row.collected_at, row.purpose, row.plain) == (
        "by_member",
        NOON,
        "profiling",
        None,
    )
    assert kept(bob) == {}


def test_personal_values_are_encrypted_and_others_can_be_counted(alice, shop):
    say(alice, allergy="花生酱", size="m")
    for place, content in dump().items():
        assert "花生酱".encode() not in content, place
    assert AttributeValue.objects.get(plain="m").definition.code == "size"


def test_saying_it_again_changes_nothing(alice, shop):
    say(alice, children=2)
    assert say(alice, author=Author.API, at=later(days=1), children="2") == 0
    row = AttributeValue.objects.get()
    assert (row.source, row.collected_at) == ("by_member", NOON)
    assert say(alice, author=Author.API, at=later(days=1), children=3) == 1
    row = AttributeValue.objects.get()
    assert (row.value, row.source, row.collected_at) == ("3", "by_api", later(days=1))


def test_null_forgets(alice, shop):
    say(alice, children=2, size="s")
    assert say(alice, children=None, allergy=None) == 1
    assert kept(alice) == {"size": "s"}


@pytest.mark.parametrize(
    ("author", "code"),
    [
        (Author.MEMBER, "risk"),
        (Author.API, "size"),
        (Author.MEMBER, "gone"),
        (Author.STAFF, "nothing"),
    ],
)
def test_what_one_may_not_write_is_refused_as_unknown(alice, shop, author, code):
    with pytest.raises(AttributeUnknown) as refusal:
        say(alice, author=author, **{code: True})
    assert refusal.value.params == {"attribute": code}
    assert kept(alice) == {}


def test_one_bad_value_keeps_none(alice, shop):
    say(alice, size="s")
    with pytest.raises(BadAttribute) as refusal:
        say(alice, children=1, allergy="x", size="xl")
    assert refusal.value.params == {"attribute": "size"}
    assert kept(alice) == {"size": "s"}


def test_what_staff_write_is_recorded_without_the_values(alice, shop, dana):
    say(alice, author=Author.STAFF, actor=dana, risk=True, allergy="花生酱")
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.object_id, entry.actor_id, entry.detail) == (
        "members.attributes",
        alice.public_id,
        dana.pk,
        {"risk": "changed", "allergy": "changed"},
    )
    say(alice, author=Author.STAFF, actor=dana, risk=True)
    assert AuditEntry.objects.count() == 1


def test_a_value_is_sealed_or_plain_and_never_both(alice, shop):
    row = AttributeValue(
        member=alice,
        definition=AttributeDefinition.objects.get(code="risk"),
        sealed="true",
        plain=True,
        source="x",
        collected_at=NOON,
    )
    with pytest.raises(IntegrityError), transaction.atomic():
        row.save()
