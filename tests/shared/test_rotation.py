from datetime import UTC, datetime
from io import StringIO
from threading import Event, Thread

import pytest
from django.apps import apps
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from crm.shared import rotation
from crm.shared.blind_index import blind_lookup, blind_tokens_lookup
from crm.shared.encryption import key_number
from crm.shared.fields import seal
from crm.shared.rotation import encrypted_fields, rotate_keys, sealed_models
from members.models import Member
from tests.shared.people import Person


@pytest.fixture
def crowd(people, use_keys, monkeypatch):
    """Seven people under the first keys; rotation sees only them, three at a time."""
    monkeypatch.setattr(rotation, "sealed_models", lambda: [Person])
    monkeypatch.setattr(rotation, "_BATCH", 3)
    return people.objects.bulk_create(
        [people(name=f"Ann {n}", phone=f"100{n}", motto="") for n in range(6)]
        + [people(name=None, phone=None)]
    )


def numbers():
    """Return which keys are in use: of sealed values, of indexes."""
    sealed, indexes = set(), set()
    for row in Person.objects.values("name", "phone", "motto", "phone_index"):
        sealed |= {
            key_number(row[n].blob) for n in ("name", "phone", "motto") if row[n]
        }
        indexes |= {bytes(row["phone_index"])[0]} if row["phone_index"] else set()
    for tokens in Person.objects.values_list("name_tokens", flat=True):
        indexes |= {bytes(each)[0] for each in tokens}
    return sealed, indexes


def test_moves_everything_to_the_newest_keys(crowd, use_keys):
    use_keys(keys=(2, 1), index_keys=(3, 1))
    done = rotate_keys()
    assert (done.seen, done.rewritten, done.overtaken, done.failed) == (7, 7, 0, [])
    assert numbers() == ({2}, {3})
    use_keys(keys=(2,), index_keys=(3,))  # the old keys are destroyed
    assert [p.phone for p in Person.objects.order_by("pk")] == [
        *(f"100{n}" for n in range(6)),
        None,
    ]
    assert Person.objects.get(blind_lookup(Person, "phone_index", "1004")).name == (
        "Ann 4"
    )
    found = Person.objects.filter(blind_tokens_lookup(Person, "name_tokens", "ann 5"))
    assert found.get().phone == "1005"


def test_a_second_run_has_nothing_to_do(crowd, use_keys):
    use_keys(keys=(2, 1), index_keys=(2, 1))
    rotate_keys()
    with CaptureQueriesContext(
        connection,
    ) as queries:
        assert rotate_keys().rewritten == 0
    assert not [q for q in queries if q["sql"].startswith("UPDATE")]


def test_dry_run_counts_and_writes_nothing(crowd, use_keys):
    use_keys(keys=(2, 1), index_keys=(2, 1))
    done = rotate_keys(dry_run=True)
    assert (done.seen, done.rewritten) == (7, 7)
    assert numbers() == ({1}, {1})


def test_only_the_index_key_changed(crowd, use_keys):
    use_keys(index_keys=(2, 1))
    assert rotate_keys().rewritten == 6
    assert numbers() == ({1}, {2})


def test_goes_on_after_being_stopped(crowd, use_keys):
    use_keys(keys=(2, 1), index_keys=(2, 1))

    class Stopped(Exception):
        pass

    def stop(label, done):
        if done.seen >= 3:
            raise Stopped

    with pytest.raises(Stopped):
        rotate_keys(progress=stop)
    assert numbers() == ({1, 2}, {1, 2})
    assert rotate_keys().rewritten == 4
    assert numbers() == ({2}, {2})


