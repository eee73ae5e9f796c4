"""JSON in and out of the API, within bounds.

In: at most ``API_MAX_BODY_BYTES`` bytes and ``API_MAX_DEPTH`` levels, no duplicate
keys, no NaN or Infinity, no integers beyond 64 bits, no control characters or lone
surrogates in text; fractions arrive as Decimal. Out: orjson, Decimal as text,
moments as RFC 3339 in UTC, days as YYYY-MM-DD.
"""

import codecs
import json
import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import orjson
from django.conf import settings
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from rest_framework import parsers, renderers
from rest_framework.exceptions import APIException, ParseError

#: Strings are taken whole, even unclosed ones, so the scan never goes back.
_TOKEN = re.compile(rb'"(?:[^"\\]++|\\(?:.|\Z))*+(?:"|\Z)|[\[{]|[\]}]', re.DOTALL)
#: What PostgreSQL cannot keep or nobody means to send; tab and line breaks may.
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")
_BIGGEST = 2**63 - 1
_MOST_DIGITS = 30


class BodyTooLarge(APIException):
    """The request body is larger than the API takes."""

    status_code = 413
    default_detail = _("The request body is too large.")
    default_code = "body_too_large"


class MalformedJSON(ParseError):
    """The request body is not JSON as this API takes it."""

    default_code = "malformed_json"

    def __init__(self, detail: Any = None, pointer: str = "") -> None:
        """Say what is wrong and, if known, where."""
        super().__init__(detail or _("The request body is not valid JSON."))
        self.pointer = pointer


def read_bounded(stream: Any, declared: str | None) -> bytes:
    """Return the whole body, reading at most one byte more than is allowed.

    Args:
        stream: where the body is read from.
        declared: the Content-Length header, refused unread if it is too high.

    Raises:
        BodyTooLarge: the body has more than ``API_MAX_BODY_BYTES`` bytes.
    """
    limit = settings.API_MAX_BODY_BYTES
    if declared and declared.isdecimal() and int(declared) > limit:
        raise BodyTooLarge
    body = stream.read(limit + 1)
    if len(body) > limit:
        raise BodyTooLarge
    return body


def loads(body: bytes) -> Any:
    """Return the value of a JSON text.

    Raises:
        MalformedJSON: it breaks JSON or one of the bounds of this module.
    """
    _check_depth(body)
    try:
        value = json.loads(
            codecs.decode(body, "utf-8"),
            parse_float=_decimal,
            parse_int=_integer,
            parse_constant=_refuse_constant,
            object_pairs_hook=_object,
        )
    except (ValueError, RecursionError) as error:
        raise MalformedJSON from error
    for pointer, text in _texts(value):
        if _FORBIDDEN.search(text):
            raise MalformedJSON(
                _("Text holds a character that is not allowed."), pointer
            )
    return value


def _check_depth(body: bytes) -> None:
    depth = 0
    for token in _TOKEN.finditer(body):
        first = token.group()[:1]
        if first in b"[{":
            depth += 1
            if depth > settings.API_MAX_DEPTH:
                raise MalformedJSON(_("The request body is nested too deeply."))
        elif first in b"]}":
            depth -= 1


def _decimal(text: str) -> Decimal:
    value = Decimal(text)
    if len(text) > 2 * _MOST_DIGITS or abs(value.adjusted()) > _MOST_DIGITS:
        raise MalformedJSON(_("A number is out of range."))
    return value


def _integer(text: str) -> int:
    if len(text) > _MOST_DIGITS or abs(int(text)) > _BIGGEST:
        raise MalformedJSON(_("A number is out of range."))
    return int(text)


def _refuse_constant(name: str) -> None:
    raise MalformedJSON(_("NaN and Infinity are not numbers here."))


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise MalformedJSON(_("An object names the same key twice."))
    return value


def _texts(value: Any) -> Iterator[tuple[str, str]]:
    """Yield every text of a value, keys included, with its JSON Pointer."""
    waiting: list[tuple[str, Any]] = [("", value)]
    while waiting:
        pointer, part = waiting.pop()
        if isinstance(part, str):
            yield pointer, part
        elif isinstance(part, dict):
            for name, inner in part.items():
                yield pointer, name
                waiting.append((f"{pointer}/{escape_pointer(name)}", inner))
        elif isinstance(part, list):
            waiting.extend((f"{pointer}/{i}", inner) for i, inner in enumerate(part))


def escape_pointer(name: str) -> str:
    """Return one step of a JSON Pointer (RFC 6901)."""
    return name.replace("~", "~0").replace("/", "~1")


class JSONParser(parsers.BaseParser):
    """Read a JSON request body within the bounds above."""

    media_type = "application/json"

    def parse(self, stream, media_type=None, parser_context=None):
        """Return the body's value; an empty body is an empty object."""
        request = (parser_context or {}).get("request")
        declared = request.META.get("CONTENT_LENGTH") if request else None
        body = read_bounded(stream, declared)
        if request is not None:
            request.raw_body = body  # Idempotency compares it; it is read only once.
        value = loads(body) if body.strip() else {}
        if not isinstance(value, dict | list):
            raise MalformedJSON(_("The request body must be an object or a list."))
        return value


def utc_text(moment: datetime) -> str:
    """Return a moment as RFC 3339 in UTC: ``2026-11-15T08:02:11Z``."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return utc_text(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Decimal | Promise):
        return str(value)
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, set | frozenset):
        return sorted(value)
    raise TypeError(f"{type(value).__name__} is not a JSON value")


def dumps(value: Any) -> bytes:
    """Return the JSON text of a value, UTF-8."""
    return orjson.dumps(value, default=_plain, option=orjson.OPT_PASSTHROUGH_DATETIME)


class JSONRenderer(renderers.BaseRenderer):
    """Write a JSON answer."""

    media_type = "application/json"
    format = "json"
    charset = None  # JSON is UTF-8; a charset parameter means nothing (RFC 8259).
    render_style = "binary"

    def render(self, data, accepted_media_type=None, renderer_context=None):
        """Return the answer's bytes; no data is no body."""
        return b"" if data is None else dumps(data)
