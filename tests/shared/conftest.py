import base64

import pytest
from django.db import connection

from crm.shared.keyring import Keyring
from tests.shared.people import Person

KEYS = {number: bytes([number]) * 32 for number in (1, 2, 3)}
INDEX_KEYS = {number: bytes([100 + number]) * 32 for number in (1, 2, 3)}


@pytest.fixture
def people(db):
    """The Person model with its table, inside the test's transaction."""
    with connection.schema_editor() as editor:
        editor.create_model(Person)
    return Person


@pytest.fixture
def use_keys(settings):
    """Call it to set the key ring; the first number of each writes."""

    def use(keys=(1,), index_keys=(1,)):
        settings.KEYRING = Keyring(
            primary=keys[0],
            index_primary=index_keys[0],
            keys={number: KEYS[number] for number in keys},
            index_keys={number: INDEX_KEYS[number] for number in index_keys},
        )

    use()
    return use


def written(number: int, key: bytes) -> str:
    return f"{number}:{base64.b64encode(key).decode()}"
