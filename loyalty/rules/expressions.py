"""Flat expressions such as ``visits >= 3 and spend >= 100 or vip``. Plain Python.

A flat expression has no precedence: it is read from left to right, so the one above
is ``(visits >= 3 and spend >= 100) or vip``. Brackets group.
"""

import re
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

from loyalty.rules.ladders import compare

_TOKEN = re.compile(
    r"\s*(?:(?P<op>>=|<=|==|!=|<|>|=|&&|\|\||[()])|(?P<number>-?\d+(?:\.\d+)?)"
    r"|(?P<word>[^\W\d][\w.:-]*))"
)
_JOINS = {"and": "and", "&&": "and", "or": "or", "||": "or"}
_COMPARES = {">=": "gte", "<=": "lte", ">": "gt", "<": "lt", "=": "eq", "==": "eq"}


class UnreadableExpression(ValueError):
    """The expression says something that is no comparison, name or join."""


def satisfied(expression: str, values: Mapping[str, Any]) -> bool:
    """Whether an expression holds for some values.

    Args:
        values: by name: numbers to compare, or true and false to stand alone.

    Raises:
        UnreadableExpression: it cannot be read, or names a value that is not given.

    >>> satisfied("a or b and c", {"a": True, "b": True, "c": False})
    False
    """
    reader = _Reader(_tokens(expression), values)
    found = reader.joined()
    if reader.left:
        raise UnreadableExpression(f"{reader.left[0]} in an expression")
    return found


def _tokens(expression: str) -> list[str]:
    found, at = [], 0
    text = expression.rstrip()
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise UnreadableExpression(f"{text[at:]} in an expression")
        found.append(match.group().strip())
        at = match.end()
    return found


class _Reader:
    """Reads tokens one after another."""

    def __init__(self, tokens: Sequence[str], values: Mapping[str, Any]) -> None:
        self.left = list(tokens)
        self.values = values

    def joined(self) -> bool:
        found = self._term()
        while self.left and self.left[0].lower() in _JOINS:
            join = _JOINS[self.left.pop(0).lower()]
            term = self._term()
            found = (found and term) if join == "and" else (found or term)
        return found

    def _term(self) -> bool:
        word = self._next()
        if word.lower() == "not":
            return not self._term()
        if word == "(":
            found = self.joined()
            if self._next() != ")":
                raise UnreadableExpression("a bracket that is not closed")
            return found
        value = self._value(word)
        if self.left and self.left[0] in {*_COMPARES, "!="}:
            how, other = self._next(), self._value(self._next())
            if how == "!=":
                return not compare("eq", value, other)
            return compare(_COMPARES[how], value, other)
        return bool(value)

    def _next(self) -> str:
        if not self.left:
            raise UnreadableExpression("an expression that ends too early")
        return self.left.pop(0)

    def _value(self, token: str) -> Fraction:
        found = self.values.get(token)
        if found is None:
            if token.lower() in {"true", "false"}:
                return Fraction(token.lower() == "true")
            if not re.fullmatch(r"-?\d+(\.\d+)?", token):
                raise UnreadableExpression(f"value {token} is not given")
            found = token
        return Fraction(int(found)) if isinstance(found, bool) else Fraction(str(found))
