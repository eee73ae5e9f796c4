"""Reading what differs between machines, with a sentence for what makes no sense."""

from django.core.exceptions import ImproperlyConfigured
from environ import Env


def one_of(env: Env, name: str, *choices: str, default: str) -> str:
    """Return one of a few words from the environment.

    Raises:
        ImproperlyConfigured: another one; names the variable and the choices.
    """
    value = env(name, default=default)
    if value not in choices:
        (*some, last) = choices
        words = f"{', '.join(some)} or {last}"
        raise ImproperlyConfigured(f"{name} is {value!r}; use {words}.")
    return value
