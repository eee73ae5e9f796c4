"""Where an uploaded spreadsheet waits between the trial run and the import.

It may be full of people, so it is sealed, and it does not wait for ever.
"""

import io
import uuid
from datetime import timedelta

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.utils import timezone
from import_export.tmp_storages import BaseStorage

from crm.shared.encryption import decrypt_bytes, encrypt_bytes

FOLDER = "uploads"
#: How long staff may look at a trial run.
LIFETIME = timedelta(hours=24)


class SealedUploads(BaseStorage):
    """Temporary storage of django-import-export: sealed files in default storage."""

    def save(self, data: bytes) -> None:
        """Seal the file under a name nobody can guess; drop what waited too long."""
        drop_old_uploads()
        self.name = uuid.uuid4().hex
        sealed = encrypt_bytes(data, _place(self.name))
        default_storage.save(_path(self.name), ContentFile(sealed))

    def read(self) -> str | bytes:
        """Return the content as the file's format wants it.

        Raises:
            FileNotFoundError: it was dropped.
            DecryptionFailed: it is not the file that was sealed under this name.
        """
        with default_storage.open(_path(self.name)) as file:
            content = decrypt_bytes(file.read(), _place(self.name))
        if "b" in self.read_mode:
            return content
        return io.TextIOWrapper(io.BytesIO(content), self.encoding or "utf-8").read()

    def remove(self) -> None:
        """Delete the file."""
        default_storage.delete(_path(self.name))


def drop_old_uploads() -> int:
    """Delete files whose trial run nobody confirmed in time; return how many."""
    if not default_storage.exists(FOLDER):
        return 0
    # Real time, as the file system's: the shop's clock does not move files.
    oldest = timezone.now() - LIFETIME
    _folders, names = default_storage.listdir(FOLDER)
    old = [
        f"{FOLDER}/{name}"
        for name in names
        if default_storage.get_modified_time(f"{FOLDER}/{name}") < oldest
    ]
    for path in old:
        default_storage.delete(path)
    return len(old)


def _path(name: str) -> str:
    return f"{FOLDER}/{name}.sealed"


def _place(name: str) -> str:
    return f"uploads|{name}"