def test_an_edit_in_between_wins(crowd, use_keys, monkeypatch):
    use_keys(keys=(2, 1), index_keys=(2, 1))
    compare_and_set = rotation._compare_and_set

    def edited_first(model, row, changes):
        if row["pk"] == crowd[0].pk:
            person = Person.objects.get(pk=row["pk"])
            person.phone = "777"
            person.save()
        return compare_and_set(model, row, changes)

    monkeypatch.setattr(rotation, "_compare_and_set", edited_first)
    done = rotate_keys()
    assert (done.overtaken, done.rewritten) == (1, 6)
    person = Person.objects.get(blind_lookup(Person, "phone_index", "777"))
    assert (person, person.phone) == (crowd[0], "777")


def test_a_text_edited_while_only_its_index_is_stale_is_not_given_the_old_index(
    crowd, use_keys, monkeypatch
):
    use_keys(index_keys=(2, 1))
    compare_and_set = rotation._compare_and_set

    def edited_first(model, row, changes):
        if row["pk"] == crowd[0].pk:
            use_keys(index_keys=(1,))  # a process that has not the new key yet
            person = Person.objects.get(pk=row["pk"])
            person.phone = "777"
            person.save()
            use_keys(index_keys=(2, 1))
        return compare_and_set(model, row, changes)

    monkeypatch.setattr(rotation, "_compare_and_set", edited_first)
    assert rotate_keys().overtaken == 1
    monkeypatch.setattr(rotation, "_compare_and_set", compare_and_set)
    assert rotate_keys().rewritten == 1
    assert Person.objects.get(blind_lookup(Person, "phone_index", "777")) == crowd[0]
    assert numbers()[1] == {2}


def test_an_index_is_not_written_beside_a_text_it_was_not_made_from(
    crowd, use_keys, monkeypatch
):
    use_keys(index_keys=(2, 1))
    compare_and_set = rotation._compare_and_set

    def edited_first(model, row, changes):
        if row["pk"] == crowd[0].pk:
            with connection.cursor() as cursor:
                blob = seal(Person, "phone", crowd[0].public_id, "777")
                cursor.execute(
                    "UPDATE shared_tests_person SET phone = %s WHERE id = %s",
                    [blob, row["pk"]],
                )
        return compare_and_set(model, row, changes)

    monkeypatch.setattr(rotation, "_compare_and_set", edited_first)
    assert rotate_keys().overtaken == 1
    monkeypatch.setattr(rotation, "_compare_and_set", compare_and_set)
    assert rotate_keys().rewritten == 1
    assert Person.objects.get(blind_lookup(Person, "phone_index", "777")) == crowd[0]


def test_a_row_that_does_not_open_is_named_and_the_others_are_done(crowd, use_keys):
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE shared_tests_person SET phone = name WHERE id = %s", [crowd[1].pk]
        )
    use_keys(keys=(2, 1), index_keys=(2, 1))
    done = rotate_keys()
    assert done.rewritten == 6
    (failure,) = done.failed
    assert failure.startswith(f"shared_tests_person.phone|{crowd[1].public_id}: ")


def test_people_who_met_while_keys_changed_are_reported(crowd, use_keys):
    """Two rows of one phone slip past UNIQUE while their indexes differ in key."""
    use_keys(keys=(2, 1), index_keys=(2, 1))
    Person.objects.create(phone="1003")
    done = rotate_keys()
    assert done.failed == [f"shared_tests.Person {crowd[3].pk}: UniqueViolation."]
    assert Person.objects.get(pk=crowd[3].pk).phone == "1003"
    assert done.rewritten == 6


def test_reindex_after_a_normaliser_changed(crowd, use_keys, monkeypatch):
    field = Person._meta.get_field("phone_index")
    monkeypatch.setattr(field, "normalise", "tests.shared.test_rotation.last_two")
    assert rotate_keys().rewritten == 0
    assert rotate_keys(reindex=True).rewritten == 6
    assert Person.objects.get(blind_lookup(Person, "phone_index", "9905")) == crowd[5]


def last_two(text):
    return text[-2:]


def test_every_model_with_sealed_columns_is_walked():
    expected = {m for m in apps.get_models() if encrypted_fields(m)}
    assert apps.get_model("members.Member") in expected
    assert set(sealed_models()) == expected


