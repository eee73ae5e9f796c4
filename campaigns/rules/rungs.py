"""Steps of spend-and-save (满减): thresholds, and what each takes off. Plain Python."""

from collections.abc import Sequence


class BadRungs(ValueError):
    """Steps that no shop can mean; the message says which and why."""


def check_rungs(rungs: object, *, repeats: bool) -> tuple[tuple[int, int], ...]:
    """Return the steps as pairs, or say what is wrong with them (S13, S14).

    Args:
        rungs: ``[[threshold_minor, off_minor], …]``.
        repeats: the single step applies for every full threshold.

    Raises:
        BadRungs: empty, not pairs of positive whole numbers, more off than spent,
            not rising in both numbers, or several steps that repeat.

    >>> check_rungs([[10000, 1000], [20000, 3000]], repeats=False)
    ((10000, 1000), (20000, 3000))
    """
    if not isinstance(rungs, list) or not rungs:
        raise BadRungs("Name at least one step, such as [[30000, 5000]].")
    steps: list[tuple[int, int]] = []
    for number, rung in enumerate(rungs, start=1):
        if (
            not isinstance(rung, list | tuple)
            or len(rung) != 2
            or any(type(part) is not int or part <= 0 for part in rung)
        ):
            raise BadRungs(f"Step {number} must be two positive whole numbers.")
        threshold, off = rung
        if off > threshold:
            raise BadRungs(f"Step {number} takes off more than its threshold.")
        if steps and (threshold <= steps[-1][0] or off <= steps[-1][1]):
            raise BadRungs(f"Step {number} must be higher in both numbers.")
        steps.append((threshold, off))
    if repeats and len(steps) > 1:
        raise BadRungs("A reduction for every full threshold has one step.")
    return tuple(steps)


def spend_and_save(
    basis_minor: int,
    rungs: Sequence[tuple[int, int]],
    *,
    repeats: bool = False,
    max_times: int = 1,
) -> int:
    """Return what is taken off a basis, 0 below the first step.

    Only the highest step reached counts (S13); a repeating one counts for every
    full threshold up to ``max_times`` (S14). Thresholds compare with >=.

    >>> spend_and_save(39900, [(10000, 1000)], repeats=True, max_times=3)
    3000
    """
    if repeats:
        threshold, off = rungs[0]
        return min(basis_minor // threshold, max_times) * off
    reached = [off for threshold, off in rungs if basis_minor >= threshold]
    return reached[-1] if reached else 0
