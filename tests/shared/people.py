"""A table of people for the tests of encrypted fields."""

from crm.shared.fields import (
    BlindIndexField,
    BlindTokensField,
    EncryptedTextField,
    Sealable,
)
from crm.shared.public_ids import PublicIdField


def only_digits(text: str) -> str | None:
    """Return the digits; anything else is no phone."""
    return "".join(each for each in text if each.isdigit()) or None


def words(text: str) -> set[str]:
    """Return the words of a name."""
    return set(text.lower().split())


class Person(Sealable):
    """Somebody."""

    public_id = PublicIdField(prefix="per")
    name = EncryptedTextField(max_length=20, null=True, blank=True)
    name_tokens = BlindTokensField(source="name", tokens=words)
    phone = EncryptedTextField(max_length=20, null=True, blank=True)
    phone_index = BlindIndexField(source="phone", normalise=only_digits, unique=True)
    motto = EncryptedTextField(max_length=500, default="", blank=True)

    class Meta:
        app_label = "shared_tests"
        db_table = "shared_tests_person"
