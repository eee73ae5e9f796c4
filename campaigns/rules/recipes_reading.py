"""Recipes from JSON and back, field by field and strictly. Plain Python."""

from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, fields
from datetime import time
from functools import cache
from typing import Any

from campaigns.rules.recipes import KINDS, BadRecipe, Beside, Goods, Recipe, When

_PARTS: dict[str, type] = {"goods": Goods, "when": When, "beside": Beside}
#: What a recipe has of each part that nobody gave it.
_USUAL = {each.name: each.default for each in fields(Recipe) if each.name in _PARTS}
_MOST_ENTRIES = 500
_LONGEST_NAME = 80


def read(kind: str, given: object) -> Recipe:
    """Return the recipe that JSON describes.

    Args:
        kind: a key of ``KINDS``.
        given: ``{"gives": …, "goods": …, "when": …, "beside": …}``; what stays as it
            usually is may be left out.

    Raises:
        BadRecipe: an unknown field, another unit than the field's, or numbers that do
            not go together; it names the field.

    >>> read("percent", {"gives": {"percent_bp": 2000}}).gives
    PercentOff(percent_bp=2000)
    """
    if kind not in KINDS:
        raise BadRecipe("kind", "not_a_choice")
    parts = _object("recipe", given)
    for name in parts:
        if name != "gives" and name not in _PARTS:
            raise BadRecipe(str(name), "unknown")
    recipe = Recipe(
        kind=kind,
        gives=_part("gives", KINDS[kind], parts.get("gives", {})),
        **{
            name: _part(name, made, parts[name])
            for name, made in _PARTS.items()
            if name in parts
        },
    )
    recipe.check()
    return recipe


def as_json(recipe: Recipe) -> dict[str, Any]:
    """Return what ``read`` reads, without what stays as it usually is.

    >>> as_json(read("nth_item", {"gives": {"pays_bp": 5000}, "when": {}}))
    {'gives': {'nth': 2, 'pays_bp': 5000, 'most_times': 0}}
    """
    written = {"gives": _written(recipe.gives, keeps_usual=True)}
    for name in _PARTS:
        part = getattr(recipe, name)
        if part is _USUAL[name]:
            continue
        unusual = _written(part, keeps_usual=False)
        if unusual:
            written[name] = unusual
    return written


@cache
def _fields(made: type) -> "tuple[tuple[str, Any, Field[Any]], ...]":
    """Return name, default and field; asked for thousands of recipes at once."""
    return tuple((each.name, each.default, each) for each in fields(made))


def _written(part: Any, *, keeps_usual: bool) -> dict[str, Any]:
    written = {}
    for name, default, _field in _fields(part.__class__):
        value = getattr(part, name)
        if keeps_usual or value != default:
            written[name] = _plain(value)
    return written


def _plain(value: Any) -> Any:
    if isinstance(value, time):
        return f"{value:%H:%M}"
    if isinstance(value, tuple):
        return [_plain(each) for each in value]
    return value


def _object(where: str, given: object) -> Mapping[str, Any]:
    if not isinstance(given, Mapping):
        raise BadRecipe(where, "not_a_list")
    return given


def _part(where: str, made: type, given: object) -> Any:
    """Read one part of a recipe into its class."""
    values = dict(_object(where, given))
    read_values: dict[str, Any] = {}
    for name, default, each in _fields(made):
        if name not in values:
            if default is MISSING:
                raise BadRecipe(f"{where}.{name}", "missing")
            continue
        value = values.pop(name)
        if value is None and default is None:
            continue
        reader = _READERS[each.metadata["is"]]
        read_values[name] = reader(f"{where}.{name}", value, each)
    if values:
        raise BadRecipe(f"{where}.{min(values)}", "unknown")
    return made(**read_values)


def _whole(path: str, value: object, each: "Field[Any]") -> int:
    # A bool is an int to Python, and to nobody else.
    if type(value) is not int:
        raise BadRecipe(path, "not_whole")
    if not each.metadata["least"] <= value <= each.metadata["most"]:
        raise BadRecipe(path, "out_of_range")
    return value


def _yes(path: str, value: object, each: "Field[Any]") -> bool:
    if not isinstance(value, bool):
        raise BadRecipe(path, "not_a_choice")
    return value


def _chosen(path: str, value: object, each: "Field[Any]") -> str:
    if not isinstance(value, str) or value not in each.metadata["choices"]:
        raise BadRecipe(path, "not_a_choice")
    return value


def _clock(path: str, value: object, each: "Field[Any]") -> time:
    try:
        read_time = time.fromisoformat(str(value))
    except ValueError:
        raise BadRecipe(path, "out_of_range") from None
    if read_time.tzinfo is not None or read_time.second or read_time.microsecond:
        raise BadRecipe(path, "out_of_range")
    return read_time


def _entries(path: str, value: object) -> list[Any]:
    if not isinstance(value, list | tuple):
        raise BadRecipe(path, "not_a_list")
    if len(value) > _MOST_ENTRIES:
        raise BadRecipe(path, "never_ends")
    return list(value)


def _ids(path: str, value: object, each: "Field[Any]") -> tuple[int, ...]:
    found = _entries(path, value)
    most = each.metadata.get("most", 2**63 - 1)
    if any(type(one) is not int for one in found):
        raise BadRecipe(path, "not_whole")
    if any(not 1 <= one <= most for one in found):
        raise BadRecipe(path, "out_of_range")
    return tuple(dict.fromkeys(found))


def _names(path: str, value: object, each: "Field[Any]") -> tuple[str, ...]:
    found = _entries(path, value)
    for one in found:
        if not isinstance(one, str) or not 0 < len(one) <= _LONGEST_NAME:
            raise BadRecipe(path, "not_text")
    return tuple(dict.fromkeys(found))


def _rungs(path: str, value: object, each: "Field[Any]") -> tuple[tuple[int, int], ...]:
    steps = _entries(path, value)
    if not steps:
        raise BadRecipe(path, "empty")
    for step in steps:
        if not isinstance(step, list | tuple) or len(step) != 2:
            raise BadRecipe(path, "not_a_list")
        if any(type(part) is not int for part in step):
            raise BadRecipe(path, "not_whole")
    return tuple((spend, off) for spend, off in steps)


_READERS: dict[str, Callable[[str, object, "Field[Any]"], Any]] = {
    "money": _whole,
    "share": _whole,
    "count": _whole,
    "yes": _yes,
    "choice": _chosen,
    "time": _clock,
    "ids": _ids,
    "names": _names,
    "rungs": _rungs,
}
