"""Keys change while people work: nothing unreadable, nobody lost, no error (S9)."""

import base64
import contextlib
import random
from threading import Event, Thread

import pytest
from django.core.management import call_command
from django.db import connection

from crm.shared.encryption import key_number
from crm.shared.keyring import Keyring
from crm.shared.models import IdempotencyKey
from crm.shared.rotation import rotate_keys
from members.models import Member, Note, User
from members.queries import email_is, phone_is
from members.services.aliasing import known_alias
from members.services.correcting import correct_member, renew_aliases
from members.services.joining import join, open_login
from members.services.noting import add_note
from tests.cast import NOON

MEMBERS = 500
LOGINS = 40
WRITERS = READERS = 2


def ring(*numbers: int) -> Keyring:
    """Return a key ring; the first number writes, all read."""
    return Keyring(
        primary=numbers[0],
        index_primary=numbers[0],
        keys={n: bytes([n]) * 32 for n in numbers},
        index_keys={n: bytes([100 + n]) * 32 for n in numbers},
    )


def phone_of(n: int) -> str:
    return f"+86138{n:08d}"


def email_of(n: int) -> str:
    return f"person{n}@example.com"


def has_login(email: str) -> bool:
    return User.objects.filter(email=known_alias(email)).exists()


@pytest.fixture
def crowd(settings):
    settings.KEYRING = ring(1)
    people = [
        join(
            name=f"Person {n}",
            phone=phone_of(n),
            email=email_of(n),
            source="tests",
            now=NOON,
        )
        for n in range(MEMBERS)
    ]
    for member in people[:LOGINS]:
        open_login(member_id=member.pk)
    return people


class Work:
    """Threads that read and write until told to stop; what went wrong is kept."""

    def __init__(self, people: list[Member]):
        self.people = people
        self.stop = Event()
        self.errors: list[str] = []
        self.done = {"read": 0, "written": 0}
        self.threads: list[Thread] = []

    def __enter__(self):
        self.stop.clear()
        self.threads = [
            Thread(target=self._run, args=(kind, seed))
            for kind, count in ((self._read, READERS), (self._write, WRITERS))
            for seed in range(count)
        ]
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *failure):
        self.stop.set()
        for thread in self.threads:
            thread.join()

    @contextlib.contextmanager
    def restarted(self):
        """End every step begun, as a restart does; the threads go on after it.

        A process learns of other keys only by a restart: none sees its ring change
        between sealing a value and committing it.
        """
        self.__exit__()
        yield
        self.__enter__()

    def _run(self, step, seed: int) -> None:
        chance = random.Random(seed)
        try:
            while not self.stop.is_set():
                step(chance, seed)
        except Exception as error:
            self.errors.append(f"{step.__name__}: {type(error).__name__}: {error}")
        finally:
            connection.close()

    def _read(self, chance, seed) -> None:
        n = chance.randrange(MEMBERS)
        found = Member.objects.get(phone_is(phone_of(n)))
        assert found.pk == self.people[n].pk
        assert Member.objects.get(email_is(email_of(n))).phone == phone_of(n)
        assert found.name.startswith(f"Person {n}")
        login = chance.randrange(LOGINS)
        # Its alias may be renewed between the two questions, once.
        assert has_login(email_of(login)) or has_login(email_of(login))
        self.done["read"] += 1

    def _write(self, chance, seed) -> None:
        # Writers keep to their own members, so that the last name is known.
        n = chance.randrange(MEMBERS // WRITERS) * WRITERS + seed
        text = f"Person {n} {chance.randrange(10**6)}"
        correct_member(member_id=self.people[n].pk, changes={"name": text}, now=NOON)
        assert Member.objects.get(pk=self.people[n].pk).name == text
        add_note(member_id=self.people[n].pk, text=text, author=None, now=NOON)
        self.done["written"] += 1


def rotated() -> None:
    """Do what the command does until nobody overtakes it."""
    for _round in range(10):
        done = rotate_keys()
        assert done.failed == []
        if not done.overtaken and not done.rewritten:
            return
    raise AssertionError("rotation did not end")


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_keys_change_while_people_work(crowd, settings):
    kept = IdempotencyKey.objects.create(caller="user:1", key="k", status=None)
    kept.status, kept.body = 201, '{"text": "broken"}'
    kept.save()
    with Work(crowd) as work:
        with work.restarted():
            settings.KEYRING = ring(1, 2)  # everybody can read the new key
        with work.restarted():
            settings.KEYRING = ring(2, 1)  # and now writes it
        rotated()
        assert renew_aliases() == LOGINS
        with work.restarted():
            settings.KEYRING = ring(2)  # the old key is gone, work goes on
        before = dict(work.done)
        work.stop.wait(0.5)
    assert work.errors == []
    assert work.done["read"] > before["read"] > 0
    assert work.done["written"] > before["written"] > 0

    rows = Member.objects.values_list("name", "phone", "email", "phone_index")
    assert len(rows) == MEMBERS
    for *sealed, mark in rows:
        assert {key_number(value.blob) for value in sealed} == {2}
        assert bytes(mark)[0] == 2
    names = {member.pk: member.name for member in Member.objects.all()}
    newest = {}
    for note in Note.objects.order_by("id"):
        newest[note.member_id] = note.text
    assert {pk: names[pk] for pk in newest} == newest  # no edit was lost
    kept.refresh_from_db()
    assert kept.body == '{"text": "broken"}'
    call_command("rotate_keys", "--dry-run")


def test_the_rings_differ():
    """The test would prove nothing if both keys were one."""
    one, two = ring(1), ring(2)
    assert base64.b64encode(one.keys[1]) != base64.b64encode(two.keys[2])
    assert one.index_keys[1] != two.index_keys[2]
