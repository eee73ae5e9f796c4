import json
import os
import stat
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pytest

from crm.shared.keyring import KeyringError, load_keyring, new_key
from tests.shared.conftest import INDEX_KEYS, KEYS, written

ONE, TWO = written(1, KEYS[1]), written(2, KEYS[2])
INDEX = written(1, INDEX_KEYS[1])


def load(keys="", index_keys="", file=Path("/nonexistent/keys.json"), may_create=False):
    return load_keyring(
        keys=keys, index_keys=index_keys, file=file, may_create=may_create
    )


def test_the_first_key_writes_and_all_read():
    ring = load(f"{TWO}, {ONE}", INDEX)
    assert (ring.primary, ring.index_primary) == (2, 1)
    assert ring.keys == {2: KEYS[2], 1: KEYS[1]}
    assert list(ring.keys) == [2, 1]
    assert ring.index_keys == {1: INDEX_KEYS[1]}


def test_repr_shows_no_key():
    shown = repr(load(ONE, INDEX))
    assert shown == "Keyring(primary=1, index_primary=1)"


@pytest.mark.parametrize(
    ("_case", "keys", "index_keys", "named"),
    [
        ("only one variable", ONE, "", "CRM_INDEX_KEYS is not set"),
        ("only the other", "", INDEX, "CRM_ENCRYPTION_KEYS is not set"),
        ("neither, no file", "", "", "CRM_ENCRYPTION_KEYS and CRM_INDEX_KEYS are not"),
        ("no number", KEYS[1].hex(), INDEX, "CRM_ENCRYPTION_KEYS: entry 1"),
        ("empty entry", f"{ONE},", INDEX, "CRM_ENCRYPTION_KEYS: entry 2"),
        ("number zero", written(0, KEYS[1]), INDEX, "CRM_ENCRYPTION_KEYS: key numbers"),
        ("number 256", written(256, KEYS[1]), INDEX, "CRM_ENCRYPTION_KEYS: key num"),
        ("odd digits", "²:" + ONE[2:], INDEX, "CRM_ENCRYPTION_KEYS: entry 1"),
        ("not base64", "1:!!!!", INDEX, "CRM_ENCRYPTION_KEYS: key 1 is not base64"),
        ("too short", written(1, KEYS[1][:31]), INDEX, "key 1 has 31 bytes"),
        ("too long", ONE, written(1, b"x" * 33), "CRM_INDEX_KEYS: key 1 has 33 bytes"),
        ("number twice", f"{ONE},{written(1, KEYS[2])}", INDEX, "key 1 is there twice"),
        ("key twice", f"{ONE},{written(2, KEYS[1])}", INDEX, "key 2 is there twice"),
        ("same for both", ONE, written(9, KEYS[1]), "CRM_INDEX_KEYS repeats a key"),
    ],
)
def test_a_bad_value_is_one_sentence_that_names_the_variable(
    _case, keys, index_keys, named
):
    with pytest.raises(KeyringError) as refused:
        load(keys, index_keys)
    message = str(refused.value)
    assert named in message
    assert "\n" not in message
    for secret in (ONE[2:], INDEX[2:], KEYS[1].hex()):
        assert secret not in message


def test_makes_a_private_file_once_and_reads_it_again(tmp_path):
    file = tmp_path / "deep" / "keys.json"
    ring = load(file=file, may_create=True)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert os.listdir(file.parent) == ["keys.json"]
    assert load(file=file, may_create=True) == ring
    assert load(file=file, may_create=False) == ring
    assert ring.keys[1] != ring.index_keys[1]


def test_variables_win_over_the_file(tmp_path):
    file = tmp_path / "keys.json"
    load(file=file, may_create=True)
    assert load(ONE, INDEX, file).keys == {1: KEYS[1]}


@pytest.mark.parametrize(
    "content", ["", "{", "[]", "{}", '{"keys": 1, "index_keys": 2}', "\udcff"]
)
def test_a_broken_file_stops_the_start_and_is_left_alone(tmp_path, content):
    file = tmp_path / "keys.json"
    file.write_text(content, errors="surrogateescape")
    before = file.read_bytes()
    with pytest.raises(KeyringError, match="keys.json cannot be read"):
        load(file=file, may_create=True)
    assert file.read_bytes() == before


def test_a_bad_key_in_the_file_names_the_file(tmp_path):
    file = tmp_path / "keys.json"
    file.write_text(json.dumps({"keys": "1:QUJD", "index_keys": INDEX}))
    with pytest.raises(KeyringError, match=r"keys in .*keys.json: key 1 has 3 bytes"):
        load(file=file)


def _first_start(file):
    return load(file=file, may_create=True)


def test_processes_that_start_together_agree(tmp_path):
    files = [tmp_path / "keys.json"] * 16
    with ProcessPoolExecutor(4) as pool:
        rings = list(pool.map(_first_start, files))
    assert all(ring == rings[0] for ring in rings)
    assert os.listdir(tmp_path) == ["keys.json"]


def test_new_keys_differ_and_load():
    first, second = new_key(1), new_key(2)
    assert first[2:] != second[2:]
    assert set(load(f"{second},{first}", INDEX).keys) == {1, 2}
