"""A shop of one cart, for the steps of a wire case. Plain Python.

It lives as long as the case: codes come and go, orders are placed and cancelled, uses
are counted. Nothing is kept anywhere.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from fractions import Fraction
from typing import Any

from campaigns.rules.benefits import Amount, Percent
from campaigns.rules.wire.answer import answer
from campaigns.rules.wire.club import STEPS, Club
from campaigns.rules.wire.history import buyer_of, member_of, released_by, wallet_of
from campaigns.rules.wire.pricing import Manual, Priced, State, price
from campaigns.rules.wire.reading import (
    TIMES,
    NotExpressible,
    known_keys,
    rate,
    texts,
    whole,
)
from campaigns.rules.wire.refunds import REFUND, Till
from campaigns.rules.wire.tidying import tidied_part
from campaigns.rules.wire.uses import Use


class Shop:
    """A shop of one cart: its state, the orders placed, and what each step said."""

    def __init__(self, state: State, policies: Mapping[str, str]) -> None:
        self.state, self.policies = state, policies
        self.log: list[dict[str, Any]] = []
        self._priced: Priced | None = None
        self._placed = 0
        self._order = self._draft = ""
        self._released: tuple[Use, ...] = ()
        self.club = Club(self, policies)
        self._till: Till | None = None

    @property
    def till(self) -> Till:
        """Return the till of the order, as it was when money first went back."""
        if self._till is None:
            state, priced = self._without_order(), self.priced()
            self._till = Till(state, priced, self.policies, self.club.now)
        return self._till

    def _without_order(self) -> State:
        """Return the state as if the order at hand were not placed yet."""
        return _without_order(self.state, self._order)

    def priced(self) -> Priced:
        """Return the price of the cart, or of the order that was just placed."""
        if self._priced is None:
            self._priced = price(self.state)
        return self._priced

    def do(self, step: Mapping[str, Any]) -> None:
        """Take one step and note what it came to."""
        kind = str(step.get("do"))
        subject: Any = self.club if kind in STEPS else self
        known: Mapping[str, Any] = STEPS if kind in STEPS else SHOP_STEPS
        if kind not in known:
            raise NotExpressible(f"step {kind}")
        verb, keys = known[kind]
        known_keys(f"step {kind}", step, {"do", "expect", *TIMES, *keys})
        self.club.turn_to(step)
        verb(subject, step)
        told = self.told()
        self.log.append({"do": kind} | {k: told[k] for k in _KEPT if k in told})

    def told(self) -> dict[str, Any]:
        """Return the answer as things stand."""
        told = answer(self.state, self.priced()) | self.club.answer()
        return told if self._till is None else told | self._till.verdict

    def settle(self, *, has_steps: bool) -> None:
        """Do what the case asks for besides its steps."""
        given = self.state.given
        self.club.settle(has_steps=has_steps)
        if "capture" in given:
            self.till.capture(given["capture"])
        if "return" in given:
            self.till.take_back(given["return"])
        if "refund" in given and (self._till is None or self.till.is_willing):
            self.club.refund_points(self.till.refund(given["refund"]))

    def change(self, **changes: Any) -> None:
        """Change the cart; its price is made anew."""
        self.state = replace(self.state, **changes)
        self._priced = None

    def enter_code(self, step: Mapping[str, Any]) -> None:
        """Enter a code."""
        self.change(codes=(*self.state.codes, *texts(step.get("code"))))

    def remove_code(self, step: Mapping[str, Any]) -> None:
        """Take a code back."""
        folded = self.state.folded
        gone = set(map(folded, texts(step.get("code"))))
        self.change(codes=tuple(c for c in self.state.codes if folded(c) not in gone))

    def identify(self, step: Mapping[str, Any]) -> None:
        """Learn who buys."""
        who = member_of(step.get("member"))
        more = {"email": step["email"]} if "email" in step else {}
        self.change(member={**self.state.member, **who, **more})

    def set_qty(self, step: Mapping[str, Any]) -> None:
        """Change how many units a line has; none removes it, and it may come back."""
        count, name = whole(step["qty"]), str(step["line"])
        lines = {str(each["id"]): each for each in self.state.lines}
        taken_out = {str(e["id"]): e for e in self.state.given.get("lines") or ()}
        found = lines.get(name, taken_out.get(name))
        if found is None:
            raise NotExpressible(f"line {name}")
        lines[name] = {**found, "qty": count}
        self.change(lines=tuple(e for e in lines.values() if whole(e.get("qty", 1))))

    def remove_line(self, step: Mapping[str, Any]) -> None:
        """Take a line out."""
        name = self._line(step["line"])
        kept = (e for e in self.state.lines if str(e["id"]) != name)
        self.change(lines=tuple(kept))

    def _line(self, told: Any) -> str:
        """Return the name of a line that is in the cart."""
        if str(told) not in {str(each["id"]) for each in self.state.lines}:
            raise NotExpressible(f"line {told}")
        return str(told)

    def reduce_by_hand(self, step: Mapping[str, Any]) -> None:
        """Reduce a line or everything, as staff do."""
        benefit: Percent | Amount
        if "percent" in step:
            benefit = Percent(rate(step["percent"]))
        else:
            benefit = Amount(self.state.money.read(step["amount"]), "order")
        line = self._line(step["line"]) if step["do"] == "manual_line_discount" else ""
        manual = Manual(benefit, line)
        self.change(manual=(*self.state.manual, manual))

    def place_order(self, step: Mapping[str, Any]) -> None:
        """Place an order: what took something off counts as used (S20)."""
        codes = texts(step.get("codes")) + texts(step.get("code"))
        if codes:
            self.change(codes=codes)
        if "member" in step or "email" in step:
            self.change(member={})
            self.identify(step)
        # Limits are looked at again when an order is placed.
        order = self._name_of(step)
        self.state = _without_order(self.state, order)
        self._priced = None
        priced = self.priced()
        who = min(self.state.names, default="")
        uses = tuple(
            Use(
                each.source_id,
                who,
                order=order,
                code=priced.codes.get(each.source_id, ""),
                minor=each.amount_minor,
                applications=priced.applications(each.source_id),
            )
            for each in priced.quote.applied
            if each.source_kind == "promotion"
        )
        if not self.state.has_cart:
            entered = priced.codes
            uses = tuple(
                Use(each, who, order=order, code=entered.get(each, ""))
                for each in priced.admitted
            )
        self.state = replace(self.state, uses=(*self.state.uses, *uses))
        self._order = order
        self.club.pay(f"order:{order}")
        is_draft = step["do"] == "draft_order_with"
        self._draft = order if is_draft else ""
        self._note_order(order, "draft" if is_draft else "placed")

    def _name_of(self, step: Mapping[str, Any]) -> str:
        """Return the name of the order a step places: that of the draft, if any."""
        is_draft = step["do"] == "draft_order_with"
        if "order" not in step and self._draft and not is_draft:
            return self._draft
        self._placed += 1
        return str(step.get("order", self._placed))

    def complete_order(self, step: Mapping[str, Any]) -> None:
        """Complete an order: it earns points, and is one the buyer has made."""
        self.club.complete(step)
        self._note_order(str(step.get("order", self._placed or 1)), "completed")

    def _note_order(self, order: str, state: str) -> None:
        """Remember an order; what the cart costs was agreed before."""
        who = min(self.state.names, default="")
        at = self.club.now.isoformat() if self.club.knows_time else None
        made = {"id": order, "member": who, "state": state, "completed_at": at}
        kept = (e for e in self.state.orders if str(e.get("id")) != order)
        self.state = replace(self.state, orders=(*kept, made))

    def draft_order(self, step: Mapping[str, Any]) -> None:
        """Draft an order; whether its uses count is a policy."""
        if self.state.policies.limits_count_at == "draft":
            self.place_order(step)
        else:
            self.enter_code(
                {"code": [*texts(step.get("codes")), *texts(step.get("code"))]}
            )

    def cancel_order(self, step: Mapping[str, Any]) -> None:
        """Cancel an order: its uses come back where the promotion says so."""
        order = str(step.get("order", self._placed))
        back = released_by(self.state.given, self.state.policies)
        released = [
            each
            for each in self.state.uses
            if each.order == order and each.promotion in back
        ]
        self._released = tuple(released)
        self.change(
            uses=tuple(e for e in self.state.uses if e not in released),
            orders=tuple(e for e in self.state.orders if str(e.get("id")) != order),
        )
        self.club.give_up(step)

    def reopen_order(self, step: Mapping[str, Any]) -> None:
        """Take a cancelled order up again with the uses it gave back."""
        self.change(uses=(*self.state.uses, *self._released))
        self._released = ()

    def return_order(self, step: Mapping[str, Any]) -> None:
        """Take units back, or the whole order; points and tiers follow."""
        total = self.till.total_minor or 1
        value = self.till.take_back(_without(step))
        if value is not None:
            value = value if step.get("lines") else total
            self.club.give_up(step, Fraction(value, total))

    def refund_order(self, step: Mapping[str, Any]) -> None:
        """Give money back: of units, an amount, or everything that is left."""
        part = self.till.refund(_without(step))
        if part:
            self.club.refund_points(part)
            self.club.give_up(step, part)

    def modify_order(self, step: Mapping[str, Any]) -> None:
        """Change a paid order; what it costs less goes back."""
        till, before = self.till, answer(self.state, self.priced())["total"]
        placed, alone = self.state, self._without_order()
        self.change(uses=alone.uses, orders=alone.orders)
        for each in step.get("lines") or ():
            known_keys("modified line", each, {"line", "qty"})
            self.set_qty(each)
        for name in texts(step.get("remove")):
            self.remove_line({"line": name})
        added = tuple(tidied_part(step.get("add") or []))
        if added:
            self.change(lines=(*self.state.lines, *added))
        if "surcharges" in step:
            more = [*(self.state.given.get("surcharges") or ()), *step["surcharges"]]
            self.change(given={**self.state.given, "surcharges": more})
        if "shipping" in step:
            self.change(given={**self.state.given, "shipping": step["shipping"]})
        if "codes" in step:
            self.change(codes=texts(step["codes"]))
        read = self.state.money.read
        less = read(before) - read(answer(self.state, self.priced())["total"])
        till.pay_back(max(0, less), step)
        # The order keeps the uses it was placed with.
        self.state = replace(self.state, uses=placed.uses, orders=placed.orders)

    def register_use(self, step: Mapping[str, Any]) -> None:
        """Count uses, more or fewer."""
        promotion = str(step.get("promotion") or self._only_promotion())
        who, count = buyer_of(step), whole(step.get("count", 1))
        if step["do"] in {"revert_use", "release_use"}:
            uses = (each for each in self.state.uses if each.promotion == promotion)
            count = -min(count, sum(each.count for each in uses))
        self.change(uses=(*self.state.uses, Use(promotion, who, count)))

    def _only_promotion(self) -> str:
        names = [e["id"] for e in self.state.given.get("promotions") or ()]
        if len(names) != 1:
            raise NotExpressible("a use that does not say of which promotion")
        return str(names[0])

    def pay_with_wallet(self, step: Mapping[str, Any]) -> None:
        """Pay from the wallet, all of it or so much."""
        balance = wallet_of(self.state.given, self.state.money)
        if "amount" in step:
            balance = min(balance, self.state.money.read(step["amount"]))
        self.state = replace(self.state, wallet_minor=balance)

    def look_again(self, step: Mapping[str, Any]) -> None:
        """Price the cart anew."""
        self._priced = None


def _without_order(state: State, order: str) -> State:
    """Return a state as if an order were not placed yet.

    Looked at again, it must not stand in its own way: as a use, or as an order.
    """
    return replace(
        state,
        uses=tuple(each for each in state.uses if each.order != order),
        orders=tuple(e for e in state.orders if str(e.get("id")) != order),
    )


def _without(step: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a step says, without what makes it a step."""
    return {key: step[key] for key in step if key not in {"do", "expect"}}


