"""Points, rewards and tiers of a wire case as its steps move them. Plain Python."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from fractions import Fraction
from typing import Any, Protocol

from campaigns.rules.wire import accounts, points, tiers
from campaigns.rules.wire.orders import Earned, points_moved, source_of
from campaigns.rules.wire.pricing import Priced, State
from campaigns.rules.wire.reading import (
    TIMES,
    NotExpressible,
    date_of,
    moment,
    number,
    time_of,
    whole,
)
from campaigns.rules.wire.redeeming import PointsPay, terms_of
from campaigns.rules.wire.rewards import Claims
from campaigns.rules.wire.standing import Held
from loyalty.rules.birthdays import is_birthday

#: Keys of ``given`` that are read here.
GIVEN = {
    *accounts.GIVEN,
    *tiers.GIVEN,
    *points.GIVEN,
    *("redeem", "rewards", "reward", "earned_in_order", "next_order_coupon"),
    "order_points",
}
#: Of these, what makes a case one about points.
_OF_POINTS = GIVEN - {"order", "tiers"}
#: What the event of becoming a member is called.
_REGISTERED = ("register", "registration", "signup")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_THIS = "order"


class Desk(Protocol):
    """The cart a club belongs to."""

    state: State

    def priced(self) -> Priced:
        """Return the price of the cart."""
        ...

    def change(self, **changes: Any) -> None:
        """Change the cart."""
        ...


class Club:
    """What a member has of points and tiers while a case lives."""

    def __init__(self, desk: Desk, policies: Mapping[str, str]) -> None:
        given = desk.state.given
        self.desk, self.policies = desk, policies
        self.now = moment(given["now"]) if given.get("now") else _EPOCH
        self.account = accounts.Account(given, policies, self.now)
        self.claims = Claims(given, self.account)
        self.standing = Held(given, desk.state.member, policies, self.now)
        self._has_earned = self._has_spent = False
        #: The part of the order that was refunded: points follow it cumulatively.
        self._refunded = Fraction(0)
        self._orders: dict[str, Earned] = {}
        self.verdict: dict[str, Any] = {}
        self.in_order = self.account.read(given.get("earned_in_order") or 0)
        self._pays_with_points()

    @property
    def is_about_points(self) -> bool:
        """Tell whether the case says anything of points."""
        is_said = bool(self.desk.state.given.keys() & _OF_POINTS)
        return is_said or self._has_earned or self._has_spent

    @property
    def knows_time(self) -> bool:
        """Tell whether the case says when anything happens."""
        return self.now != _EPOCH

    def judge(self, reason: str = "") -> None:
        """Note whether what was just asked for was allowed."""
        self.verdict = {"allowed": not reason, "eligible": not reason}
        self.verdict |= {"reason": reason} if reason else {}

    def turn_to(self, step: Mapping[str, Any]) -> None:
        """Let time pass to when a step happens."""
        self.now = self.standing.counters.now = time_of(step, self.now)

    # Points.

    def earn(self, step: Mapping[str, Any]) -> None:
        """Earn the points a step says, or those of an amount or of the cart."""
        source = source_of(step)
        if not self.account.is_open:
            self.judge("account_disabled")
            return
        if "points" in step:
            amount = self.account.read(step["points"], least=0)
        else:
            amount = self.account.of(self._of_order(step))
        lot = self.account.earn(amount, source=source, at=self.now, step=step)
        if lot is not None:
            name = str(step.get("id", step.get("order", lot.id)))
            self.account.names[id(lot)] = name
            self._orders[str(step.get("order", source))] = Earned(lot)
            self.standing.counters.add("earned", Fraction(amount, self.account.parts))
        self._has_earned = True
        self.judge()
        self._look()

    def _of_order(self, step: Mapping[str, Any]) -> Fraction:
        """Return what the cart earns, or an order of so much."""
        state = self.desk.state
        amount = step.get("amount", step.get("total"))
        if amount is not None:
            state = replace(state, given={**state.given, "basis_amount": amount})
        return points.earned(state, self.desk.priced(), self.policies)

    def spend(self, step: Mapping[str, Any]) -> None:
        """Spend points: by the terms of the program where there are any."""
        asked = self.account.read(step["points"], least=0)
        given = self.desk.state.given
        self._has_spent = True
        if "redeem" in given and self.desk.state.has_cart:
            self._pays_with_points(asked)
            self._spend_what_pays(source_of(step))
            return
        more = self._usable()
        self.judge(
            self.account.spend(asked, source=source_of(step), at=self.now, more=more)
        )
        self._look()

    def _usable(self) -> int:
        """Return the points of this very order that may pay in it."""
        later = self.policies["redeem.same_order_points"] != "usable"
        for_next = self.desk.state.given.get("next_order_coupon", False)
        if not isinstance(for_next, bool):
            raise NotExpressible("a next_order_coupon that is more than yes or no")
        if later or for_next:
            return 0
        return self.in_order

    def _pays_with_points(self, asked: int | None = None) -> None:
        """Let points pay in the cart, where the program has terms for it."""
        state = self.desk.state
        given = state.given.get("redeem")
        if not given or not self.account.is_open:
            return
        if asked is None and given.get("requested") is not None:
            asked = self.account.read(given["requested"])
        elif asked is None and not state.has_cart:
            return
        terms = terms_of(given, state.money, self.policies, self.account.parts)
        free = self.account.spendable(self.now, more=self._usable())
        self.desk.change(points=PointsPay(terms, free, asked))

    def pay(self, source: str) -> None:
        """Spend what points pay in an order that is placed, unless that was done."""
        if self.desk.state.points is not None and not self.account.book.spent:
            self._spend_what_pays(source)

    def _spend_what_pays(self, source: str) -> None:
        """Take from the lots what points paid in the cart."""
        priced = self.desk.priced()
        paid = sum(e.points for e in priced.quote.applied if e.source_kind == "points")
        if paid:
            self.account.book.take(paid, source=source, at=self.now)
            self.judge()
            return
        refused = (e for e in priced.quote.refused if e.source_kind == "points")
        why = next((each.why.code for each in refused), "condition_not_met")
        self.judge("account_disabled" if not self.account.is_open else why)

    def roll_back(self, step: Mapping[str, Any]) -> None:
        """Return what was spent for an order to its lots, once."""
        sources = [s for s, takes in self.account.book.spent_for.items() if takes]
        named = step.keys() & {"order", "source", "id"}
        source = source_of(step) if named else (sources or [_THIS])[-1]
        self.account.book.roll_back(source)
        self.judge()

    def expire(self, step: Mapping[str, Any]) -> None:
        """Let everything go that has ended."""
        self.account.book.expire(self.now)
        self._look()

    def event(self, step: Mapping[str, Any]) -> None:
        """Earn what an event earns; the same one, by its id, once."""
        name = str(step.get("event", step.get("name")))
        self.earn_for(name, str(step.get("id", step.get("source", ""))), step)
        self.standing.counters.add(name, Fraction(1))
        self._look()

    def earn_for(self, name: str, key: str, step: Mapping[str, Any]) -> None:
        """Earn for something that is not an order."""
        if not self.account.is_open:
            self.judge("account_disabled")
            return
        found = points.of_event(self.desk.state, name, self.now)
        self._has_earned = True
        self.judge("" if found is not None else "condition_not_met")
        if not found:
            return
        number = len(self.account.book.earned_for)
        source = f"event:{name}:{key or number}"
        amount = self.account.of(found)
        if self.account.earn(amount, source=source, at=self.now, step={}):
            self.standing.counters.add("earned", found)

    def award_birthday(self, step: Mapping[str, Any]) -> None:
        """Award the member whose birthday it is, once a year."""
        told = self.desk.state.member.get("birthday")
        if told and is_birthday(date_of(told), self.now.date()):
            self.earn_for("birthday", str(self.now.year), step)
            self._look()

    def register(self, step: Mapping[str, Any]) -> None:
        """Become a member: what that earns, and the first tier."""
        for name in _REGISTERED:
            self.earn_for(name, "once", step)
        self.verdict = {}
        self._look()

    def archive(self, step: Mapping[str, Any]) -> None:
        """Close the account: nothing comes in or goes out any more."""
        self.account.is_open = False

    # Rewards.

    def claim(self, step: Mapping[str, Any]) -> None:
        """Claim a reward at what it costs here, whatever the step says it costs."""
        self._has_spent = True
        reason = self.claims.claim(
            str(step.get("reward") or ""),
            at=self.now,
            more=self._usable(),
            units=whole(step.get("qty", 1)),
        )
        self.judge(reason)
        if not reason:
            self.desk.change(given=self.claims.added_to(self.desk.state.given))

    def change_cost(self, step: Mapping[str, Any]) -> None:
        """Change what a reward costs from now on."""
        cost = step.get("cost", step.get("points"))
        self.claims.change_cost(str(step.get("reward") or ""), cost)

    # Orders.

    def complete(self, step: Mapping[str, Any]) -> None:
        """Complete an order: it earns and counts for tiers, once."""
        order = str(step.get("order", _THIS))
        if order in self._orders and self._orders[order].is_complete:
            return
        amount = step.get("amount", step.get("total"))
        minor = self._total_minor() if amount is None else None
        money = self.desk.state.money
        paid = number(money.write(minor) if minor is not None else amount)
        if "points" in step or "earn_rules" in self.desk.state.given:
            self.earn({**step, "order": order})
        earned = self._orders.setdefault(order, Earned())
        earned.paid, earned.is_complete = paid, True
        self.standing.counters.add("spend", paid)
        self.standing.counters.add("orders", Fraction(1))
        self._look()

    def _total_minor(self) -> int:
        quote = self.desk.priced().quote
        return quote.goods_minor - quote.discount_minor + quote.freight_minor

    def give_up(self, step: Mapping[str, Any], part: Fraction = Fraction(1)) -> None:
        """Undo a part of an order: its points, what was spent in it, its value."""
        order = str(step.get("order") or next(reversed(self._orders), _THIS))
        earned = self._orders.setdefault(order, Earned())
        part = min(part, 1 - earned.undone)
        earned.undone += part
        if earned.lot is not None:
            due = int(earned.lot.granted * earned.undone) - earned.clawed
            earned.clawed += due
            taken = self.account.claw_back(due, earned.lot, self.now)
            self.standing.counters.add("earned", -Fraction(taken, self.account.parts))
        source = f"order:{order}"
        if part == 1 and "order" not in step:
            # The one order there is: whatever was spent was spent in it.
            for each in self.account.book.spent_for:
                self.account.book.roll_back(each)
        elif part == 1:
            self.account.book.roll_back(source)
        elif source in self.account.book.spent_for:
            spent = sum(e.points for e in self.account.book.spent_for[source])
            self.account.book.give_back(source, int(spent * part))
        self.standing.counters.add("spend", -earned.paid * part)
        if part and earned.undone == 1 and earned.is_complete:
            self.standing.counters.add("orders", Fraction(-1))
        self._look(after_return=True)

    def refund_points(self, part: Fraction) -> None:
        """Undo what an order moved, in proportion to the value that goes back."""
        told = self.desk.state.given.get("order_points")
        if told is None:
            return
        before, self._refunded = self._refunded, min(Fraction(1), self._refunded + part)
        due, back = (
            self._points_of(moved, self._refunded) - self._points_of(moved, before)
            for moved in points_moved(told, self.policies)
        )
        book = self.account.book
        if "balance" in self.desk.state.given:
            self.account.claw_back(due, None, self.now)
        else:
            # Nobody knows what is there: all of it is taken.
            book.claw_back(due, own=None, may_owe=True, at=self.now)
        if back and self.account.earn(back, source="refund", at=self.now, step={}):
            book.earned -= back
        self._look(after_return=True)

    def _points_of(self, moved: Fraction, part: Fraction) -> int:
        return self.account.of(points.rounded(moved * part, self.policies))

    # Tiers.

    def review(self, step: Mapping[str, Any]) -> None:
        """Look whether a tier is kept, where it is time; points may begin anew."""
        self.standing.balance = self._balance()
        if self.standing.review():
            self.account.book.clear()

    def _look(self, *, after_return: bool = False) -> None:
        """Look at the tier after something has moved."""
        self.standing.balance = self._balance()
        if after_return:
            self.standing.after_return()
        else:
            self.standing.climb()

    def _balance(self) -> Fraction:
        return Fraction(self.account.book.balance, self.account.parts)

    # The end.

    def settle(self, *, has_steps: bool) -> None:
        """Do what a case means that only says how things stand."""
        given = self.desk.state.given
        if "reward" in given and not self.claims.were_asked:
            self.claim({})
        if "redeem" in given and not self.account.book.spent and not has_steps:
            self._spend_what_pays(f"order:{_THIS}")
        if "earn_rules" in given and not self._has_earned and self.account.is_open:
            self.earn({"order": _THIS})
            self.verdict = {}
        elif not self.account.is_open and not self.verdict:
            self.judge("account_disabled")
        if self.in_order:
            self.account.earn(self.in_order, source="in_order", at=self.now, step={})
        if not has_steps:
            self.account.book.expire(self.now)
        if not has_steps:
            self.standing.balance = self._balance()
            self.standing.settle()

    def answer(self) -> dict[str, Any]:
        """Return what ``expect`` has of points and tiers."""
        told: dict[str, Any] = {}
        if self.is_about_points:
            told |= self.account.answer() | self.claims.answer()
        told |= self.standing.answer()
        return told | self.verdict


_ID = {"order", "source", "action", "id", "member", *TIMES}
Verb = Callable[[Club, Mapping[str, Any]], None]
#: Step -> what it does and what it may say.
STEPS: dict[str, tuple[Verb, set[str]]] = {
    "earn": (
        Club.earn,
        {*_ID, *("points", "amount", "total", "expires_at", "expires_in_days")}
        | {"active_at"},
    ),
    "spend": (Club.spend, {*_ID, "points"}),
    "expire": (Club.expire, {*TIMES}),
    "rollback_spend": (Club.roll_back, _ID),
    "claim": (Club.claim, {*_ID, "reward", "cost", "points", "qty"}),
    "change_reward_cost": (Club.change_cost, {"reward", "cost", "points", *TIMES}),
    "event": (Club.event, {*_ID, "event", "name"}),
    "run_birthday_awards": (Club.award_birthday, {*TIMES}),
    "register": (Club.register, {"member", *TIMES}),
    "tier_review": (Club.review, {"member", *TIMES}),
    "archive_account": (Club.archive, {"member", *TIMES}),
}
