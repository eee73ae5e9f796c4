"""Ask one configured host over HTTP, within bounds.

Made on ``http.client``: it follows no redirect, reads no proxy settings, keeps no
cookies and writes no addresses into logs, where secrets and codes would be.
"""

import http.client
import socket
import ssl
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from urllib.parse import urlencode, urlsplit

import certifi
from django.core.exceptions import ImproperlyConfigured

from members.rules.provider_answers import ProviderFailed

#: Seconds for the whole exchange, and the longest answer in bytes.
DEADLINE_SECONDS = 10.0
LONGEST_ANSWER = 64 * 1024
_LOOPBACK = {"127.0.0.1", "::1", "localhost"}


def ask(
    base: str,
    path: str,
    *,
    query: Mapping[str, str] | None = None,
    form: Mapping[str, str] | None = None,
) -> str:
    """Return the text of a 200 answer, read as UTF-8 whatever it says it is.

    Args:
        base: ``https://host`` from the settings; plain ``http`` only on this machine.
        path: of the resource.
        query: parameters of a GET.
        form: parameters of a POST instead.

    Raises:
        ProviderFailed: no answer in time, too long, compressed, not 200, not UTF-8.
        ImproperlyConfigured: ``base`` is not such an address.
    """
    connection, began = _connection(base), time.monotonic()
    try:
        connection.connect()
        left = DEADLINE_SECONDS - (time.monotonic() - began)
        with _cut_off_after(max(left, 0), connection.sock):
            status, encoding, body = _exchange(connection, path, query, form)
    except (OSError, http.client.HTTPException) as error:
        # "from None": the error's own text may hold what was sent.
        raise ProviderFailed(type(error).__name__) from None
    finally:
        connection.close()
    if status != http.HTTPStatus.OK:
        raise ProviderFailed(f"status {status}")
    if len(body) > LONGEST_ANSWER or encoding not in {"", "identity"}:
        raise ProviderFailed("answer too long or compressed")
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError:
        raise ProviderFailed("answer is not UTF-8") from None


def _connection(base: str) -> http.client.HTTPConnection:
    parts = urlsplit(base)
    host, port = parts.hostname or "", parts.port
    timeout = DEADLINE_SECONDS
    if parts.scheme == "https" and host:
        trusted = ssl.create_default_context(cafile=certifi.where())
        return http.client.HTTPSConnection(host, port, timeout=timeout, context=trusted)
    if parts.scheme == "http" and host in _LOOPBACK:
        return http.client.HTTPConnection(host, port, timeout=timeout)
    raise ImproperlyConfigured(f"{base} must be https://host.")


def _exchange(
    connection: http.client.HTTPConnection,
    path: str,
    query: Mapping[str, str] | None,
    form: Mapping[str, str] | None,
) -> tuple[int, str, bytes]:
    headers = {"Accept": "application/json", "Accept-Encoding": "identity"}
    if form is not None:
        headers["Content-Type"] = "application/x-www-form-urlencoded; charset=utf-8"
        connection.request("POST", path, urlencode(form).encode(), headers)
    else:
        connection.request("GET", f"{path}?{urlencode(query or {})}", None, headers)
    answer = connection.getresponse()
    encoding = (answer.getheader("Content-Encoding") or "").strip().lower()
    return answer.status, encoding, answer.read(LONGEST_ANSWER + 1)


@contextmanager
def _cut_off_after(seconds: float, sock: socket.socket) -> Iterator[None]:
    """End an exchange that takes too long; whoever reads then finds nothing more.

    A time-out per read is not enough: a byte a second would hold us for hours.
    """
    timer = threading.Timer(seconds, _cut_off, [sock])
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _cut_off(sock: socket.socket) -> None:
    # It may have ended by itself.
    with suppress(OSError):
        sock.shutdown(socket.SHUT_RDWR)
