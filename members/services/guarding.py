"""How many passwords may be tried, and how many codes of a second factor.

Three counts, so that one who guesses is stopped and the owner is not: per login and
caller (one account, many passwords), per caller (many accounts, one password), and
per login from everywhere (many callers, one account). The last does not count for a
network the login was lately signed in from: others cannot lock its owner out.
"""

from datetime import datetime, timedelta

from django.db.models import Q

from crm.shared.allowances import Rate, Spending, give_back, spend
from members.models import Session

PER_LOGIN = Rate("password.login", 5, timedelta(minutes=5))
PER_LOGIN_DAY = Rate("password.login.day", 30, timedelta(days=1))
PER_CALLER = Rate("password.caller", 40, timedelta(hours=1))
FROM_EVERYWHERE = Rate("password.everywhere", 20, timedelta(hours=1))


def count_try(*, login: str, caller: str, network: str, now: datetime) -> None:
    """Count one try of a password, right or wrong, of a login that may not exist.

    Args:
        login: the alias of an address, or a user name.
        caller: who tries, as ``members.rules.devices.caller_of`` counts them.
        network: where from, as sessions keep it.
        now: aware.

    Raises:
        TooOften: the password is not to be looked at.
    """
    spend(_counts(login, caller, network), now=now)


def forgive_try(*, login: str, caller: str, network: str, now: datetime) -> None:
    """Take a try back: the password was right."""
    give_back(_counts(login, caller, network), now=now)


def _counts(login: str, caller: str, network: str) -> Spending:
    login = login.casefold()
    pair = f"{login}\0{caller}"
    counts = [(PER_LOGIN, pair), (PER_LOGIN_DAY, pair), (PER_CALLER, caller)]
    at_home = Session.objects.filter(
        Q(user__email=login) | Q(user__username__iexact=login), network=network
    )
    return counts if at_home.exists() else [*counts, (FROM_EVERYWHERE, login)]
