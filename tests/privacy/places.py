"""Everywhere a value could have come to rest: read as bytes, to be searched."""

import base64
import io
import logging
import pickle
import re
import zipfile
from pathlib import Path

from django.apps import apps
from django.conf import settings
from django.core.cache import cache
from django.db import models
from kombu.transport.memory import Channel

from crm.shared.blind_index import (
    column_context,
    fingerprints,
    token_fingerprints,
)
from crm.shared.fields import BlindIndexField, BlindTokensField
from crm.shared.rotation import encrypted_fields, sealed_models
from members.models import Session
from tests.members.people import dump


class Listener(logging.Handler):
    """Keeps every record of every logger as our formatter would write it."""

    def __init__(self):
        super().__init__(logging.DEBUG)
        self.lines = []

    def emit(self, record):
        self.lines.append(self.format(record))


def everywhere(listener: Listener, folders: list[Path]) -> dict[str, bytes]:
    """Return place -> content: every column, log, broker, cache, session, file."""
    places = dump()
    places["logs"] = "\n".join(listener.lines).encode()
    places["broker"] = _broker()
    places["cache"] = pickle.dumps(getattr(cache, "_cache", {}))
    places["sessions"] = str([s.session_data for s in Session.objects.all()]).encode()
    for folder in folders:
        for path in folder.rglob("*"):
            if path.is_file():
                places[f"file {path.name}"] = unpacked(path.read_bytes())
    return places


def unpacked(content: bytes) -> bytes:
    """Return the content, and what is inside when it is a ZIP file."""
    if not content.startswith(b"PK"):
        return content
    files = zipfile.ZipFile(io.BytesIO(content))
    return content + b"\n".join(files.read(name) for name in files.namelist())


def _broker() -> bytes:
    """Return what waits in the broker of the tests, bodies decoded."""
    waiting = [message for queue in Channel.queues.values() for message in queue.queue]
    text = str(waiting)
    bodies = re.findall(r"'body': '([A-Za-z0-9+/=]+)'", text)
    return text.encode() + b"\n".join(base64.b64decode(body) for body in bodies)


def opened() -> dict[str, bytes]:
    """Return every sealed column of the database in clear."""
    found = {}
    for model in sealed_models():
        for column in encrypted_fields(model):
            texts = [
                getattr(row, column.name) or "" for row in model._base_manager.all()
            ]
            found[f"opened {model._meta.label}.{column.name}"] = "\n".join(
                texts
            ).encode()
    return found


def marks_of(values: list[str]) -> set[bytes]:
    """Return every fingerprint under which one of ``values`` could be indexed.

    Parts of names are left out where they are short: others share them.
    """
    marks: set[bytes] = set()
    for index in blind_indexes():
        place = column_context(index)
        for value in values:
            if isinstance(index, BlindTokensField):
                longest = max(index.parts(value), key=len, default="")
                if len(longest) > 6:
                    marks |= set(token_fingerprints([longest], place))
            elif index.column != "phone_tail_index" and index.normalised(value):
                marks |= set(fingerprints(index.normalised(value), place))
    return marks


def blind_indexes() -> list[models.Field]:
    """Return every blind index of the house."""
    return [
        field
        for model in apps.get_models()
        if model._meta.managed
        for field in model._meta.local_concrete_fields
        if isinstance(field, BlindIndexField | BlindTokensField)
        and not model._meta.app_label.endswith("_tests")
    ]


def data_folders(tmp_path: Path) -> list[Path]:
    """Return the folders in which anything of the house may be written."""
    return [tmp_path, Path(settings.DATA_DIR)]
