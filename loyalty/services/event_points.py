"""Points for what is no purchase: joining, reviews, birthdays, check-ins."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from loyalty.models import EarningRule, PointsAccount, PointsEntry, QualifyingEntry
from loyalty.queries.earning import EarningTerms, earning_terms
from loyalty.queries.purchases import member_facts, time_facts
from loyalty.rules.earning import Earned, Occurrence, Part, evaluate
from loyalty.rules.ledger import Book
from loyalty.services.capping import open_tallies
from loyalty.services.counting import counted_for, known_counts
from loyalty.services.order_points import end_of_points
from loyalty.services.posting import book_of, open_accounts, post
from members.models import Member

_ACTOR = "loyalty.rewarding"
_Occasion = EarningRule.Occasion
#: What the member's history says.
REASONS = {
    _Occasion.JOINED: _("Joined"),
    _Occasion.PROFILE: _("Profile completed"),
    _Occasion.BIRTHDAY: _("Birthday"),
    _Occasion.CHECK_IN: _("Checked in"),
    _Occasion.REVIEW: _("Review published"),
    _Occasion.INVITE: _("Invitation accepted"),
    _Occasion.SHARE: _("Shared"),
    _Occasion.SURVEY: _("Survey answered"),
    _Occasion.ATTENDANCE: _("Came to an event"),
}


@dataclass(frozen=True, slots=True)
class Happening:
    """Something a member did. ``source`` names it and earns once (P4)."""

    member_id: int
    source: str
    #: Told with it, for rules that count by it.
    number: int = 0
    facts: Mapping[str, Any] = field(default_factory=dict)


@transaction.atomic
def grant_for_event(
    *, occasion: str, happening: Happening, now: datetime
) -> PointsEntry | None:
    """Grant what the rules of an occasion give; see ``grant_for_events``.

    Returns:
        The entry, the same one on every call; None when no rule gives anything, or the
        membership may not earn.
    """
    found = grant_for_events(occasion=occasion, happenings=[happening], now=now)
    return found.get((happening.member_id, happening.source))


@transaction.atomic
def grant_for_events(
    *, occasion: str, happenings: Sequence[Happening], now: datetime
) -> dict[tuple[int, str], PointsEntry]:
    """Grant what the rules of an occasion give, each source once per member (P4).

    The same few statements for one member or many. Points can be spent at once, and
    pay debt first (P18); a cap that is used up leaves an entry of 0 points (P24).

    Returns:
        Entries by member and source, old and new ones; who earns nothing is absent.
    """
    terms = earning_terms(occasion)
    if not terms.rows:
        return {}
    members = {
        member.pk: member
        for member in Member.objects.may_earn()
        .only("joined_at", "birth_month")
        .filter(pk__in={each.member_id for each in happenings})
    }
    accounts = _locked(sorted(members), now)
    for gone in _merged_meanwhile(accounts):
        del members[gone], accounts[gone]
    found = _granted(accounts, {each.source for each in happenings})
    fresh = [
        each
        for each in happenings
        if each.member_id in members and (each.member_id, each.source) not in found
    ]
    tallies = open_tallies(
        rows=terms.rows, asked=((each.member_id, now) for each in fresh)
    )
    books: dict[int, Book] = {}
    counted: list[QualifyingEntry] = []
    known = _counted_before(accounts, terms, fresh)
    for each in fresh:
        account = accounts[each.member_id]
        earned = _earned(each, members[each.member_id], account, terms, now)
        if (each.member_id, each.source) not in known:
            counted += counted_for(
                earned.occurrence,
                terms=terms,
                tallies=tallies,
                member_id=each.member_id,
                source=each.source,
            )
        earned = tallies.cap(earned, member_id=each.member_id)
        if earned.points or any(part.capped > 0 for part in earned.counted):
            book = books.setdefault(each.member_id, book_of(account))
            _book(book, each, earned, occasion, terms)
    found |= {(e.account_id, e.source): e for e in post(list(books.values()))}
    QualifyingEntry.objects.bulk_create(counted)
    tallies.write()
    return found


def _book(
    book: Book, happening: Happening, earned: Earned, occasion: str, terms: EarningTerms
) -> None:
    now = earned.occurrence.at
    book.add(
        PointsEntry.Kind.GRANT,
        earned.points,
        source=happening.source,
        occurred_at=now,
        active_at=now,
        expires_at=end_of_points(active_at=now, terms=terms.program),
        reason=str(REASONS[_Occasion(occasion)]),
        actor=_ACTOR,
        trace=earned.trace(lines=False),
    )


def _counted_before(
    accounts: Mapping[int, PointsAccount],
    terms: EarningTerms,
    fresh: Sequence[Happening],
) -> set[tuple[int, str]]:
    """Return what counted in some currency before, also in accounts merged with these.

    Nothing is asked where no rule awards any.
    """
    if not (fresh and terms.currencies):
        return set()
    owner = {old: pk for pk, row in accounts.items() for old in row.accounts}
    before = known_counts(members=owner, sources={each.source for each in fresh})
    return {(owner[member_id], source) for member_id, source in before}


def _locked(members: Sequence[int], now: datetime) -> dict[int, PointsAccount]:
    rows = PointsAccount.objects.select_related("tier").select_for_update(
        of=["self"], no_key=True
    )
    rows = rows.filter(pk__in=members).order_by("pk")
    accounts = {account.pk: account for account in rows}
    if len(accounts) < len(members):
        open_accounts(member_ids=members, now=now)
        accounts = {account.pk: account for account in rows.all()}
    return accounts


def _merged_meanwhile(accounts: Mapping[int, PointsAccount]) -> set[int]:
    """Return who was merged into another while their accounts were waited for (P28).

    Nothing is asked of accounts that were never merged.
    """
    merged = {pk for pk, account in accounts.items() if account.merged_with}
    if not merged:
        return merged
    still = Member.objects.may_earn().filter(pk__in=merged)
    return merged - set(still.values_list("pk", flat=True))


def _granted(
    accounts: Mapping[int, PointsAccount], sources: set[str]
) -> dict[tuple[int, str], PointsEntry]:
    """Return what was granted before, also in accounts merged with these."""
    owner = {old: pk for pk, row in accounts.items() for old in row.accounts}
    entries = PointsEntry.objects.filter(
        account_id__in=owner, kind=PointsEntry.Kind.GRANT, source__in=sources
    )
    return {(owner[entry.account_id], entry.source): entry for entry in entries}


def _earned(
    happening: Happening,
    member: Member,
    account: PointsAccount,
    terms: EarningTerms,
    now: datetime,
) -> Earned:
    facts = {
        **member_facts(
            tier_code=account.tier.code if account.tier else "",
            joined_at=member.joined_at,
            birth_month=member.birth_month,
            at=now,
        ),
        **time_facts(now),
        "event.number": happening.number,
        **happening.facts,
    }
    return evaluate(
        terms.rules, Occurrence(now, (Part(),), facts, number=happening.number)
    )
