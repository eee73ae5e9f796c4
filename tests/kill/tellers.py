"""Clients that move points until told to stop, and write down every answer.

All of them work on the same few accounts, by the server API as a till does and by the
storefront as the members do. Each request has its key, and is asked again with that key
until the answer is definite; one in ten is repeated after its answer.
"""

import json
import os
import signal
import subprocess
import threading
import urllib.error
import urllib.request
import uuid
from dataclasses import dataclass, field

from tests.kill.house import House
from tests.kill.judging import ANY, Deed, Gift, Read
from tests.kill.shoppers import API, Shopper

SERVER = "/api/server/v1"


@dataclass
class Account:
    """A member the tellers work for; ``written`` only grows."""

    pk: int
    id: str
    number: str
    token: str
    #: Entries that answers told of, in the order of the answers.
    written: list[str] = field(default_factory=list)


@dataclass
class History:
    """What all tellers were told."""

    deeds: list[Deed] = field(default_factory=list)
    gifts: list[Gift] = field(default_factory=list)
    reads: list[Read] = field(default_factory=list)
    thawed: list[str] = field(default_factory=list)
    cancelled: list[str] = field(default_factory=list)
    refused: int = 0


class Refused(Exception):
    """The shop said no: nothing was written."""


class Teller(Shopper):
    """One client that does everything, by chance."""

    #: Shorter than any pause of the house.
    WAITS = 4

    def __init__(
        self,
        house: House,
        accounts: list[Account],
        planted: dict,
        history: History,
        seed: int,
    ):
        super().__init__(house, "", ["K-0"], seed)
        self.accounts, self.history = accounts, history
        self.secret, self.reward = planted["secret"], planted["reward"]
        #: Sessions of members who buy the plan, one after the other.
        self.subscribers = list(planted["subscribers"][seed :: planted["tellers"]])
        self.done = 0

    def run(self) -> None:
        """Work until halted, then sell the plans left; a problem is kept."""
        deeds = 3 * [self.grant, self.spend, self.read] + 2 * [self.freeze]
        deeds += [self.revoke, self.give, self.redeem, self.order]
        try:
            while not self.halt.is_set():
                try:
                    self.chance.choice(deeds)(self.chance.choice(self.accounts))
                except Refused:
                    self.history.refused += 1
                self.done += 1
                if self.subscribers and self.done % 40 == 0:
                    self.subscribe(self.subscribers.pop())
            while self.subscribers:
                self.subscribe(self.subscribers.pop())
        except Exception as problem:
            self.problems.append(repr(problem))

    # --- As a till does -----------------------------------------------------------

    def till(self, account: Account, **body) -> dict:
        """POST a movement by the server API; return its receipt."""
        path = f"{SERVER}/members/{account.id}/points/entries"
        receipt = self.keyed(path, body | {"reason": "kill test"}, till=True)
        entry = receipt["entry"]
        if entry is not None:
            account.written.append(entry["id"])
        return receipt

    def move(self, account: Account, kind: str, points: int) -> str:
        """Grant or spend; return the entry."""
        source = str(uuid.uuid4())
        told = self.till(account, kind=kind, points=points, source=source)["entry"]
        self.note(account, kind, f"server:{source}", told["delta"])
        return told["id"]

    def grant(self, account: Account) -> None:
        """Give points."""
        self.move(account, "grant", self.chance.randint(50, 600))

    def spend(self, account: Account) -> None:
        """Take points, perhaps more than there are."""
        self.move(account, "spend", self.chance.randint(1, 500))

    def freeze(self, account: Account) -> None:
        """Set points aside, then let them go."""
        points = self.chance.randint(1, 300)
        freeze = self.till(
            account, kind="freeze", points=points, source=str(uuid.uuid4())
        )["freeze"]
        self.till(account, kind="unfreeze", freeze=freeze["id"])
        self.history.thawed.append(freeze["id"])

    def revoke(self, account: Account) -> None:
        """Give points and take them back."""
        points = self.chance.randint(50, 300)
        granted = self.move(account, "grant", points)
        self.till(account, kind="revoke", entry=granted)
        self.note(account, "claw_back", f"revoke:{granted}", -points)

    def read(self, account: Account) -> None:
        """Read the newest movements; the judge says whether they were stale."""
        known = list(account.written)
        path = f"{SERVER}/members/{account.id}/points/entries"
        newest = self.call("GET", path, {}, headers=self.bearer)["data"]
        shown = newest[0]["id"] if newest else ""
        self.history.reads.append(Read(account.id, known, shown))

    # --- As a member does ---------------------------------------------------------

    def give(self, account: Account) -> None:
        """Pass points on to another account."""
        taker = self.chance.choice([each for each in self.accounts if each != account])
        points = self.chance.randint(1, 300)
        body = {"to": taker.number, "points": points}
        self.token = account.token
        self.keyed(f"{API}/me/points/transfers", body)
        self.history.gifts.append(Gift(account.id, taker.id, points))

    def redeem(self, account: Account) -> None:
        """Take a reward for points; give every second one back."""
        self.token = account.token
        path = f"{API}/rewards/{self.reward['id']}/redemptions"
        got = self.keyed(path, {"expected_points": self.reward["points"]})
        self.note(account, "spend", f"reward:{got['id']}", -got["points"])
        if self.chance.random() < 0.5:
            self.keyed(f"{API}/me/redemptions/{got['id']}/cancellation", {})
            self.note(account, "return", f"reward:{got['id']}", ANY)

    def order(self, account: Account) -> None:
        """Order with points: they are held, then spent or let go."""
        self.token = account.token
        path = self.fill_cart("K-0")
        wish = {"points": 100 * self.chance.randint(1, 5)}
        cart = self.call("PUT", f"{path}/points", wish)
        order = self.keyed(
            f"{path}/checkout", {"expected_total": cart["totals"]["total"]}
        )
        source = f"order:{order['id']}"
        if self.chance.random() < 0.4:
            self.call("POST", f"{API}/me/orders/{order['id']}/cancel", {})
            self.history.cancelled.append(source)
            return
        self.pay(order)
        self.note(account, "earn", source, ANY)
        if order["points_spent"]:
            self.note(account, "spend", source, -order["points_spent"])

    def subscribe(self, token: str) -> None:
        """Buy a month of the plan."""
        self.token = token
        path = self.fill_cart("PLAN-tea")
        cart = self.call("GET", path, {})
        total = {"expected_total": cart["totals"]["total"]}
        self.pay(self.keyed(f"{path}/checkout", total))

    def fill_cart(self, sku: str) -> str:
        """Open a cart with one unit; return its path."""
        cart = self.keyed(f"{API}/carts", {})
        path = f"{API}/carts/{cart['id']}"
        self.keyed(f"{path}/items", {"sku": sku, "quantity": 1})
        return path

    def pay(self, order: dict) -> None:
        """Pay an order; the gateway may tell it twice."""
        payment = self.call(
            "POST", f"{API}/orders/{order['id']}/payments", {"provider": "test"}
        )
        for _ in range(self.chance.choice([1, 1, 2])):
            self.notify(payment["id"], payment["amount"])

    # --- Asking ------------------------------------------------------------------

    @property
    def bearer(self) -> dict[str, str]:
        """Return what a till shows."""
        return {"Authorization": f"Bearer {self.secret}"}

    def keyed(self, path: str, body: dict, *, till: bool = False) -> dict:
        """POST under a key; now and then ask again after the answer."""
        key, headers = str(uuid.uuid4()), self.bearer if till else None
        told = self.call("POST", path, body, key=key, headers=headers)
        if self.chance.random() < 0.1:
            again = self.call("POST", path, body, key=key, headers=headers)
            assert again == told, f"{path}: a repeat was answered otherwise"
        return told

    def note(self, account: Account, kind: str, source: str, points) -> None:
        """Write down what must stand in the ledger."""
        self.history.deeds.append(Deed(account.id, kind, source, points))

    def definite(self, path: str, request: urllib.request.Request) -> dict:
        """Return an answer; a refusal of the ledger ends the deed."""
        try:
            with urllib.request.urlopen(request, timeout=self.WAITS) as answer:
                return json.loads(answer.read() or b"{}")
        except urllib.error.HTTPError as refusal:
            text = refusal.read().decode(errors="replace")
            if refusal.code >= 500 or "idempotency_in_progress" in text:
                raise
            if refusal.code == 409:
                raise Refused(text) from None
            raise AssertionError(f"{path}: {refusal.code} {text}") from None


class Clerk(threading.Thread):
    """Keeps a process at work inside the house, and starts it again when it dies."""

    def __init__(self, house: House, deeds: list[dict]):
        super().__init__(daemon=True)
        self.house, self.left, self.given = house, deeds, len(deeds)
        self.entries: list[dict] = []
        self.process: subprocess.Popen | None = None
        self.starts = 0
        self.problems: list[str] = []

    def run(self) -> None:
        """Work until nothing is left."""
        while self.left:
            self.starts += 1
            self.process = self.house.begin("clerk.py", self.left)
            for line in self.process.stdout:
                done = json.loads(line)
                self.left = [d for d in self.left if d["number"] != done["number"]]
                if done["entry"]:
                    self.entries.append(done["entry"])
            self.process.wait()

    @property
    def done(self) -> int:
        """Return how many deeds are done."""
        return self.given - len(self.left)

    def kill(self) -> None:
        """SIGKILL the process, wherever it is."""
        if self.process is not None and self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
