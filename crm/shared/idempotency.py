"""One effect and one answer, however often a request is repeated.

``@idempotent`` on a DRF handler method. The caller sends ``Idempotency-Key``; the key's
row is inserted first, in the same transaction as the effect, so a rival with the same
key waits on the unique index and then gets the stored answer, byte for byte.

What was decided is kept, a refusal (409, 422) as well as a success: a copy of the
request that was held up on the way may arrive after its caller heard "no" and went on,
and must not be obeyed then (ADR 0043). A refused request may be mended and sent with
its key again; as it was, it hears the same. Everything else (not valid, not signed in,
too often, still running, 5xx) undoes the transaction, key included.
"""

import functools
import hashlib
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import OperationalError, connection, transaction
from django.db.models.functions import Now
from django.http import HttpResponse
from django.utils.crypto import salted_hmac
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.exceptions import APIException

from crm.shared.bounded_json import BodyTooLarge
from crm.shared.collisions import in_transaction, is_lock_timeout
from crm.shared.errors import Refusal
from crm.shared.models import IdempotencyKey

HEADER = "Idempotency-Key"
REPLAYED = "Idempotency-Replayed"
KEPT_FOR = timedelta(days=7)
_KEY = re.compile(r"[\x21-\x7e]{1,255}")
_KEPT_HEADERS = ("Content-Type", "Content-Language", "Location", "ETag", "Link")
_FORGET_AT_ONCE = 5_000
_DECIDED = {409, 422}


class IdempotencyKeyRequired(APIException):
    """The Idempotency-Key header is missing."""

    status_code = 400
    default_detail = _("The Idempotency-Key header is missing.")
    default_code = "idempotency_key_required"


class IdempotencyKeyInvalid(APIException):
    """The Idempotency-Key header is not usable."""

    status_code = 400
    default_detail = _("Use 1 to 255 printable ASCII characters without spaces.")
    default_code = "idempotency_key_invalid"


class IdempotencyKeyReused(Refusal):
    """This Idempotency-Key was used for another request."""

    code = "idempotency_key_reused"
    status = 422
    message = _("This Idempotency-Key was used for another request.")


class IdempotencyInProgress(Refusal):
    """The first request with this Idempotency-Key is still running."""

    code = "idempotency_in_progress"
    message = _("The first request with this Idempotency-Key is still running.")
    headers = {"Retry-After": "1"}


def idempotent(handler: Callable | None = None, *, required: bool = False) -> Callable:
    """Make a DRF handler method safe to repeat.

    ``@idempotent`` accepts a key, ``@idempotent(required=True)`` demands one. The
    whole handler runs in one transaction, again after a deadlock: it must have no
    effect outside the database, says no by raising, and what must be kept although
    the request is refused (counting wrong guesses) belongs before it, in a throttle.
    """
    if handler is None:
        return functools.partial(idempotent, required=required)

    @functools.wraps(handler)
    def keyed(self: Any, request: Any, *args: Any, **kwargs: Any) -> Any:
        key = request.headers.get(HEADER)
        if key is None:
            if required:
                raise IdempotencyKeyRequired
            return handler(self, request, *args, **kwargs)
        if not _KEY.fullmatch(key):
            raise IdempotencyKeyInvalid
        caller, mark = caller_of(self, request), fingerprint(request)

        def once(work: Callable[[], Any]) -> Any:
            kept = _claim(caller, key, mark)
            if kept is not None:
                return _replayed(kept, mark)
            return _keep(self, request, caller, key, work())

        try:
            return in_transaction(
                lambda: once(lambda: handler(self, request, *args, **kwargs))
            )
        except Refusal as error:
            if not _is_decision(error):
                raise
            refusal = error
        # What was half done is undone. A rival may have come in between and succeeded:
        # then that is the answer of the key.
        return in_transaction(lambda: once(lambda: self.handle_exception(refusal)))

    describe = extend_schema(
        parameters=[
            OpenApiParameter(
                HEADER,
                str,
                OpenApiParameter.HEADER,
                required=required,
                description=_KEY_HELP,
            )
        ]
    )
    return describe(keyed)


_KEY_HELP = (
    "Any unique text of 1 to 255 characters, a UUID for choice. Repeating a request "
    "with its key returns the first answer and has no second effect. A refusal (409, "
    "422) is an answer, too: mend the request, or ask with a new key."
)


def _is_decision(refusal: Refusal) -> bool:
    """Whether it answers what was asked, and not how, when or by whom."""
    if isinstance(refusal, IdempotencyInProgress | IdempotencyKeyReused):
        return False
    return refusal.status in _DECIDED


