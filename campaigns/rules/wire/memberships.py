"""Memberships of a wire case, and flat expressions over values. Plain Python."""

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from typing import Any

from campaigns.rules.wire.reading import (
    ENDS,
    STARTS,
    NotExpressible,
    known_keys,
    moment,
    number,
    texts,
    whole,
    window,
)
from loyalty.rules.expressions import UnreadableExpression, satisfied
from loyalty.rules.memberships import (
    HeldMembership,
    MembershipUse,
    Period,
    last_day,
    objection,
)

#: Keys of ``given`` that are read here.
GIVEN = {"membership", "membership_required", "event", "expression", "values"}
_MEMBERSHIP = {
    *("id", "type", "owner", "valid", "max_usages", "used", "allow_parallel"),
    *("used_for", "used_between", "starts_on", "duration", "cancelled", "test_mode"),
}
_REQUIRED = {"type", "types", "required"}
_EVENT = {"id", "test_mode", *STARTS, *ENDS}


def answer(
    given: Mapping[str, Any], member: Mapping[str, Any], policies: Mapping[str, str]
) -> dict[str, Any]:
    """Return what ``expect`` has of a membership or of an expression."""
    told: dict[str, Any] = {}
    if "expression" in given:
        told |= _satisfied(given)
    if not given.keys() & {"membership", "membership_required"}:
        return told
    membership = given.get("membership")
    if isinstance(membership, list):
        raise NotExpressible("several memberships at once")
    valid = None
    if membership:
        known_keys("membership", membership, _MEMBERSHIP)
        valid = _valid(membership, given, policies)
    if membership and "membership_required" not in given:
        grants = membership.keys() & {"starts_on", "duration"} or (
            policies["membership.end"] == "like_event"
        )
        if grants and not membership.keys() & {"used", "used_for", "used_between"}:
            return told | _told(valid)
    held = None if not membership else _held(membership, valid)
    reason = objection(held, _use(given, member, held))
    verdict: dict[str, Any] = {"allowed": not reason, "eligible": not reason}
    return told | _told(valid) | verdict | ({"reason": reason} if reason else {})


def _satisfied(given: Mapping[str, Any]) -> dict[str, Any]:
    expression, values = given["expression"], given.get("values") or {}
    if isinstance(values, list):
        # Named by their place, as in ``1 or 2 and 3``.
        values = {str(place): value for place, value in enumerate(values, 1)}
    if isinstance(expression, list):
        expression = " ".join(map(str, expression))
    try:
        found = satisfied(
            str(expression),
            {
                name: value if isinstance(value, bool) else number(value)
                for name, value in values.items()
            },
        )
    except UnreadableExpression as why:
        raise NotExpressible(str(why)) from why
    return {"satisfied": found, "eligible": found}


def _told(valid: Period | None) -> dict[str, Any]:
    """Return from when to when a membership is valid: both days are inside."""
    if valid is None:
        return {}
    ends = [_told_end(at) for at in valid]
    return {"valid": ends, "valid_from": ends[0], "valid_to": ends[1]}


def _told_end(at: datetime) -> str:
    if at.time() in {time.min, time.max}:
        return at.date().isoformat()
    return at.isoformat().replace("+00:00", "Z")


def _valid(
    given: Mapping[str, Any], case: Mapping[str, Any], policies: Mapping[str, str]
) -> Period | None:
    """Return when a membership is valid: as given, as its event, or for its time."""
    if given.get("valid"):
        first, last = window("valid", given["valid"])
        return first or _ever(time.min), last or _ever(time.max)
    how = given.get("duration")
    if how == "like_event" or (
        how is None and policies["membership.end"] == "like_event"
    ):
        return _event(case)
    starts = given.get("starts_on") or case.get("now")
    if how is None or not starts:
        return None
    first_day = moment(starts).date()
    months, days = _duration(how)
    return (
        _at(first_day, time.min),
        _at(last_day(first_day, months=months, days=days), time.max),
    )


