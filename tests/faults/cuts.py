"""Cut an effect before and after each of its SQL statements, and try again.

SQLite's method from outside: run it once to count its statements, commits included,
then once more for every place, losing the connection there. After each cut

* others see a state that a whole run commits, too: nothing half done;
* whoever tries again ends in exactly the state of a run that was never cut.

A cut after a commit is the commit whose answer is lost: the effect happened and the
caller does not know.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import psycopg
from django.db import (
    DatabaseError,
    InterfaceError,
    OperationalError,
    connection,
)

from tests.faults.states import (
    Kept,
    State,
    align_sequences,
    differences,
    look,
)


class Cut(OperationalError):
    """The connection was lost here, on purpose."""


@dataclass(frozen=True)
class Effect:
    """Something that is done once, however often it is tried.

    ``again`` is what the caller, or the next worker, does after a failure. ``commits``
    is how many states one after the other others may see: 1 for a single transaction.
    ``outside`` tells what happened outside of the database, ``forget`` begins anew there.
    """

    run: Callable[[], Any]
    again: Callable[[], Any] | None = None
    commits: int = 1
    outside: Callable[[], Any] = field(default=lambda: None)
    forget: Callable[[], Any] = field(default=lambda: None)


@dataclass(frozen=True)
class Place:
    """Before or after statement number ``number``; by an error, or by a real kill."""

    number: int
    is_after: bool
    kills: bool = False


@dataclass(frozen=True)
class Findings:
    """How much was tried."""

    statements: int
    cuts: int
    kills: int


def cut_everywhere(effect: Effect, *, kill_every: int = 0) -> Findings:
    """Cut ``effect`` at every place and fail on the first wrong state.

    The database is as the test left it, before each run and afterwards.

    Args:
        kill_every: also end the server's process for the connection at every so
            many-th place; 0 never does.
    """
    kept = Kept()
    # Once to fill the caches of this process: later runs ask the same number of times.
    effect.forget()
    effect.run()
    kept.put_back()
    states, statements = _whole_run(effect)
    outside = effect.outside()
    kept.put_back()
    assert len(states) == effect.commits + 1, (
        f"A whole run shows {len(states) - 1} states, not {effect.commits}."
    )
    places = list(_places(statements, kill_every))
    for place in places:
        seen = _cut(effect, place)
        assert seen in states, _told("Half done", place, states[0], seen)
        (kept.renumber if seen == states[0] else align_sequences)()
        (effect.again or effect.run)()
        ended = _seen()
        assert ended == states[-1], _told("Ended else", place, states[-1], ended)
        assert effect.outside() == outside, f"Outside differs after {place}."
        kept.put_back()
    return Findings(statements, len(places), sum(place.kills for place in places))


def _places(statements: int, kill_every: int) -> Iterator[Place]:
    for number in range(1, statements + 1):
        for is_after in (False, True):
            yield Place(number, is_after)
            if kill_every and number % kill_every == 0:
                yield Place(number, is_after, kills=True)


def _whole_run(effect: Effect) -> tuple[list[State], int]:
    """Run without a cut; return the states that others see, and the statements."""
    effect.forget()
    with _watcher() as cursor:
        states = [look(cursor)]

        def note() -> None:
            state = look(cursor)
            if state != states[-1]:
                states.append(state)

        scissors = Scissors(on_commit=note)
        with scissors.in_hand():
            effect.run()
    return states, scissors.count


def _cut(effect: Effect, place: Place) -> State:
    """Run with a cut; return what others see then."""
    effect.forget()
    scissors = Scissors(place)
    # A worker that survives its cut notes the failure and goes on; others raise.
    with scissors.in_hand(), suppress(DatabaseError, InterfaceError):
        effect.run()
    assert scissors.is_done, f"{place} was never reached."
    connection.close_if_unusable_or_obsolete()
    return _seen()


def _told(what: str, place: Place, wanted: State, found: State) -> str:
    return f"{what} after {place}:\n{differences(wanted, found)}"


def _seen() -> State:
    with connection.cursor() as cursor:
        return look(cursor)


class Scissors:
    """Counts statements and commits of the connection, and cuts at one of them."""

    def __init__(self, place: Place | None = None, on_commit=lambda: None):
        self.place, self.on_commit = place, on_commit
        self.count = 0
        self.is_done = False

    @contextmanager
    def in_hand(self) -> Iterator[None]:
        """Let every statement and commit inside pass through ``step``."""
        commit = connection._commit

        def counted_commit() -> None:
            self.step(commit)
            self.on_commit()

        def counted_statement(execute, sql, params, many, context):
            answer = self.step(lambda: execute(sql, params, many, context))
            if not connection.in_atomic_block:
                self.on_commit()
            return answer

        connection._commit = counted_commit
        try:
            with connection.execute_wrapper(counted_statement):
                yield
        finally:
            del connection._commit

    def step(self, do: Callable[[], Any]) -> Any:
        """Do one thing, unless the cut is here."""
        self.count += 1
        here = (
            self.place is not None
            and self.count == self.place.number
            and not self.is_done
        )
        if here and not self.place.is_after:
            self._snip()
        answer = do()
        if here and self.place.is_after:
            self._snip()
        return answer

    def _snip(self) -> None:
        self.is_done = True
        if self.place.kills:
            # Whoever goes on finds the connection dead by itself.
            _kill_backend()
        else:
            raise Cut(f"Cut at {self.place}.")


def _kill_backend() -> None:
    """End the server's process for Django's connection, and wait till it is gone."""
    pid = connection.connection.info.backend_pid
    with _watcher() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])


@contextmanager
def _watcher() -> Iterator[psycopg.Cursor]:
    """Connect beside Django: sees only what is committed."""
    asked = connection.get_connection_params()
    names = {"dbname", "host", "port", "user", "password"} & asked.keys()
    wanted = {name: asked[name] for name in names}
    with psycopg.connect(**wanted, autocommit=True) as watcher:
        yield watcher.cursor()
