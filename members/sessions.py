"""Django's sessions in our own table: tokens hashed, contents encrypted.

``SESSION_ENGINE`` names this module. Sessions end on real time, not on the shop's
clock: moving that forward must not sign anybody out.
"""

import json
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends.base import CreateError, SessionBase, UpdateError
from django.db import IntegrityError, transaction
from django.db.models import F, Q
from django.db.models.functions import Least
from django.utils import timezone

from crm.shared.encryption import DecryptionFailed
from members.models import Session

#: Names inside a session.
STAFF, DEVICE, NETWORK = "_staff", "_device", "_network"
#: A session that was used moves its end on when this part of its rest is gone.
_MOVE_AFTER = 0.1


def key_mark(token: str) -> str:
    """Return what is kept of a token. It has 160 random bits: no salt is needed."""
    return sha256(token.encode()).hexdigest()


def lifetimes(*, staff: bool) -> tuple[timedelta, timedelta]:
    """Return how long a session lasts unused, and how long at most."""
    if staff:
        return settings.STAFF_SESSION_IDLE, settings.STAFF_SESSION_LONGEST
    return settings.MEMBER_SESSION_IDLE, settings.MEMBER_SESSION_LONGEST


class SessionStore(SessionBase):
    """One session, loaded when it is first asked for."""

    def load(self) -> dict[str, Any]:
        """Return what the session remembers; nothing when it is over."""
        now = timezone.now()
        row = (
            Session.objects.filter(
                session_key=key_mark(self.session_key or ""),
                expire_date__gt=now,
                ends_at__gt=now,
            )
            .only("session_key", "session_data", "expire_date", "ends_at")
            .first()
        )
        try:
            data = json.loads(row.session_data) if row else None
        except DecryptionFailed:  # its key was dropped: signed out, never an error
            data = None
        if data is None:
            self._session_key = None
            return {}
        self._move_end(row, data, now)
        return data

    def _move_end(self, row: Session, data: dict[str, Any], now: datetime) -> None:
        idle, _longest = lifetimes(staff=bool(data.get(STAFF)))
        if row.expire_date - now < idle * (1 - _MOVE_AFTER):
            Session.objects.filter(pk=row.pk).update(
                expire_date=min(now + idle, row.ends_at), seen_at=now
            )

    def exists(self, session_key: str) -> bool:
        """Return whether a token is taken."""
        return Session.objects.filter(session_key=key_mark(session_key)).exists()

    def create(self) -> None:
        """Write a new session under a fresh token."""
        while True:
            self._session_key = self._get_new_session_key()
            try:
                self.save(must_create=True)
            except CreateError:
                continue
            self.modified = True
            return

    def save(self, must_create: bool = False) -> None:
        """Write what the session remembers.

        Raises:
            CreateError: the token is taken.
            UpdateError: the session was ended meanwhile; it stays ended.
        """
        if self.session_key is None:
            self.create()
            return
        data = self._get_session(no_load=must_create)
        if must_create:
            self._insert(data)
        elif not self._update(data):
            raise UpdateError

    def _insert(self, data: dict[str, Any]) -> None:
        idle, longest = lifetimes(staff=bool(data.get(STAFF)))
        now = timezone.now()
        try:
            with transaction.atomic():
                Session.objects.create(
                    session_key=key_mark(self.session_key or ""),
                    session_data=json.dumps(data),
                    created_at=now,
                    seen_at=now,
                    expire_date=now + idle,
                    ends_at=now + longest,
                    **_shown(data),
                )
        except IntegrityError as taken:
            raise CreateError from taken

    def _update(self, data: dict[str, Any]) -> int:
        idle, longest = lifetimes(staff=bool(data.get(STAFF)))
        mark = key_mark(self.session_key or "")
        field: Any = Session._meta.get_field("session_data")
        ends_at = F("created_at") + longest
        return Session.objects.filter(session_key=mark).update(
            session_data=field.seal(mark, json.dumps(data)),
            expire_date=Least(timezone.now() + idle, ends_at),
            ends_at=ends_at,
            **_shown(data),
        )

    def delete(self, session_key: str | None = None) -> None:
        """End a session; ending it again is fine."""
        token = session_key or self.session_key
        if token:
            Session.objects.filter(session_key=key_mark(token)).delete()

    @classmethod
    def clear_expired(cls) -> None:
        """Delete what is over (``clearsessions`` and the hourly task call this)."""
        now = timezone.now()
        Session.objects.filter(Q(expire_date__lte=now) | Q(ends_at__lte=now)).delete()


def _shown(data: dict[str, Any]) -> dict[str, Any]:
    """Return what the list of devices shows."""
    return {
        "user_id": data.get(SESSION_KEY),
        "device": data.get(DEVICE, ""),
        "network": data.get(NETWORK, ""),
    }
