"""Uploaded spreadsheets at rest: sealed, bound to their name, not for ever."""

import os
import time

import pytest
from django.core.files.storage import default_storage

from crm.shared.encryption import DecryptionFailed
from crm.shared.sealed_uploads import LIFETIME, SealedUploads, drop_old_uploads

ROWS = "phone,name\r\n13911112222,王静\r\n"


@pytest.fixture(autouse=True)
def own_files(settings, tmp_path):
    settings.STORAGES = {
        **settings.STORAGES,
        "default": {
            "BACKEND": "django.core.files.storage.FileSystemStorage",
            "OPTIONS": {"location": str(tmp_path)},
        },
    }
    return tmp_path


def kept(data: bytes = b"\xef\xbb\xbf" + ROWS.encode(), mode: str = "r"):
    storage = SealedUploads(read_mode=mode, encoding="utf-8-sig")
    storage.save(data)
    return storage


def files(folder):
    return [path for path in folder.rglob("*") if path.is_file()]


def test_text_comes_back_as_text_and_bytes_as_bytes():
    again = SealedUploads(name=kept().name, read_mode="r", encoding="utf-8-sig")
    assert again.read() == ROWS.replace("\r\n", "\n")
    assert kept(b"PK\x00\xff", "rb").read() == b"PK\x00\xff"


def test_the_file_shows_nothing_and_goes(own_files):
    storage = kept()
    (file,) = files(own_files)
    assert b"13911112222" not in file.read_bytes()
    storage.remove()
    assert files(own_files) == []


def test_a_file_under_another_name_does_not_open(own_files):
    one, other = kept(), kept()
    (own_files / "uploads" / f"{one.name}.sealed").replace(
        own_files / "uploads" / f"{other.name}.sealed"
    )
    with pytest.raises(DecryptionFailed):
        other.read()
    with pytest.raises(FileNotFoundError):
        one.read()


def test_what_nobody_confirmed_is_dropped_by_the_next_upload(own_files):
    old, young = kept(), kept()
    long_ago = time.time() - LIFETIME.total_seconds() - 60
    os.utime(own_files / "uploads" / f"{old.name}.sealed", (long_ago, long_ago))
    assert drop_old_uploads() == 1
    assert not default_storage.exists(f"uploads/{old.name}.sealed")
    assert young.read()
