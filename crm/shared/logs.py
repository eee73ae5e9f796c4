"""Log lines: one event per line, without personal data and without locals.

Settings call :func:`logging_config` once. A line carries the time in UTC, the
level, the logger, the message, the request or task id, and those extra fields that
are on the list below; anything else handed to ``extra=`` is dropped.
"""

import json
import logging
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any

from celery import current_task
from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError

from crm.shared.errors import Refusal

#: What every line of the current request or task repeats.
_context: ContextVar[dict[str, Any] | None] = ContextVar("log_context", default=None)

#: The only extra fields a line may carry: names, counts and opaque ids.
FIELDS = frozenset(
    {
        "request_id",
        "task_id",
        "method",
        "route",
        "status",
        "ms",
        "queries",
        "user",
        "code",
        "fact",
        "delivery",
        "subscriber",
        "attempt",
        "job",
        "kind",
        "count",
        "task",
        "error",
        "event",
        "channel",
        "position",
        "digest",
    }
)
FORMATS = ("json", "text")
_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
_LONGEST_MESSAGE = 2_000
_EMAIL = re.compile(r"[^\s@<>\"'=(]+@[^\s@<>\"')]+")
_DIGITS = re.compile(r"\d{5,}")
_UNSAFE = re.compile(
    "[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)


def bind(**fields: Any) -> None:
    """Add fields to every later line of this request or task."""
    _context.set({**(_context.get() or {}), **fields})


def unbind() -> None:
    """Forget the fields of the request or task that has ended."""
    _context.set(None)


def bound(name: str) -> str:
    """Return a bound field such as ``request_id``, or ``""``."""
    return str((_context.get() or {}).get(name, ""))


@contextmanager
def bound_to(**fields: Any) -> Iterator[None]:
    """Add fields to the lines inside the block, then put the old ones back."""
    token = _context.set({**(_context.get() or {}), **fields})
    try:
        yield
    finally:
        _context.reset(token)


def one_line(text: str) -> str:
    """Escape line breaks, ANSI, direction marks and lone surrogates (ASVS 16.4.1)."""
    return _UNSAFE.sub(lambda found: f"\\u{ord(found.group()):04x}", text)


def describe(error: BaseException) -> str:
    """Say what went wrong in one line that holds no personal data.

    Database errors quote the offending row, so only their class, SQLSTATE and
    constraint are told. In other messages e-mail addresses and runs of five or
    more digits are masked and the rest cut at 200 characters.
    """
    name = type(error).__name__
    if isinstance(error, DatabaseError):
        cause = error.__cause__
        state = getattr(cause, "sqlstate", None) or "no sqlstate"
        diag = getattr(cause, "diag", None)
        rule = getattr(diag, "constraint_name", None)
        return f"{name} {state}" + (f" {rule}" if rule else "")
    if isinstance(error, Refusal):
        return f"{name} {error.code}"
    text = _DIGITS.sub("#####", _EMAIL.sub("<e-mail>", str(error)))
    return one_line(f"{name}: {text[:200]}" if text else name)


def traceback_lines(error: BaseException) -> list[str]:
    """Return where it happened, one ``file:line function`` per frame, outermost first.

    No locals, no source text, and messages only through :func:`describe`; causes
    follow, innermost last.
    """
    lines: list[str] = []
    seen: set[int] = set()
    current: BaseException | None = error
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        lines.append(describe(current))
        frame = current.__traceback__
        while frame is not None:
            code = frame.tb_frame.f_code
            lines.append(f"  {code.co_filename}:{frame.tb_lineno} {code.co_qualname}")
            frame = frame.tb_next
        current = current.__cause__ or (
            None if current.__suppress_context__ else current.__context__
        )
    return lines


def fields_of(record: logging.LogRecord) -> dict[str, Any]:
    """Return the allowed extra fields of a line, the bound ones included."""
    fields = dict(_context.get() or {})
    if current_task and current_task.request.id:
        fields.setdefault("task_id", current_task.request.id)
    fields.update({k: v for k, v in record.__dict__.items() if k in FIELDS})
    return {name: value for name, value in fields.items() if name in FIELDS}


def message_of(record: logging.LogRecord) -> str:
    """Return the message, safe on one line and cut at 2,000 characters."""
    return one_line(record.getMessage()[:_LONGEST_MESSAGE])


def _time(record: logging.LogRecord) -> str:
    at = datetime.fromtimestamp(record.created, UTC)
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


class JSONFormatter(logging.Formatter):
    """One JSON object per line, keys always in the same order."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line without its line break."""
        line: dict[str, Any] = {
            "at": _time(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": message_of(record),
            **fields_of(record),
        }
        error = record.exc_info[1] if record.exc_info else None
        if error is not None:
            line["exception"] = traceback_lines(error)
        return json.dumps(line, default=lambda value: one_line(str(value)))


class TextFormatter(logging.Formatter):
    """For people at a terminal: time, level, message, then ``name=value``."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line; an exception adds one indented line per frame."""
        fields = " ".join(
            f"{name}={one_line(str(value))}"
            for name, value in fields_of(record).items()
        )
        head = f"{_time(record)} {record.levelname:<7} {record.name}: "
        line = f"{head}{message_of(record)} {fields}".rstrip()
        error = record.exc_info[1] if record.exc_info else None
        if error is not None:
            line = "\n    ".join([line, *map(one_line, traceback_lines(error))])
        return line


def logging_config(format: str, *, level: str = "INFO") -> None:
    """Send every log line of this process to standard error in one format.

    Args:
        format: ``json`` for machines, ``text`` for terminals.
        level: the usual five names.

    Raises:
        ImproperlyConfigured: the format or the level is not known.
    """
    if format not in FORMATS:
        raise ImproperlyConfigured(f"CRM_LOG_FORMAT is {format!r}; use json or text.")
    level = level.upper()
    if level not in _LEVELS:
        raise ImproperlyConfigured(
            f"CRM_LOG_LEVEL is {level!r}; use one of {', '.join(_LEVELS)}."
        )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JSONFormatter() if format == "json" else TextFormatter())
    root = logging.getLogger()
    for ours in [h for h in root.handlers if getattr(h, "is_regulars", False)]:
        root.removeHandler(ours)
    handler.is_regulars = True  # type: ignore[attr-defined]
    root.addHandler(handler)
    root.setLevel(level)
    # SQL with its parameters would be personal data; 4xx have their access line.
    logging.getLogger("django.db.backends").setLevel(logging.WARNING)
    # At DEBUG it prints the context of a template, which holds whom a mail is for.
    logging.getLogger("django.template").setLevel(logging.INFO)
    logging.getLogger("django.request").setLevel(logging.ERROR)
    logging.getLogger("django.server").setLevel(logging.WARNING)
    # It names the credential of everybody who comes in by passkey.
    logging.getLogger("fido2").setLevel(logging.WARNING)
    for chatty in ("celery.worker.strategy", "celery.app.trace", "kombu", "amqp"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    logging.captureWarnings(True)
