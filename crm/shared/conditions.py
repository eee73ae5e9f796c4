"""One grammar of conditions: a JSON tree that asks about facts by name (ADR 0009).

``{"all": […]}``, ``{"any": […]}``, ``{"not": {…}}`` join questions such as
``{"field": "member.tier", "is": "in", "value": ["gold"]}``. Which fields there are, and
of which kind, is the vocabulary of whoever asks. What is not known answers no question
but ``unknown``; "not" turns that round. Here a tree is read strictly and held against
facts in memory; ``condition_sql`` asks the same of the database. Plain Python.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal, Protocol

Kind = Literal["number", "money", "text", "choice", "date", "flag", "set"]
Facts = Mapping[str, Any]

#: Bounds that keep a tree readable, and its SQL small.
MOST_DEPTH, MOST_QUESTIONS, MOST_VALUES = 6, 60, 500
_LONGEST_TEXT = 200
_BIGGEST = 10**15

_ORDERED = ("eq", "ne", "lt", "lte", "gt", "gte", "between")
_KNOWN = ("known", "unknown")
#: What may be asked of a field, by its kind.
QUESTIONS: dict[str, tuple[str, ...]] = {
    "number": _ORDERED + _KNOWN,
    "money": _ORDERED + _KNOWN,
    "date": _ORDERED + _KNOWN,
    "text": ("eq", "ne", "in", "not_in", *_KNOWN),
    "choice": ("eq", "ne", "in", "not_in", *_KNOWN),
    "flag": ("yes", "no"),
    "set": ("any_of", "all_of", "none_of"),
}
_LISTS = frozenset({"in", "not_in", "any_of", "all_of", "none_of"})
_WITHOUT_VALUE = frozenset({"known", "unknown", "yes", "no"})


class ConditionError(ValueError):
    """A tree that asks nothing sensible: where, and what is wrong.

    ``path`` is as in ``all[1].value``; ``problem`` is one of ``not_a_node``,
    ``unknown_field``, ``unknown_question``, ``not_a_value``, ``empty``, ``too_deep``,
    ``too_many``.
    """

    def __init__(self, path: str, problem: str):
        """Keep both."""
        super().__init__(f"{path or 'condition'}: {problem}")
        self.path = path
        self.problem = problem


@dataclass(frozen=True, slots=True)
class Field:
    """Something that can be asked about. ``label`` is shown to people.

    Dates are days, money is minor units, a set holds codes.
    """

    name: str
    kind: Kind
    label: Any
    #: Codes with their labels, read when somebody chooses; none is free text.
    choices: Callable[[], Sequence[tuple[str, Any]]] | None = None


Vocabulary = Mapping[str, Field]


class Condition(Protocol):
    """A tree that was read."""

    def holds(self, facts: Facts) -> bool:
        """Whether it holds for what is known; a missing fact is not known."""

    def questions(self) -> "Iterator[Question]":
        """Yield the questions of the tree, from left to right."""


@dataclass(frozen=True, slots=True)
class Question:
    """One question about one field.

    ``value`` is None, one value, a pair (``between``, both inside) or a tuple.
    """

    field: Field
    how: str
    value: Any = None

    def holds(self, facts: Facts) -> bool:
        """Whether the fact answers it with yes."""
        return _ASKED[self.how](_known(self.field, facts), self.value)

    def questions(self) -> "Iterator[Question]":
        """Yield itself."""
        yield self


@dataclass(frozen=True, slots=True)
class All:
    """Every part holds; of none, all do."""

    parts: tuple[Condition, ...]

    def holds(self, facts: Facts) -> bool:
        """Whether every part holds."""
        return all(part.holds(facts) for part in self.parts)

    def questions(self) -> Iterator[Question]:
        """Yield those of its parts."""
        for part in self.parts:
            yield from part.questions()


@dataclass(frozen=True, slots=True)
class Any_:
    """At least one part holds."""

    parts: tuple[Condition, ...]

    def holds(self, facts: Facts) -> bool:
        """Whether some part holds."""
        return any(part.holds(facts) for part in self.parts)

    def questions(self) -> Iterator[Question]:
        """Yield those of its parts."""
        for part in self.parts:
            yield from part.questions()


@dataclass(frozen=True, slots=True)
class Not:
    """The part does not hold; also where it asks what is not known."""

    part: Condition

    def holds(self, facts: Facts) -> bool:
        """Whether the part does not."""
        return not self.part.holds(facts)

    def questions(self) -> Iterator[Question]:
        """Yield those of its part."""
        yield from self.part.questions()


#: Asks nothing, so everybody answers.
EVERYBODY = All(())


def read_condition(tree: Any, vocabulary: Vocabulary) -> Condition:
    """Return the condition of a tree; an empty object asks nothing.

    Raises:
        ConditionError: naming the place.

    >>> age = Field("member.age", "number", "age")
    >>> tree = {"field": "member.age", "is": "gte", "value": 18}
    >>> read_condition(tree, {"member.age": age}).holds({"member.age": 18})
    True
    """
    if tree == {}:
        return EVERYBODY
    condition = _read(tree, vocabulary, "", MOST_DEPTH)
    if sum(1 for _each in condition.questions()) > MOST_QUESTIONS:
        raise ConditionError("", "too_many")
    return condition


def fields_of(condition: Condition) -> frozenset[str]:
    """Return the names of the facts that a condition asks for."""
    return frozenset(each.field.name for each in condition.questions())


def _read(tree: Any, vocabulary: Vocabulary, path: str, depth: int) -> Condition:
    if depth == 0:
        raise ConditionError(path, "too_deep")
    if not isinstance(tree, dict):
        raise ConditionError(path, "not_a_node")
    if set(tree) == {"not"}:
        return Not(_read(tree["not"], vocabulary, _at(path, "not"), depth - 1))
    for word, node in (("all", All), ("any", Any_)):
        if set(tree) == {word}:
            parts, inner = tree[word], _at(path, word)
            if not isinstance(parts, list):
                raise ConditionError(inner, "not_a_node")
            if not parts:
                raise ConditionError(inner, "empty")
            return node(
                tuple(
                    _read(part, vocabulary, f"{inner}[{place}]", depth - 1)
                    for place, part in enumerate(parts)
                )
            )
    return _question(tree, vocabulary, path)


def _question(tree: dict, vocabulary: Vocabulary, path: str) -> Question:
    if not {"field", "is"} <= set(tree) <= {"field", "is", "value"}:
        raise ConditionError(path, "not_a_node")
    name, how = tree["field"], tree["is"]
    if not isinstance(name, str) or name not in vocabulary:
        raise ConditionError(_at(path, "field"), "unknown_field")
    field = vocabulary[name]
    if how not in QUESTIONS[field.kind]:
        raise ConditionError(_at(path, "is"), "unknown_question")
    value = tree.get("value")
    place = _at(path, "value")
    if how in _WITHOUT_VALUE:
        if value is not None:
            raise ConditionError(place, "not_a_value")
        return Question(field, how)
    if how in _LISTS:
        return Question(field, how, _several(field, value, place))
    if how == "between":
        pair = _several(field, value, place)
        if len(pair) != 2 or pair[0] > pair[1]:
            raise ConditionError(place, "not_a_value")
        return Question(field, how, pair)
    return Question(field, how, _one(field, value, place))


def _several(field: Field, value: Any, path: str) -> tuple[Any, ...]:
    if not isinstance(value, list | tuple):
        raise ConditionError(path, "not_a_value")
    if not value:
        raise ConditionError(path, "empty")
    if len(value) > MOST_VALUES:
        raise ConditionError(path, "too_many")
    return tuple(
        _one(field, each, f"{path}[{place}]") for place, each in enumerate(value)
    )


def _one(field: Field, value: Any, path: str) -> Any:
    if field.kind in ("number", "money"):
        is_whole = isinstance(value, int) and not isinstance(value, bool)
        if is_whole and abs(value) <= _BIGGEST:
            return value
    elif field.kind == "date":
        try:
            return date.fromisoformat(value)
        except (TypeError, ValueError):
            pass
    elif isinstance(value, str) and value and len(value) <= _LONGEST_TEXT:
        return value
    raise ConditionError(path, "not_a_value")


def _at(path: str, step: str) -> str:
    return f"{path}.{step}" if path else step


def _known(field: Field, facts: Facts) -> Any:
    """Return a fact; None where it is not known. An empty text is not known either."""
    found = facts.get(field.name)
    if field.kind == "set":
        return frozenset(found or ())
    return None if found == "" else found


#: Question -> what it asks of a known value (None where unknown).
_ASKED: dict[str, Callable[[Any, Any], bool]] = {
    "eq": lambda found, value: found is not None and found == value,
    "ne": lambda found, value: found is not None and found != value,
    "lt": lambda found, value: found is not None and found < value,
    "lte": lambda found, value: found is not None and found <= value,
    "gt": lambda found, value: found is not None and found > value,
    "gte": lambda found, value: found is not None and found >= value,
    "between": lambda found, pair: found is not None and pair[0] <= found <= pair[1],
    "in": lambda found, values: found in values,
    "not_in": lambda found, values: found is not None and found not in values,
    "known": lambda found, _value: found is not None,
    "unknown": lambda found, _value: found is None,
    "yes": lambda found, _value: bool(found),
    "no": lambda found, _value: not found,
    "any_of": lambda found, values: not found.isdisjoint(values),
    "all_of": lambda found, values: found.issuperset(values),
    "none_of": lambda found, values: found.isdisjoint(values),
}