@pytest.mark.django_db
def test_no_sealed_column_stands_in_an_append_only_table():
    """It could never be re-encrypted, nor erased."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname FROM pg_trigger JOIN pg_class c ON c.oid = tgrelid "
            "WHERE tgname = 'append_only_rows'"
        )
        append_only = {row[0] for row in cursor.fetchall()}
    assert "shared_auditentry" in append_only
    assert not append_only & {model._meta.db_table for model in sealed_models()}


@pytest.mark.django_db
def test_real_members_are_found_and_read_after_the_old_keys_are_gone(use_keys):
    use_keys()
    member = Member.objects.create(
        number="10007",
        name="王静",
        phone="138 0000 1234",
        email="Wang@Example.com",
        joined_at=datetime(2026, 1, 1, tzinfo=UTC),
    )
    use_keys(keys=(2, 1), index_keys=(2, 1))
    assert rotate_keys().failed == []
    use_keys(keys=(2,), index_keys=(2,))
    for lookup in (
        blind_lookup(Member, "phone_index", "+86 13800001234"),
        blind_lookup(Member, "phone_tail_index", "1234"),
        blind_lookup(Member, "email_index", "wang@example.COM"),
        blind_tokens_lookup(Member, "name_tokens", "王静"),
    ):
        found = Member.objects.get(lookup)
        assert (found, found.name, found.email) == (member, "王静", "Wang@Example.com")


@pytest.mark.django_db(transaction=True)
def test_nothing_is_lost_while_people_edit(use_keys, monkeypatch):
    monkeypatch.setattr(rotation, "_BATCH", 5)
    use_keys()
    members = [
        Member.objects.create(
            number=str(10_000 + n),
            phone=f"138{n:08}",
            joined_at=datetime(2026, 1, 1, tzinfo=UTC),
        )
        for n in range(60)
    ]
    use_keys(keys=(2, 1), index_keys=(2, 1))
    last, stop = {}, Event()

    def edit():
        turn = 0
        while not stop.is_set():
            member = Member.objects.get(pk=members[turn % 60].pk)
            member.phone = f"139{turn:08}"
            member.save(update_fields=["phone"])
            last[member.pk] = member.phone
            turn += 1
        connection.close()

    editor = Thread(target=edit)
    editor.start()
    try:
        for _ in range(5):
            assert rotate_keys().failed == []
    finally:
        stop.set()
        editor.join()
    rotate_keys()
    use_keys(keys=(2,), index_keys=(2,))
    assert len(last) > 0
    for member in Member.objects.all():
        number = int(member.number) - 10_000
        assert member.phone == last.get(member.pk, f"138{number:08}")
        lookup = blind_lookup(Member, "phone_index", member.phone)
        assert Member.objects.get(lookup) == member


# --- The command --------------------------------------------------------------


def command(*words):
    out = StringIO()
    call_command("rotate_keys", *words, stdout=out, stderr=out)
    return out.getvalue()


def test_command_tells_what_it_did(crowd, use_keys):
    use_keys(keys=(2, 1), index_keys=(2, 1))
    assert command("--dry-run").endswith("7 rows read, 7 would be rewritten.\n")
    assert command().endswith("7 rows read, 7 rewritten.\n")
    assert numbers() == ({2}, {2})


def test_command_fails_when_a_row_failed(crowd, use_keys):
    use_keys(keys=(2,))
    with pytest.raises(CommandError, match="7 rows failed"):
        command()
    assert numbers() == ({1}, {1})


def test_command_proposes_new_keys(use_keys):
    use_keys(keys=(2, 1), index_keys=(1,))
    first, second = command("--new-keys").splitlines()
    assert first.startswith("CRM_ENCRYPTION_KEYS=3:")
    assert second.startswith("CRM_INDEX_KEYS=2:")
