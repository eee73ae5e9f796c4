import threading

import pytest
from allauth.mfa.models import Authenticator
from django.db import connection

from members.services.passkeys import count_use
from tests.cast import NOON, make_user


@pytest.mark.django_db(transaction=True)
def test_of_ten_answers_with_one_number_one_counts():
    row = Authenticator.objects.create(
        user=make_user("bob"), type="webauthn", data={"counter": 4}
    )
    found = []

    def attempt():
        try:
            found.append(count_use(passkey_id=row.pk, shown=5, now=NOON))
        finally:
            connection.close()

    threads = [threading.Thread(target=attempt) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(found) == [False] * 9 + [True]
    row.refresh_from_db()
    assert row.data == {"counter": 5}