def caller_of(view: Any, request: Any) -> str:
    """Return whose name space the key belongs to: a credential, a login, a place.

    A view that knows better defines ``idempotency_caller(request) -> str``.
    """
    if hasattr(view, "idempotency_caller"):
        return view.idempotency_caller(request)
    credential = getattr(request.auth, "public_id", None)
    if credential:
        return f"key:{credential}"
    if request.user is not None and request.user.is_authenticated:
        return f"user:{request.user.pk}"
    # Strangers must not be able to fetch one another's answers.
    place = request.META.get("REMOTE_ADDR", "")
    mark = salted_hmac(__name__, place, algorithm="sha256").hexdigest()[:32]
    return f"anonymous:{mark}"


def fingerprint(request: Any) -> bytes:
    """Return the SHA-256 of method, path, query and raw body.

    Raises:
        BodyTooLarge: the body exceeds what the API reads.
    """
    body = getattr(request, "raw_body", None)
    if body is None:
        declared = request.META.get("CONTENT_LENGTH") or "0"
        is_json = (request.content_type or "").startswith("application/json")
        limit = settings.API_MAX_BODY_BYTES
        if is_json and declared.isdecimal() and int(declared) > limit:
            raise BodyTooLarge
        body = request.body
    digest = hashlib.sha256()
    for part in (request.method.encode(), request.get_full_path().encode(), body):
        digest.update(len(part).to_bytes(8, "big") + part)
    return digest.digest()


_INSERT = """
INSERT INTO shared_idempotencykey (caller, key, fingerprint, headers, created_at)
VALUES (%(caller)s, %(key)s, %(mark)s, '{}', statement_timestamp())
ON CONFLICT (caller, key) DO NOTHING
"""
#: A request that was refused gives its key to another one, and never gets it back.
_TAKE_OVER = """
UPDATE shared_idempotencykey
   SET fingerprint = %(mark)s, refused = refused || fingerprint,
       status = NULL, body = NULL, headers = '{}', created_at = statement_timestamp()
 WHERE caller = %(caller)s AND key = %(key)s AND status >= 400
   AND fingerprint <> %(mark)s AND position(%(mark)s IN refused) = 0
"""


def _claim(caller: str, key: str, mark: bytes) -> IdempotencyKey | None:
    """Take the key; return the kept answer if it has one already.

    Waits for a rival that is still at work, up to the lock time-out.
    """
    names = {"caller": caller, "key": key, "mark": mark}
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            for taking in (_INSERT, _TAKE_OVER):
                cursor.execute(taking, names)
                if cursor.rowcount:
                    return None
    except OperationalError as error:
        if is_lock_timeout(error):
            raise IdempotencyInProgress from error
        raise
    kept = IdempotencyKey.objects.filter(caller=caller, key=key).first()
    if kept is None or kept.status is None:
        raise IdempotencyInProgress  # Swept in this very moment: ask again.
    return kept


def _replayed(kept: IdempotencyKey, mark: bytes) -> HttpResponse:
    if bytes(kept.fingerprint) != mark:
        raise IdempotencyKeyReused
    return HttpResponse(
        kept.body or "",
        status=kept.status,
        headers={**kept.headers, REPLAYED: "true"},
    )


def _keep(view: Any, request: Any, caller: str, key: str, answer: Any) -> Any:
    """Store the answer as it will leave the house."""
    answer = view.finalize_response(request, answer)
    if hasattr(answer, "render"):
        answer = answer.render()
    if get_language():
        answer.headers.setdefault("Content-Language", get_language())
    kept = {name: answer[name] for name in _KEPT_HEADERS if name in answer}
    claimed = IdempotencyKey.objects.get(caller=caller, key=key)
    claimed.status, claimed.headers = answer.status_code, kept
    claimed.body = answer.content.decode()
    claimed.save(update_fields=["status", "headers", "body"])
    return answer


def forget_old_keys() -> int:
    """Delete answers kept for longer than seven days; return how many."""
    forgotten = 0
    while True:
        old = IdempotencyKey.objects.filter(created_at__lt=Now() - KEPT_FOR)
        batch = old.order_by("created_at").values("pk")[:_FORGET_AT_ONCE]
        deleted, _rows = IdempotencyKey.objects.filter(pk__in=batch).delete()
        forgotten += deleted
        if deleted < _FORGET_AT_ONCE:
            return forgotten