def _at(day: date, at: time) -> datetime:
    return datetime.combine(day, at, UTC)


def _ever(at: time) -> datetime:
    return _at(date.min if at == time.min else date.max, at)


def _duration(given: Any) -> tuple[int, int]:
    """Return months and days of ``{months, days}``, ``P1M2D`` or ``1 month``."""
    if isinstance(given, Mapping):
        known_keys("duration", given, {"years", "months", "weeks", "days"})
        parts = {key: whole(value) for key, value in given.items()}
    else:
        text = str(given).strip().lower()
        if not re.fullmatch(r"p?(\s*\d+\s*(y|m|w|d)[a-z]*)+", text):
            raise NotExpressible(f"duration {given}")
        names = {"y": "years", "m": "months", "w": "weeks", "d": "days"}
        found = re.findall(r"(\d+)\s*(y|m|w|d)", text)
        parts = {names[letter]: int(count) for count, letter in found}
    months = 12 * parts.get("years", 0) + parts.get("months", 0)
    return months, 7 * parts.get("weeks", 0) + parts.get("days", 0)


def _held(given: Mapping[str, Any], valid: Period | None) -> HeldMembership:
    most = given.get("max_usages")
    used_for = given.get("used_for")
    between = given.get("used_between") or ()
    if between and not isinstance(between[0], list):
        between = [between]
    occasions = used_for if isinstance(used_for, list) else [used_for]
    return HeldMembership(
        kind=str(given.get("type") or ""),
        owner=str(given.get("owner") or ""),
        valid=valid,
        max_usages=None if most is None else whole(most),
        used=whole(given.get("used") or 0),
        allow_parallel=given.get("allow_parallel", True) is not False,
        is_cancelled=bool(given.get("cancelled")),
        is_test=bool(given.get("test_mode")),
        used_for=tuple(str(each) for each in occasions if each is not None),
        used_between=tuple((moment(a), moment(b, ends=True)) for a, b in between),
    )


def _use(
    given: Mapping[str, Any], member: Mapping[str, Any], held: HeldMembership | None
) -> MembershipUse:
    required = given.get("membership_required", held is not None)
    kinds = texts(required) if isinstance(required, str | list) else ()
    if isinstance(required, Mapping):
        known_keys("membership_required", required, _REQUIRED)
        kinds = (*texts(required.get("types")), *texts(required.get("type")))
        required = required.get("required", True)
    lines, event = given.get("lines") or (), given.get("event")
    told = event if isinstance(event, Mapping) else {"id": event}
    name = told.get("id")
    if name is None:
        name = next((each["event"] for each in lines if each.get("event")), "")
    at = _event(given) or _now(given)
    return MembershipUse(
        at=at,
        member=str(member.get("id") or member.get("email") or ""),
        is_required=bool(required),
        kinds=kinds,
        occasion=str(name or ""),
        units=sum(whole(each.get("qty", 1)) for each in lines) or 1,
        is_test=bool(told.get("test_mode")),
    )


def _event(given: Mapping[str, Any]) -> Period | None:
    """Return when the event is; one without an end lasts to the end of its day."""
    event = given.get("event")
    if isinstance(event, Mapping):
        known_keys("event", event, _EVENT)
        limits = {key: event[key] for key in event if key in {*STARTS, *ENDS}}
        first, last = window("event", limits)
        if first is None:
            return None
        return first, last or _at(first.date(), time.max)
    dates = (
        [event] if event else [each.get("event") for each in given.get("lines") or ()]
    )
    found = next((each for each in dates if _is_date(each)), None)
    if found is None:
        return None
    first = moment(found)
    return first, _at(first.date(), time.max)


def _is_date(value: Any) -> bool:
    return bool(re.match(r"\d{4}-\d{2}-\d{2}", str(value or "")))


def _now(given: Mapping[str, Any]) -> Period:
    at = moment(given.get("now") or "1970-01-01")
    return at, at
