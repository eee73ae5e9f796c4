"""How a business rule says no."""

from typing import Any

from django.utils.translation import gettext


class Refusal(Exception):
    """This is not possible.

    A business rule said no and nothing was written. Subclasses live beside the
    service that raises them. The first docstring line is the message shown to
    people; where it must be found by ``makemessages``, or needs numbers, the class
    sets ``message = gettext_lazy("You have %(points)s points.")`` instead.
    ``code`` is what programs read, ``status`` the HTTP answer: 409 for state and
    concurrency, 422 for a rule that refuses the request itself.

    Keyword arguments are put into the message and handed to programs as ``params``,
    so they must be JSON values and never personal data.

    >>> class NotEnough(Refusal):
    ...     '''You are %(missing)s points short.'''
    >>> str(NotEnough(missing=3))
    'You are 3 points short.'
    """

    code = "refused"
    status = 409
    message: Any = ""
    #: RFC 6901 pointer to the offending part of the request body, if there is one.
    pointer = ""

    def __init__(self, **params: Any) -> None:
        """Keep what the message and programs need to know."""
        super().__init__()
        self.params = params

    def __str__(self) -> str:
        """Return the message in the active language."""
        text = str(self.message) or gettext(first_line(type(self).__doc__))
        return text % self.params if "%(" in text else text

    def __reduce__(self):
        """Survive pickling with the params (the default would lose them)."""
        return (_rebuild, (type(self), self.params))


def _rebuild(kind: type[Refusal], params: dict[str, Any]) -> Refusal:
    return kind(**params)


def first_line(docstring: str | None) -> str:
    """Return the first non-empty line of a docstring, or ``""``."""
    lines = (docstring or "").strip().splitlines()
    return lines[0].strip() if lines else ""
