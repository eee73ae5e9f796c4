"""Every operation of both APIs is sent what nobody should send.

Addresses, questions and bodies come from the published descriptions, so no operation
can be forgotten. Whatever is sent is answered: never by a failure of the server, and
a refusal by a problem document.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from django.core.cache import cache
from django.db import transaction
from rest_framework.test import APIClient

from crm.shared.clock import now
from crm.shared.server_keys import make_server_key
from crm.wiring import SERVER_SCOPES
from tests.api.world import client_of

pytestmark = pytest.mark.slow

TEXTS = [
    *("", " ", "x", "茶", "0", "-1", "1.5", "NaN", "1e400", "9" * 400, "x" * 5_000),
    *("\x00", "a\x00b", "\u202e", "2026-13-45", "0001-01-01T00:00:00+14:00"),
    "9999-12-31T23:59:59-14:00",
]
VALUES = [
    *TEXTS,
    *(None, True, 0, -1, 1.5, 2**63, 10**30, "\ud800"),
    *([], {}, [None], [[]], {"": None}, [{}] * 3, {"amount": "x", "currency": 7}),
]
BODIES = [b"", b"{", b"null", b"[]", b'"x"', b"1", b"NaN", b"\xff", b"[" * 3_000]
#: Of the values, every so manieth is put into a place; the next place gets others.
STEP = 4


@dataclass(frozen=True)
class Bad:
    """A request nobody should make."""

    path: str
    question: dict[str, Any] | None = None
    body: bytes | None = None

    def sent_by(self, client, method: str):
        """Return its answer; what it wrote is rolled back."""
        with transaction.atomic():
            answer = client.generic(
                method.upper(),
                f"{self.path}?{urlencode(self.question or {})}",
                self.body or b"",
                content_type="application/json",
                headers={"Idempotency-Key": "bad"},
            )
            transaction.set_rollback(True)
        return answer


def sample(schema: dict, parts: dict) -> Any:
    """Return a value that a description allows."""
    if "$ref" in schema:
        return sample(parts[schema["$ref"].rsplit("/", 1)[1]], parts)
    for several in ("allOf", "oneOf", "anyOf"):
        if several in schema:
            return sample(schema[several][0], parts)
    if "enum" in schema:
        return schema["enum"][0]
    if schema.get("type") == "object":
        fields = schema.get("properties", {})
        return {name: sample(fields[name], parts) for name in fields}
    if schema.get("type") == "array":
        return [sample(schema["items"], parts)]
    if schema.get("type") in {"integer", "number"}:
        return schema.get("minimum", 1)
    days = {"date": "2026-06-01", "date-time": "2026-06-01T00:00:00Z"}
    return schema.get("type") == "boolean" or days.get(schema.get("format", ""), "1")


def spoilt(value: Any, place: Iterator[int]) -> Iterator[Any]:
    """Yield a value with something wrong in one place, for each place."""
    yield from VALUES[next(place) % STEP :: STEP]
    if isinstance(value, dict):
        yield value | {"nobody_asked": 1}
        for name in value:
            yield {other: value[other] for other in value if other != name}
            for wrong in spoilt(value[name], place):
                yield value | {name: wrong}
    elif isinstance(value, list):
        for wrong in spoilt(value[0], place):
            yield [wrong]


def bad_requests(path: str, operation: dict, parts: dict, ids: dict) -> Iterator[Bad]:
    """Yield every bad request to an operation."""
    place = count()
    names = re.findall(r"\{(\w+)\}", path)
    fine = path.format(**{name: ids.get(name, "1") for name in names})
    for name in names:
        for wrong in filter(str.strip, TEXTS[next(place) % STEP :: STEP]):
            known = {each: ids.get(each, "1") for each in names}
            yield Bad(path.format(**known | {name: quote(wrong, safe="")}))
    yield Bad(fine, {"nobody_asked": 1})
    for asked in operation.get("parameters", []):
        if asked["in"] == "query":
            for wrong in TEXTS[next(place) % STEP :: STEP]:
                yield Bad(fine, {asked["name"]: wrong})
    content = operation.get("requestBody", {}).get("content", {})
    if "application/json" in content:
        whole = sample(content["application/json"]["schema"], parts)
        for body in (whole, *spoilt(whole, place)):
            yield Bad(fine, body=json.dumps(body).encode())
        for raw in BODIES:
            yield Bad(fine, body=raw)


def not_answered(client, schema: str, ids: dict) -> list:
    """Return the bad requests that no problem document answered, and how many were."""
    client.raise_request_exception = False
    described = APIClient().get(f"{schema}?format=json").json()
    wrong, asked = [], 0
    for path, methods in described["paths"].items():
        for method, operation in methods.items():
            parts = described["components"]["schemas"]
            cache.clear()  # Nobody is asked to come back later.
            for bad in bad_requests(path, operation, parts, ids):
                answer = bad.sent_by(client, method)
                asked += 1
                told = answer.get("Content-Type", "").split(";")[0]
                refused = answer.status_code >= 400
                if answer.status_code >= 500 or (
                    refused and told != "application/problem+json"
                ):
                    wrong.append((method, bad, answer.status_code))
    assert asked > 10 * len(described["paths"])
    return wrong


def test_the_storefront_answers_whatever_it_is_sent(alice, world):
    ids = {name: str(value) for name, value in world.items()}
    assert not not_answered(client_of(alice), "/api/storefront/v1/schema", ids)


def test_the_server_api_answers_whatever_it_is_sent(alice, world):
    _key, secret = make_server_key(
        name="ERP", scopes=list(SERVER_SCOPES), actor="test", now=now()
    )
    client = APIClient(headers={"Authorization": f"Bearer {secret}"})
    ids = {"member_id": alice.public_id, "source": "erp", "external_ref": "17"}
    assert not not_answered(client, "/api/server/v1/schema", ids)
