"""Django's sessions in our own table: tokens hashed, contents encrypted.

``SESSION_ENGINE`` names this module. Sessions end on real time, not on the shop's
clock: moving that forward must not sign anybody out.
"""

import json
from collections.abc import Sequence
from datetime import timedelta
from hashlib import sha256
from typing import Any

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends.base import CreateError, SessionBase, UpdateError
from django.db import IntegrityError, transaction
from django.db.models import F, Q
from django.db.models.functions import Least
from django.utils import timezone
from django.utils.crypto import constant_time_compare

from crm.shared.encryption import DecryptionFailed
from crm.shared.fields import Sealed
from crm.shared.planned import planned_cursor
from crm.shared.whole_rows import Columns
from members.models import Member, Session, User

#: Names inside a session.
STAFF, DEVICE, NETWORK = "_staff", "_device", "_network"
#: A session that was used moves its end on when this part of its rest is gone.
_MOVE_AFTER = 0.1
_DATA: Any = Session._meta.get_field("session_data")
_USER, _MEMBER = Columns(User, "u"), Columns(Member, "m")
#: Who asks, in one statement: of every request it is the first.
_OPEN = f"""
SELECT s.session_data, s.expire_date, s.ends_at, {_USER.text}, {_MEMBER.text}
  FROM members_session s
  LEFT JOIN members_user u ON u.id = s.user_id
  LEFT JOIN members_member m ON m.user_id = u.id
 WHERE s.session_key = %(mark)s AND s.expire_date > %(now)s AND s.ends_at > %(now)s
"""  # noqa: S608


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

    #: Columns of the login and of its member, as they were read with the session.
    _who: Sequence[Any] = ()

    def load(self) -> dict[str, Any]:
        """Return what the session remembers; nothing when it is over."""
        now = timezone.now()
        mark = key_mark(self.session_key or "")
        with planned_cursor() as cursor:
            cursor.execute(_OPEN, {"mark": mark, "now": now})
            row = cursor.fetchone()
        data = _opened(row[0], mark) if row else None
        if data is None:
            self._session_key = None
            return {}
        _sealed, expires, ends, *self._who = row
        idle, _longest = lifetimes(staff=bool(data.get(STAFF)))
        if expires - now < idle * (1 - _MOVE_AFTER):
            Session.objects.filter(session_key=mark).update(
                expire_date=min(now + idle, ends), seen_at=now
            )
        return data

    def signed_in(self) -> User | None:
        """Return who is signed in, with their member, of one look at the session.

        Whoever this returns ``django.contrib.auth.get_user`` returns, too. None means
        that it has to be asked: nobody is signed in, the login is disabled, or what the
        session remembers is not of its present password.
        """
        data = self._get_session()
        user = _USER.row(self._who[: len(_USER)]) if self._who else None
        if user is None or not _may_be(data, user) or not self._vouches(user):
            return None
        member = _MEMBER.row(self._who[len(_USER) :])
        User.member.related.set_cached_value(user, member)
        if member is not None:
            Member.user.field.set_cached_value(member, user)
        return user

    def _vouches(self, user: User) -> bool:
        """Tell whether the session was opened with the present password of a login.

        What a former key of the shop signed is signed by the newest from now on. Django
        would change the token as well, of which an app would never hear.
        """
        signed = self.get(HASH_SESSION_KEY) or ""
        newest = user.get_session_auth_hash()
        if constant_time_compare(signed, newest):
            return True
        former = user.get_session_auth_fallback_hash()
        if not any(constant_time_compare(signed, each) for each in former):
            return False
        self[HASH_SESSION_KEY] = newest
        try:
            self.save()
        except UpdateError:  # It was ended meanwhile.
            return False
        return True

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
        ends_at = F("created_at") + longest
        return Session.objects.filter(session_key=mark).update(
            session_data=_DATA.seal(mark, json.dumps(data)),
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


def _opened(blob: bytes, mark: str) -> dict[str, Any] | None:
    try:
        return json.loads(Sealed(blob, _DATA.context).reveal(mark))
    except DecryptionFailed:  # its key was dropped: signed out, never an error
        return None


def _may_be(data: dict[str, Any], user: User) -> bool:
    """Tell whether a session is of this login, which may come in this way."""
    return (
        user.is_active
        and data.get(SESSION_KEY) == str(user.pk)
        and data.get(BACKEND_SESSION_KEY) in settings.AUTHENTICATION_BACKENDS
    )


def _shown(data: dict[str, Any]) -> dict[str, Any]:
    """Return what the list of devices shows."""
    return {
        "user_id": data.get(SESSION_KEY),
        "device": data.get(DEVICE, ""),
        "network": data.get(NETWORK, ""),
    }
