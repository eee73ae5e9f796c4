import pickle
from io import StringIO

import pytest
from django.core import serializers
from django.core.exceptions import FieldError, ValidationError
from django.db import IntegrityError, connection, models, transaction
from django.db.migrations.writer import MigrationWriter
from django.db.models import F
from django.forms import modelform_factory
from django.test.utils import isolate_apps

from crm.shared import fields
from crm.shared.blind_index import blind_lookup
from crm.shared.encryption import DecryptionFailed, decrypt, encrypt
from crm.shared.fields import (
    BlindIndexField,
    BlindTokensField,
    EncryptedTextField,
    Sealed,
    seal,
)
from crm.shared.public_ids import PublicIdField
from tests.shared.people import Person, only_digits, words

pytestmark = pytest.mark.usefixtures("use_keys")


def stored(person, column):
    """Return the bytes in the database."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {column} FROM shared_tests_person WHERE id = %s", [person.pk]
        )
        value = cursor.fetchone()[0]
    return None if value is None else bytes(value)


def put(person, column, value):
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE shared_tests_person SET {column} = %s WHERE id = %s",
            [value, person.pk],
        )


@pytest.fixture
def ann(people):
    return people.objects.create(name="Ann Lee", phone="138 0000 0000", motto="Go")


def test_keeps_the_text_on_the_object_and_ciphertext_in_the_column(ann):
    assert ann.phone == "138 0000 0000"
    blob = stored(ann, "phone")
    assert b"0000" not in blob
    context = f"shared_tests_person.phone|{ann.public_id}"
    assert decrypt(blob, context) == "138 0000 0000"


def test_reads_back(ann):
    again = Person.objects.get(pk=ann.pk)
    assert (again.name, again.phone, again.motto) == ("Ann Lee", "138 0000 0000", "Go")


def test_opens_only_what_is_read(ann, monkeypatch):
    opened = []

    def spy(blob, context):
        opened.append(context)
        return decrypt(blob, context)

    monkeypatch.setattr(fields, "decrypt", spy)
    again = Person.objects.get(pk=ann.pk)
    assert opened == []
    assert again.phone == again.phone == "138 0000 0000"
    assert opened == [f"shared_tests_person.phone|{ann.public_id}"]


def test_saving_an_untouched_row_writes_the_same_bytes_and_opens_nothing(
    ann, monkeypatch
):
    before = [stored(ann, name) for name in ("name", "phone", "phone_index")]
    again = Person.objects.get(pk=ann.pk)
    monkeypatch.setattr(fields, "decrypt", None)
    again.save()
    assert [stored(ann, name) for name in ("name", "phone", "phone_index")] == before


def test_none_and_empty(people):
    person = people.objects.create(name="", phone=None, motto="")
    assert person.name is None
    assert stored(person, "name") is None
    assert stored(person, "phone") is None
    assert stored(person, "motto") is not None
    again = people.objects.get(pk=person.pk)
    assert (again.name, again.phone, again.motto) == (None, None, "")


def test_bulk_create_seals_and_indexes(people):
    people.objects.bulk_create(
        [people(name=f"Ann {n}", phone=str(1000 + n)) for n in range(5)]
    )
    found = people.objects.get(blind_lookup(people, "phone_index", "1003"))
    assert found.name == "Ann 3"
    assert len(found.name_tokens) == 2


def test_update_fields_takes_the_index_along(ann):
    ann.phone = "139"
    ann.save(update_fields=["phone"])
    assert Person.objects.get(blind_lookup(Person, "phone_index", "139")) == ann
    lookup = blind_lookup(Person, "phone_index", "13800000000")
    assert not Person.objects.filter(lookup).exists()


def test_update_fields_of_something_else_leaves_the_phone(ann):
    before = stored(ann, "phone")
    ann.phone = "139"
    ann.motto = "Stay"
    ann.save(update_fields=["motto"])
    assert stored(ann, "phone") == before


def test_clearing_the_phone_clears_the_index(ann):
    ann.phone = None
    ann.save(update_fields=["phone"])
    assert stored(ann, "phone") is None
    assert stored(ann, "phone_index") is None


def test_database_refuses_an_index_without_its_source(ann):
    with pytest.raises(IntegrityError), transaction.atomic():
        Person.objects.filter(pk=ann.pk).update(phone=None)
    with pytest.raises(IntegrityError), transaction.atomic():
        Person.objects.filter(pk=ann.pk).update(name=None)
    assert Person.objects.get(pk=ann.pk).phone == "138 0000 0000"
    Person.objects.filter(pk=ann.pk).update(phone=None, phone_index=None)
    assert Person.objects.get(pk=ann.pk).phone is None


def test_deferred_columns_open_later(ann):
    assert Person.objects.only("pk").get(pk=ann.pk).phone == "138 0000 0000"
    assert Person.objects.defer("phone").get(pk=ann.pk).phone == "138 0000 0000"


def test_saving_with_the_phone_deferred_keeps_phone_and_index(ann):
    before = stored(ann, "phone"), stored(ann, "phone_index")
    again = Person.objects.defer("phone").get(pk=ann.pk)
    again.motto = "Stay"
    again.save()
    assert (stored(ann, "phone"), stored(ann, "phone_index")) == before


def test_refresh_from_db(ann):
    put(ann, "phone", seal(Person, "phone", ann.public_id, "777"))
    ann.refresh_from_db()
    assert ann.phone == "777"
    ann.phone = "changed"
    ann.refresh_from_db(fields=["phone"])
    assert ann.phone == "777"


# --- What must not leak -------------------------------------------------------


def test_values_are_sealed_and_show_nothing(ann):
    value = Person.objects.values_list("phone", flat=True).get()
    assert isinstance(value, Sealed)
    assert repr(value) == str(value) == f"{value}" == "<sealed>"
    assert value.reveal(ann.public_id) == "138 0000 0000"
    assert Person.objects.values("name").get() == {
        "name": Person.objects.values_list("name", flat=True).get()
    }


def test_dumpdata_writes_ciphertext(ann):
    out = StringIO()
    serializers.serialize("json", [ann, Person.objects.get(pk=ann.pk)], stream=out)
    assert "0000" not in out.getvalue()
    assert "Lee" not in out.getvalue()


def test_pickle_of_a_loaded_row_holds_no_plain_text(ann):
    pickled = pickle.dumps(Person.objects.get(pk=ann.pk))
    assert b"0000 0000" not in pickled
    sealed = Person.objects.values_list("phone", flat=True).get()
    assert pickle.loads(pickle.dumps(sealed)) == sealed


# --- What must fail, and write nothing ----------------------------------------


def test_update_with_plain_text_is_refused(ann):
    before = stored(ann, "phone")
    with pytest.raises(TypeError, match="encrypted per row"), transaction.atomic():
        Person.objects.filter(pk=ann.pk).update(phone="139")
    with pytest.raises(TypeError, match="encrypted per row"), transaction.atomic():
        Person.objects.bulk_update([ann], ["phone"])
    assert stored(ann, "phone") == before


@pytest.mark.parametrize(
    "condition",
    [
        {"phone": "138 0000 0000"},
        {"phone": None},
        {"phone__in": ["1"]},
        {"phone__icontains": "138"},
        {"phone__startswith": "138"},
        {"phone__gt": "1"},
        {"phone__lower": "x"},
        {"phone__regex": "1"},
    ],
)
def test_searching_the_column_is_refused(people, condition):
    with pytest.raises(FieldError, match="cannot be searched"):
        people.objects.filter(**condition)


def test_isnull_works(ann):
    Person.objects.create(phone=None)
    assert Person.objects.filter(phone__isnull=False).get() == ann
    assert Person.objects.exclude(phone__isnull=True).get() == ann


def test_searching_the_index_with_plain_text_is_refused(people):
    with pytest.raises(TypeError, match="blind_lookup"):
        list(people.objects.filter(phone_index="13800000000"))


@pytest.mark.parametrize("value", [13800000000, b"138", F("name")])
def test_only_text_can_be_saved(people, value):
    with pytest.raises(TypeError), transaction.atomic():
        people.objects.create(motto=value)
    assert not people.objects.exists()


def test_swapped_rows_do_not_open(ann):
    ben = Person.objects.create(phone="139")
    put(ben, "phone", stored(ann, "phone"))
    stolen = Person.objects.get(pk=ben.pk)
    with pytest.raises(DecryptionFailed) as failure:
        _ = stolen.phone
    assert "138" not in str(failure.value)


def test_swapped_columns_do_not_open(ann):
    put(ann, "phone", stored(ann, "name"))
    with pytest.raises(DecryptionFailed):
        _ = Person.objects.get(pk=ann.pk).phone


def test_a_copied_row_is_not_written_unreadable(ann):
    """The old idiom of clearing the key and saving must not carry sealed bytes over."""
    motto_only = Person.objects.create(motto="Go")
    for original in (ann, motto_only):
        twin = Person.objects.get(pk=original.pk)
        twin.pk = None
        twin.public_id = "per_twin"
        with pytest.raises(DecryptionFailed), transaction.atomic():
            twin.save(force_insert=True)
    assert Person.objects.count() == 2


def test_a_missing_key_gives_no_text_but_lets_the_list_be_shown(ann, use_keys):
    use_keys(keys=(2,))
    loaded = Person.objects.get(pk=ann.pk)
    assert loaded.public_id == ann.public_id
    with pytest.raises(DecryptionFailed, match="key 1 is missing"):
        _ = loaded.phone


def test_a_row_without_a_name_cannot_be_sealed(people):
    refused = pytest.raises(ValueError, match="public_id must be set first")
    with refused, transaction.atomic():
        people.objects.create(public_id="", phone="138")
    assert not people.objects.exists()


# --- Forms and checks ---------------------------------------------------------


def test_forms_show_and_save_plain_text(ann):
    form_class = modelform_factory(Person, fields=["name", "phone", "motto"])
    shown = form_class(instance=Person.objects.get(pk=ann.pk))
    assert shown.initial["phone"] == "138 0000 0000"
    form = form_class(
        {"name": "Ann", "phone": "", "motto": "x"},
        instance=Person.objects.get(pk=ann.pk),
    )
    assert form.is_valid(), form.errors
    form.save()
    again = Person.objects.get(pk=ann.pk)
    assert (again.name, again.phone, again.motto) == ("Ann", None, "x")
    assert stored(again, "phone_index") is None


def test_long_texts_get_a_text_area():
    widgets = {
        name: type(field.widget).__name__
        for name, field in modelform_factory(
            Person, fields=["name", "motto"]
        ).base_fields.items()
    }
    assert widgets == {"name": "TextInput", "motto": "Textarea"}


def test_too_long_is_a_form_error(ann):
    ann.name = "x" * 21
    with pytest.raises(ValidationError) as refused:
        ann.full_clean()
    assert list(refused.value.message_dict) == ["name"]


def test_bulk_path_seals_for_its_row(ann):
    put(ann, "phone", seal(Person, "phone", ann.public_id, "139"))
    assert Person.objects.get(pk=ann.pk).phone == "139"


def test_migrations_write_what_is_needed_and_no_more():
    assert MigrationWriter.serialize(
        EncryptedTextField(max_length=9, row="code", context="a.b")
    )[0] == (
        "crm.shared.fields.EncryptedTextField(context='a.b', max_length=9, row='code')"
    )
    assert MigrationWriter.serialize(
        BlindIndexField(source="phone", normalise=only_digits, unique=True)
    )[0] == (
        "crm.shared.fields.BlindIndexField("
        "normalise='tests.shared.people.only_digits', source='phone', unique=True)"
    )
    tokens = BlindTokensField(source="name", tokens=words)
    assert MigrationWriter.serialize(tokens)[0] == (
        "crm.shared.fields.BlindTokensField("
        "source='name', tokens='tests.shared.people.words')"
    )
    assert tokens.clone().tokens == "tests.shared.people.words"


def test_the_context_survives_a_renamed_column():
    class Renamed(models.Model):  # noqa: DJ008
        public_id = PublicIdField(prefix="ren")
        mobile = EncryptedTextField(max_length=20, context="old_table.phone")

        class Meta:
            app_label = "shared_tests"

    blob = encrypt("138", "old_table.phone|ren_1")
    loaded = Renamed.from_db(
        "default",
        ["id", "public_id", "mobile"],
        [
            1,
            "ren_1",
            (Renamed._meta.get_field("mobile").from_db_value(blob, None, connection)),
        ],
    )
    assert loaded.mobile == "138"


@isolate_apps("tests")
def test_checks_name_a_forgotten_base_and_a_wrong_source():
    class Forgetful(models.Model):  # noqa: DJ008
        public_id = PublicIdField(prefix="for")
        phone = EncryptedTextField(max_length=20)
        index = BlindIndexField(source="fone", normalise=only_digits)

        class Meta:
            app_label = "tests"

    errors = Forgetful._meta.get_field("index").check()
    assert {error.id for error in errors} == {"crm.E001", "crm.E002"}
    assert Person._meta.get_field("phone_index").check() == []
    assert Person._meta.get_field("name_tokens").check() == []
    assert Person._meta.get_field("phone").check() == []
