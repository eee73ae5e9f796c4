"""What rules award beside points: entries of counted currencies, and their return."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from django.db.models import Sum

from loyalty.models import VALUE, PointsAccount, QualifyingEntry
from loyalty.queries.earning import EarningTerms
from loyalty.queries.purchases import WHOLE
from loyalty.rules.clawback import EarnedLine, points_due
from loyalty.rules.earning import Occurrence, evaluate
from loyalty.services.capping import Tallies


def counted_for(
    occurrence: Occurrence,
    *,
    terms: EarningTerms,
    tallies: Tallies,
    member_id: int,
    source: str,
) -> list[QualifyingEntry]:
    """Return what an occurrence brings of every counted currency, not yet written.

    By the same rules as points (P6, P8), without the multiplier of the tier; caps hold
    back what is over (P24).

    Args:
        tallies: opened for the rows of ``terms``; written by the caller.
        source: names the occurrence; it counts once in each currency (P4).
    """
    is_split = any(part.position != WHOLE for part in occurrence.parts)
    found = []
    for currency in terms.currencies:
        earned = evaluate(terms.rules_in(currency), occurrence)
        earned = tallies.cap(earned, member_id=member_id)
        if earned.points:
            entry = QualifyingEntry(
                member_id=member_id,
                currency_id=currency,
                value_minor=earned.points,
                source=source,
                occurred_at=occurrence.at,
                trace=earned.trace(lines=is_split),
            )
            found.append(entry)
    return found


@dataclass(frozen=True, slots=True)
class GivenBack:
    """What of an order is back after a refund, to be taken from what it counted."""

    account: PointsAccount
    #: What names the order, and the refund.
    order_source: str
    source: str
    basis_minor: int
    refunded_minor: int
    lines: dict[int, EarnedLine]


def counted_back(given: Sequence[GivenBack]) -> list[QualifyingEntry]:
    """Return what refunds take back of counted currencies, not yet written (P19).

    By line, as of points. It falls on the day of the order (T2). One statement.
    """
    awards = _awards(
        members={pk for each in given for pk in each.account.accounts},
        sources={each.order_source for each in given},
    )
    found: list[QualifyingEntry] = []
    for each in given:
        for award in awards:
            is_own = award.member_id in each.account.accounts
            if not is_own or award.source != each.order_source:
                continue
            split = award.trace.get("lines", {})
            due = points_due(
                award.value_minor,
                basis_minor=each.basis_minor,
                refunded_minor=each.refunded_minor,
                taken=award.taken,
                lines=[
                    replace(line, points=split.get(str(at), 0))
                    for at, line in each.lines.items()
                ],
            )
            award.taken += due
            if due:
                found.append(_reversal(award, due, each.account.pk, each.source))
    return found


def take_event_back(*, account: PointsAccount, source: str) -> None:
    """Take back all that an event counted, once; its account is locked."""
    awards = _awards(members=account.accounts, sources={source})
    QualifyingEntry.objects.bulk_create(
        _reversal(award, award.value_minor, account.pk, f"back:{source}"[:80])
        for award in awards
        if not award.taken
    )


def known_counts(
    *, members: Collection[int], sources: Collection[str]
) -> set[tuple[int, str]]:
    """Return members and sources that counted in some currency before."""
    rows = _awards(members=members, sources=sources)
    return {(row.member_id, row.source) for row in rows}


def _awards(
    *, members: Collection[int], sources: Collection[str]
) -> list[QualifyingEntry]:
    """Return what sources counted, each with ``taken``: what is taken back of it."""
    awards = QualifyingEntry.objects.filter(
        member_id__in=members, source__in=sources, reverses=None
    ).exclude(currency=VALUE)
    found = list(awards.annotate(back=Sum("reversals__value_minor", default=0)))
    for award in found:
        award.taken = -award.back
    return found


def _reversal(
    award: QualifyingEntry, due: int, member_id: int, source: str
) -> QualifyingEntry:
    return QualifyingEntry(
        member_id=member_id,
        currency_id=award.currency_id,
        value_minor=-due,
        source=source,
        occurred_at=award.occurred_at,
        reverses=award,
    )
