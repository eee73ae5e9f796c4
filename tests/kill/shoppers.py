"""Clients that buy until told to stop, and insist on a definite answer.

Every order has one idempotency key. An answer that is no answer (a reset, a time-out,
5xx) is asked for again with the same key; a finished call is repeated now and then.
"""

import hashlib
import hmac
import http.client
import json
import random
import threading
import time
import urllib.error
import urllib.request
import uuid

from tests.kill.house import SECRET_KEY, House

API = "/api/storefront/v1"
#: Longest that one call may take to become definite, seconds.
PATIENCE = 90


class Shopper(threading.Thread):
    """One member who buys, pays, and repeats themselves."""

    #: How long they wait for an answer before they ask again, seconds.
    WAITS = 20

    def __init__(self, house: House, token: str, skus: list[str], seed: int):
        super().__init__(daemon=True)
        self.house, self.token, self.skus = house, token, skus
        self.chance = random.Random(seed)
        self.halt = threading.Event()
        #: Key -> order number, for every checkout that was acknowledged.
        self.placed: dict[str, str] = {}
        self.paid: set[str] = set()
        self.problems: list[str] = []
        self.retries = 0
        #: Of those, how often nothing came for as long as they wait.
        self.timeouts = 0

    def run(self) -> None:
        """Buy until halted; a problem ends it and is kept."""
        try:
            while not self.halt.is_set():
                self.buy()
        except Exception as problem:
            self.problems.append(repr(problem))

    def buy(self) -> None:
        """One order from empty cart to paid, with repeats."""
        cart = self.call("POST", f"{API}/carts", {}, key=str(uuid.uuid4()))
        item = {"sku": self.chance.choice(self.skus), "quantity": 1}
        path = f"{API}/carts/{cart['id']}"
        cart = self.call("POST", f"{path}/items", item, key=str(uuid.uuid4()))
        wanted = {"expected_total": cart["totals"]["total"]}
        key = str(uuid.uuid4())
        order = self.call("POST", f"{path}/checkout", wanted, key=key)
        if self.chance.random() < 0.3:
            again = self.call("POST", f"{path}/checkout", wanted, key=key)
            assert again["id"] == order["id"], "a repeat made another order"
        self.placed[key] = order["id"]
        payment = self.call(
            "POST", f"{API}/orders/{order['id']}/payments", {"provider": "test"}
        )
        for _ in range(self.chance.choice([1, 1, 2, 3])):
            self.notify(payment["id"], payment["amount"])
        self.paid.add(order["id"])

    def notify(self, payment_id: str, total: dict) -> None:
        """Be the gateway: tell the shop, signed, that the money came."""
        message = {
            "amount_minor": int(total["amount"].replace(".", "")),
            "currency": total["currency"],
            "event_id": f"{payment_id}:captured",
            "kind": "captured",
            "payment_id": payment_id,
            "reference": f"test_{payment_id}",
        }
        body = json.dumps(message, separators=(",", ":"), sort_keys=True).encode()
        secret = hashlib.sha256(b"orders.providers.test:" + SECRET_KEY.encode())
        signed = hmac.new(secret.digest(), body, hashlib.sha256).hexdigest()
        self.call(
            "POST",
            "/api/payments/test/callbacks",
            body,
            headers={"X-Payment-Signature": f"v1={signed}"},
        )

    def call(self, method, path, body, *, key="", headers=None) -> dict:
        """Ask until the answer is definite; return a 2xx body."""
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.house.port}{path}", data=raw, method=method
        )
        request.add_header("Content-Type", "application/json")
        if headers is None:
            request.add_header("X-Session-Token", self.token)
        for name, value in (headers or {}).items():
            request.add_header(name, value)
        if key:
            request.add_header("Idempotency-Key", key)
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            try:
                return self.definite(path, request)
            except TimeoutError:
                self.timeouts += 1
            except (OSError, http.client.HTTPException, json.JSONDecodeError):
                pass  # nobody there, or cut off in the middle of an answer
            self.retries += 1
            time.sleep(0.2)
        raise AssertionError(f"{path}: no definite answer in {PATIENCE} s")

    def definite(self, path: str, request: urllib.request.Request) -> dict:
        """Return an answer, or fail with a refusal that asking again cannot change."""
        try:
            with urllib.request.urlopen(request, timeout=self.WAITS) as answer:
                return json.loads(answer.read() or b"{}")
        except urllib.error.HTTPError as refusal:
            text = refusal.read().decode(errors="replace")
            in_progress = "idempotency_in_progress" in text
            if refusal.code < 500 and not in_progress:
                raise AssertionError(f"{path}: {refusal.code} {text}") from None
            raise
