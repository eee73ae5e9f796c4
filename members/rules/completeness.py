"""How complete a profile is. Plain Python."""

from collections.abc import Collection

#: Field -> its weight in percent. What helps to reach and to know a member weighs most.
WEIGHTS: dict[str, int] = {
    "name": 10,
    "phone": 20,
    "email": 15,
    "birthday": 15,
    "gender": 5,
    "city": 10,
    "nickname": 5,
    "occupation": 5,
    "education": 5,
    "interests": 10,
}
COMPLETE = 100


def completeness(filled: Collection[str]) -> int:
    """Return the percentage of a profile in which the fields ``filled`` say something.

    Fields without weight, such as a picture, do not count: nobody is asked for their
    face to get points.

    >>> completeness({"name", "phone"})
    30
    """
    return sum(weight for field, weight in WEIGHTS.items() if field in filled)


def missing(filled: Collection[str]) -> list[str]:
    """Return what is still to be told, the weightiest first."""
    left = [field for field in WEIGHTS if field not in filled]
    return sorted(left, key=lambda field: -WEIGHTS[field])
