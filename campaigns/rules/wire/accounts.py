"""The points account of a wire case: what comes in, goes out, ends. Plain Python."""

from collections.abc import Mapping
from datetime import datetime
from fractions import Fraction
from typing import Any

from campaigns.rules.wire.points import PARTS
from campaigns.rules.wire.reading import known_keys, moment, whole, written
from campaigns.rules.wire.redeeming import points_of
from loyalty.rules.expiry_modes import MODES, end_by_mode
from loyalty.rules.lot_accounts import LotAccount
from loyalty.rules.lots import Lot

#: Keys of ``given`` that are read here.
GIVEN = {"balance", "lots", "expiry", "pending_points", "account_enabled"}
_LOT = {"id", "points", "remaining", "earned_at", "expires_at", "active_at"}
_EXPIRY = {"mode", "days"}
_START = "balance"


class Account:
    """Points by lots; a refusal is a reason, and nothing moves."""

    def __init__(
        self, given: Mapping[str, Any], policies: Mapping[str, str], now: datetime
    ) -> None:
        self.policies = policies
        self.parts = PARTS if policies["points.fractional"] == "allowed" else 1
        self.is_open = given.get("account_enabled") is not False
        self.pending = self.read(given.get("pending_points") or 0)
        self.book = LotAccount(policies["lots.consumption"])  # type: ignore[arg-type]
        self.names: dict[int, str] = {}
        self._expiry = given.get("expiry") or {}
        known_keys("expiry", self._expiry, _EXPIRY)
        self._mode = str(self._expiry.get("mode", policies["expiry.mode"]))
        if self._mode == "never" and "mode" not in self._expiry:
            self._mode = _mode_of(self._expiry.get("days"))
        if self._mode not in MODES:
            raise ValueError(f"expiry.mode {self._mode}")
        self._open_with(given, now)
        self.opening = self.book.balance
        self.book.earned = 0

    def _open_with(self, given: Mapping[str, Any], now: datetime) -> None:
        """Put in what was there before: lots, or a balance that never ends."""
        for number, each in enumerate(given.get("lots") or (), 1):
            known_keys("lot", each, _LOT)
            at = moment(each["earned_at"]) if each.get("earned_at") else now
            name = str(each.get("id", number))
            lot = self.earn(
                self.read(each["points"]), source=f"lot:{name}", at=at, step=each
            )
            if lot is not None:
                self.names[id(lot)] = name
                lot.remaining = self.read(each.get("remaining", each["points"]))
        balance = self.read(given.get("balance") or 0)
        if given.get("lots") or not balance:
            return
        if balance < 0:
            self.book.debt = -balance
        else:
            first = datetime.min.replace(tzinfo=now.tzinfo)
            lot = self.book.earn(balance, source=_START, at=first)
            self.names[id(lot)] = _START

    def read(self, value: Any, *, least: int | None = None) -> int:
        """Return points as they are counted here.

        Raises:
            ValueError: they are finer than that, or fewer than ``least``.
        """
        points = points_of(value, self.parts)
        if least is not None and points < least:
            raise ValueError("fewer points than none")
        return points

    def of(self, points: Fraction) -> int:
        """Return exact points as they are counted here; they fit."""
        return int(points * self.parts)

    def told(self, points: int) -> int | float:
        """Return points as the answer has them: plain numbers."""
        return points // self.parts if points % self.parts == 0 else points / self.parts

    def earn(
        self, points: int, *, source: str, at: datetime, step: Mapping[str, Any]
    ) -> Lot | None:
        """Open a lot that ends as the step or the program says; once a source."""
        ends: datetime | None
        if "expires_at" in step:
            told = step["expires_at"]
            ends = moment(told) if told else None
        else:
            own = step.get("expires_in_days")
            days = whole(self._expiry.get("days") or 0 if own is None else own)
            mode = _mode_of(own) if self._mode == "never" else self._mode
            ends = end_by_mode(at, mode, days=days)  # type: ignore[arg-type]
        active = moment(step["active_at"]) if step.get("active_at") else at
        return self.book.earn(
            points, source=source, at=at, expires_at=ends, active_at=active
        )

    def spendable(self, at: datetime, *, more: int = 0) -> int:
        """Return what can be spent, ``more`` on top of the lots."""
        return self.book.free(at) + more

    def refusal(self, points: int, *, at: datetime, more: int = 0) -> str:
        """Return why so many points cannot be spent; empty where they can."""
        if not self.is_open:
            return "account_disabled"
        may_owe = self.policies["balance.negative"] == "allowed"
        if points > self.spendable(at, more=more) and not may_owe:
            return "insufficient_points"
        return ""

    def spend(self, points: int, *, source: str, at: datetime, more: int = 0) -> str:
        """Spend points, once a source; return why not, or nothing."""
        reason = self.refusal(points, at=at, more=more)
        if source in self.book.spent_for and self.is_open:
            return ""
        clamps = self.policies["redeem.over_balance"] == "clamp"
        if reason == "insufficient_points" and clamps:
            points, reason = self.spendable(at, more=more), ""
        if not reason:
            self.book.take(points, source=source, at=at)
        return reason

    def claw_back(self, points: int, own: Lot | None, at: datetime) -> int:
        """Take back what was earned, as the program treats what is missing."""
        may_owe = self.policies["points.clawback"] == "allow_negative"
        return self.book.claw_back(points, own=own, may_owe=may_owe, at=at)

    def answer(self) -> dict[str, Any]:
        """Return the account as ``expect`` has it."""
        book = self.book
        return {
            "balance": self.told(book.balance),
            "points_delta": self.told(book.balance - self.opening),
            "earned": self.told(book.earned),
            "spent": self.told(book.spent),
            "expired_points": self.told(book.expired),
            "pending_points": self.told(self.pending),
            "lots": [self._lot(each) for each in book.lots],
        }

    def _lot(self, lot: Lot) -> dict[str, Any]:
        assert lot.active_at is not None
        is_start = lot.active_at.year == 1
        return {
            "id": self.names.get(id(lot), str(lot.id)),
            "points": self.told(lot.granted),
            "remaining": self.told(lot.remaining),
            "earned_at": None if is_start else written(lot.active_at),
            "expires_at": None if lot.expires_at is None else written(lot.expires_at),
        }


def _mode_of(days: Any) -> str:
    """Return how points end of which only days are said, or nothing."""
    return "never" if days is None else "after_days"
