"""What a group should do, in a page of plain Python: no database and no clock."""

from dataclasses import dataclass, field


class NotNow(Exception):
    """The shop must refuse this, and nothing may change."""


@dataclass
class Seat:
    """One member's place: ``held`` or ``paid`` while it counts."""

    member: int
    paid_rank: int = 0
    state: str = "held"

    @property
    def is_live(self) -> bool:
        return self.state in {"held", "paid"}


@dataclass
class Group:
    """One group of a deal, from its leader's hold to its end."""

    rungs: tuple[tuple[int, int], ...]
    seats: list[Seat] = field(default_factory=list)
    leader: int | None = None
    state: str = "opening"
    price: int | None = None
    ranks: int = 0

    @property
    def size(self) -> int:
        return self.rungs[-1][0]

    def live(self, member: int) -> Seat | None:
        found = [s for s in self.seats if s.member == member and s.is_live]
        return found[0] if found else None

    def count(self, state: str) -> int:
        return sum(seat.state == state for seat in self.seats)

    @property
    def is_under_way(self) -> bool:
        return self.state in {"opening", "open"}

    def open(self, member: int) -> None:
        self.leader = member
        self.seats.append(Seat(member))

    def join(self, member: int) -> None:
        if self.state != "open" or self.live(member):
            raise NotNow
        if self.count("held") + self.count("paid") >= self.size:
            raise NotNow
        self.seats.append(Seat(member))

    def pay(self, member: int) -> None:
        seat = self.live(member)
        assert seat is not None
        self.ranks += 1
        seat.state, seat.paid_rank = "paid", self.ranks
        self.state = "open"
        if self.count("paid") == self.size:
            self._succeed()

    def lose(self, member: int) -> None:
        seat = self.live(member)
        assert seat is not None
        seat.state = "lost"
        if self.state == "opening":
            self.state = "closed"

    def leave(self, member: int) -> None:
        seat = self.live(member)
        if seat is None or not self.is_under_way:
            raise NotNow
        seat.state = "left"
        paid = [each for each in self.seats if each.state == "paid"]
        if not paid:
            self.state, self.leader = "closed", None
            self._let_go("held", "lost")
        elif self.leader == member:
            self.leader = min(paid, key=lambda each: each.paid_rank).member

    def deadline(self) -> None:
        if not self.is_under_way:
            return
        if self.state == "opening":
            self.state = "closed"
            self._let_go("held", "lost")
        elif self._reached() is None:
            self.state = "failed"
            self._let_go("held", "lost")
            self._let_go("paid", "refunded")
        else:
            self._succeed()

    def complete(self) -> None:
        if self.state != "open":
            raise NotNow
        self._succeed()

    def _reached(self) -> int | None:
        paid = self.count("paid")
        return min((price for size, price in self.rungs if paid >= size), default=None)

    def _succeed(self) -> None:
        self.price = self._reached() or self.rungs[0][1]
        self.state = "succeeded"
        self._let_go("held", "lost")

    def _let_go(self, state: str, to: str) -> None:
        for seat in self.seats:
            if seat.state == state:
                seat.state = to
