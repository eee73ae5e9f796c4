"""Book the points of past orders that were brought in from a file.

The same rules as for live orders, moved in memory for many members at a time and
written with a few statements. Nobody is told: no facts, no messages.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.db import connection, transaction
from django.db.models import Exists, OuterRef, Value
from django.db.models.fields import CharField
from django.db.models.functions import Cast, Concat

from crm.shared.copying import insert_rows
from loyalty.models import (
    PointsAccount,
    PointsEntry,
    PointsLot,
    QualifyingEntry,
    Tier,
)
from loyalty.queries.earned_lines import lines_of, split_of, units_of
from loyalty.queries.earning import EarningTerms, earning_terms
from loyalty.queries.purchases import (
    WHOLE,
    kinds_that_earn,
    parts_of,
    time_facts,
    with_basis,
)
from loyalty.queries.tiers import tier_steps, tiers
from loyalty.rules.earning import Occurrence, Part, evaluate
from loyalty.rules.ledger import Book
from loyalty.rules.tiers import held_before
from loyalty.services.capping import Tallies, open_tallies
from loyalty.services.counting import GivenBack, counted_back, counted_for
from loyalty.services.order_points import (
    Earner,
    earn_in,
    earned_for,
    not_booked,
    source_of,
)
from loyalty.services.points_due import Earning, due_of, earnings_of
from loyalty.services.posting import book_of, lot_of, open_accounts, post
from loyalty.services.refund_points import (
    claw_for_refund,
    given_back,
    not_settled,
    settlement_of,
)
from loyalty.services.tiering import settle_tiers
from loyalty.services.valuing import count_value
from members.queries import who_could_earn
from orders.models import Order, Refund, UnmatchedReturn
from orders.queries.refunds import goods_minor
from orders.rules.lifecycle import SOLD

#: Members held in memory at a time.
_MEMBERS = 500
#: The transaction is long; each of its statements is not.
_STATEMENT_TIMEOUT = "120s"


@dataclass(slots=True)
class ImportedPoints:
    """What was booked."""

    orders: int = 0
    refunds: int = 0
    unmatched_returns: int = 0
    members: int = 0
    tier_changes: int = 0


@dataclass(slots=True)
class _Work:
    """What is to be booked of one group of members."""

    terms: EarningTerms
    now: datetime
    accounts: dict[int, PointsAccount]
    books: dict[int, Book]
    tiers: dict[int | None, Tier]
    parts: dict[int, tuple[Part, ...]]
    tallies: Tallies
    goods: dict[int, int]
    #: Units that refunds took back, and the lines of their orders.
    units: dict[int, dict[int, int]]
    lines: dict[str, dict[int, tuple[int, int]]]
    earnings: dict[int, Earning]
    could_earn: Callable[[int, datetime], bool]
    qualifying: list[QualifyingEntry] = field(default_factory=list)
    given_back: list[GivenBack] = field(default_factory=list)


@transaction.atomic
def book_import(*, source: str, now: datetime) -> ImportedPoints:
    """Book every order, refund and unmatched return of ``source`` not booked yet.

    One earn entry per order with its own floor (P6), one claw-back per refund (P19).
    Points of past orders are active, and their term begins, at ``now``. The multiplier
    is that of the tier held when the order was paid (P7): before a member's first
    order is booked that is the lowest. All or nothing; a second call finds nothing.

    Args:
        source: system the orders came from, such as ``online-retail``.
    """
    with connection.cursor() as cursor:
        # One booking of a source at a time; the next one then finds nothing to do.
        cursor.execute("SELECT set_config('lock_timeout', '0', true)")
        cursor.execute(
            "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))",
            [f"loyalty.book_import:{source}"],
        )
        cursor.execute(
            "SELECT set_config('statement_timeout', %s, true)", [_STATEMENT_TIMEOUT]
        )
        # Sums are made in memory between statements; a busy machine may take a while.
        cursor.execute(
            "SELECT set_config('idle_in_transaction_session_timeout', '120s', true)"
        )
    total = ImportedPoints()
    terms = earning_terms()
    members = _members_to_book(source)
    for start in range(0, len(members), _MEMBERS):
        some = members[start : start + _MEMBERS]
        _book_members(some, source, terms, now, total)
    return total


def _orders(source: str):
    return not_booked(
        Order.objects.filter(
            source=source,
            member__isnull=False,
            paid_at__isnull=False,
            state__in=SOLD,
        )
    )


def _refunds(source: str):
    return not_settled(
        Refund.objects.filter(
            source=source,
            state=Refund.State.COMPLETED,
            order__member__isnull=False,
        )
    )


def _returns(source: str):
    booked = PointsEntry.objects.filter(
        account_id=OuterRef("member_id"),
        kind=PointsEntry.Kind.CLAW_BACK,
        source=Concat(Value("return:"), Cast(OuterRef("pk"), CharField())),
    )
    return UnmatchedReturn.objects.filter(
        ~Exists(booked), source=source, member__isnull=False
    )


def _members_to_book(source: str) -> list[int]:
    found = set(_orders(source).values_list("member_id", flat=True))
    found |= set(_refunds(source).values_list("order__member_id", flat=True))
    found |= set(_returns(source).values_list("member_id", flat=True))
    return sorted(found)


def _book_members(
    members: Sequence[int],
    source: str,
    terms: EarningTerms,
    now: datetime,
    total: ImportedPoints,
) -> None:
    open_accounts(member_ids=members, now=now)
    mine = _orders(source).filter(member_id__in=members)
    orders = list(with_basis(mine, terms))
    refunds = list(
        _refunds(source).filter(order__member_id__in=members).select_related("order")
    )
    returns = list(_returns(source).filter(member_id__in=members))
    booked = _booked_before_merging(members)
    orders = [each for each in orders if source_of(each) not in booked]
    refunds = [each for each in refunds if f"refund:{each.public_id}" not in booked]
    returns = [each for each in returns if f"return:{each.pk}" not in booked]
    work = _open_work(members, orders, refunds, terms, now)
    _move(work, orders, refunds, returns)
    post(list(work.books.values()))
    work.tallies.write()
    insert_rows(work.qualifying)
    insert_rows(counted_back(work.given_back))
    count_value(member_ids=members)
    total.orders += len(orders)
    total.refunds += len(refunds)
    total.unmatched_returns += len(returns)
    total.members += len(members)
    total.tier_changes += settle_tiers(
        accounts=list(work.accounts.values()), reason=f"import:{source}", now=now
    )


def _booked_before_merging(members: Sequence[int]) -> set[str]:
    """Return the sources that stand in accounts merged with those of members."""
    others = _merged_accounts(members)
    if not others:
        return set()
    return set(
        PointsEntry.objects.filter(
            account_id__in=others,
            kind__in=[PointsEntry.Kind.EARN, PointsEntry.Kind.CLAW_BACK],
        ).values_list("source", flat=True)
    )


def _merged_accounts(members: Sequence[int]) -> set[int]:
    accounts = PointsAccount.objects.filter(pk__in=members).exclude(merged_with=[])
    return {pk for ids in accounts.values_list("merged_with", flat=True) for pk in ids}


def _open_work(
    members: Sequence[int],
    orders: Sequence[Order],
    refunds: Sequence[Refund],
    terms: EarningTerms,
    now: datetime,
) -> _Work:
    """Lock the accounts and read what the rules need."""
    accounts = {
        account.pk: account
        for account in PointsAccount.objects.select_for_update(no_key=True)
        .filter(pk__in=members)
        .order_by("pk")
    }
    lots = defaultdict(list)
    for row in PointsLot.objects.filter(account_id__in=members, is_open=True):
        lots[row.account_id].append(lot_of(row))
    # Orders of earlier files and of the live shop, refunded by this file.
    order_of = {source_of(refund.order): refund.order_id for refund in refunds}
    entries = list(
        PointsEntry.objects.filter(
            account_id__in={*members, *_merged_accounts(members)},
            kind=PointsEntry.Kind.EARN,
            source__in=order_of,
        )
    )
    refund_ids = [refund.pk for refund in refunds]
    wants_lines = terms.wants_lines or any("lines" in each.trace for each in entries)
    earnings = earnings_of(
        entries, lots=[lot for some in lots.values() for lot in some]
    )
    return _Work(
        terms=terms,
        now=now,
        accounts=accounts,
        books={pk: book_of(account, lots=lots[pk]) for pk, account in accounts.items()},
        tiers={tier.pk: tier for tier in tiers()},
        parts=parts_of(orders, terms, by_line=False),
        tallies=open_tallies(
            rows=terms.rows,
            asked=((order.member_id, order.paid_at) for order in orders),
        ),
        goods=goods_minor(refund_ids, kinds=kinds_that_earn(terms.program)),
        units=units_of(refund_ids) if wants_lines else {},
        lines=lines_of([each.order.public_id for each in refunds])
        if terms.wants_lines
        else {},
        earnings={order_of[entry.source]: earnings[entry.pk] for entry in entries},
        could_earn=who_could_earn(member_ids=members),
    )


def _move(
    work: _Work,
    orders: Sequence[Order],
    refunds: Sequence[Refund],
    returns: Sequence[UnmatchedReturn],
) -> None:
    """Move the books through what happened, in the order in which it happened."""
    steps = tier_steps(member_ids=list(work.accounts))
    for _at, _rank, _pk, what in sorted(_events(orders, refunds, returns)):
        if isinstance(what, Order):
            tier_id = held_before(
                steps.get(what.member_id, []),
                what.paid_at,
                now_id=work.accounts[what.member_id].tier_id,
            )
            may_earn = work.could_earn(what.member_id, what.paid_at)
            _earn(work, what, Earner(work.tiers.get(tier_id), may_earn))
        elif isinstance(what, Refund):
            _settle(work, what)
        else:
            _take_back(work, what)


def _events(
    orders: Sequence[Order],
    refunds: Sequence[Refund],
    returns: Sequence[UnmatchedReturn],
) -> Iterator[tuple[datetime, int, int, Order | Refund | UnmatchedReturn]]:
    """Yield with a key: time, then purchases before what undoes them, then id."""
    for order in orders:
        yield order.paid_at, 0, order.pk, order
    for refund in refunds:
        yield max(refund.completed_at, refund.order.paid_at), 1, refund.pk, refund
    for back in returns:
        yield back.occurred_at, 2, back.pk, back


def _earn(work: _Work, order: Order, earner: Earner) -> None:
    earned = earned_for(
        order, parts=work.parts[order.pk], terms=work.terms, earner=earner
    )
    movement = earn_in(
        work.books[order.member_id],
        order=order,
        earned=work.tallies.cap(earned, member_id=order.member_id),
        earner=earner,
        terms=work.terms,
        active_at=work.now,
        now=work.now,
    )
    work.earnings[order.pk] = Earning(
        entry=movement,
        points=movement.points,
        basis_minor=order.basis_minor,
        lot=movement.opens,
        lines=split_of(movement.trace, work.lines.get(movement.source, {})),
    )
    _qualify(work, order.member_id, order.basis_minor, movement.source, order.paid_at)
    work.qualifying += counted_for(
        earned.occurrence,
        terms=earner.terms_of(work.terms),
        tallies=work.tallies,
        member_id=order.member_id,
        source=movement.source,
    )


def _settle(work: _Work, refund: Refund) -> None:
    order = refund.order
    goods = work.goods.get(refund.pk, 0)
    settlement = settlement_of(
        refund,
        goods_minor=goods,
        terms=work.terms.program,
        units=work.units.get(refund.pk, {}),
    )
    due = due_of(order, earning=work.earnings[order.pk], settlement=settlement)
    movement = claw_for_refund(work.books[order.member_id], due=due, at=work.now)
    _qualify(work, order.member_id, -goods, movement.source, order.paid_at)
    back = given_back(
        account=work.accounts[order.member_id],
        order=order,
        earning=work.earnings[order.pk],
        source=movement.source,
    )
    work.given_back.append(back)


def _take_back(work: _Work, back: UnmatchedReturn) -> None:
    """Take back what a return without its purchase would have earned.

    Nothing says that those goods earned points here, so nobody owes for them: what is
    not there is waived (P17).
    """
    earns = back.kind in kinds_that_earn(work.terms.program)
    goods = back.amount_minor if earns else 0
    at = back.occurred_at
    bought = Occurrence(at, (Part(WHOLE, goods),), time_facts(at))
    movement = work.books[back.member_id].claw_back(
        evaluate(work.terms.rules, bought).points,
        own_lot=None,
        may_owe=False,
        at=work.now,
        source=f"return:{back.pk}",
        occurred_at=back.occurred_at,
        trace={"refunded_minor": goods, "unmatched": True},
    )
    _qualify(work, back.member_id, -goods, movement.source, back.occurred_at)


def _qualify(
    work: _Work, member_id: int, value_minor: int, source: str, at: datetime
) -> None:
    work.qualifying.append(
        QualifyingEntry(
            member_id=member_id,
            value_minor=value_minor,
            source=source,
            occurred_at=at,
        )
    )