_KEPT = (
    *("applied", "rejected", "allowed", "reason", "total", "usage", "balance", "tier"),
    *("changed", "upgraded", "renewed", "spent", "earned", "expired_points"),
    *("refund_total", "refunds"),
)
_Step = tuple[Callable[[Shop, Mapping[str, Any]], None], set[str]]
_ORDER = {"order", "code", "codes", "member", "email"}
_USE = {"promotion", "member", "email", "count"}
#: Step -> what it does to the cart, and what it may say.
SHOP_STEPS: dict[str, _Step] = {
    "enter_code": (Shop.enter_code, {"code"}),
    "remove_code": (Shop.remove_code, {"code"}),
    "identify": (Shop.identify, {"member", "email"}),
    "set_qty": (Shop.set_qty, {"line", "qty"}),
    "remove_line": (Shop.remove_line, {"line"}),
    "manual_order_discount": (Shop.reduce_by_hand, {"amount", "percent"}),
    "manual_line_discount": (Shop.reduce_by_hand, {"line", "amount", "percent"}),
    "place_order": (Shop.place_order, _ORDER),
    "place_order_with": (Shop.place_order, _ORDER),
    # Says what must happen; whether it does is in the answer.
    "place_order_fails_with": (Shop.look_again, {"reason", "code"}),
    "draft_order_with": (Shop.draft_order, _ORDER),
    "cancel_order": (Shop.cancel_order, {"order"}),
    "payment_failed": (Shop.cancel_order, {"order"}),
    "reopen_order": (Shop.reopen_order, {"order"}),
    "register_use": (Shop.register_use, _USE),
    "register_uses": (Shop.register_use, _USE),
    "revert_use": (Shop.register_use, _USE),
    "release_use": (Shop.register_use, _USE),
    "pay_with_wallet": (Shop.pay_with_wallet, {"amount"}),
    "recalculate": (Shop.look_again, set()),
    "complete_order": (
        Shop.complete_order,
        {"order", "member", "amount", "total", "points", "expires_at"},
    ),
    "return_order": (Shop.return_order, {"order", "lines", "received", "state"}),
    "refund_order": (Shop.refund_order, REFUND),
    "modify_order": (
        Shop.modify_order,
        {"order", "lines", "remove", "add", "surcharges", "shipping", "codes"}
        | {"payment", "to"},
    ),
}
