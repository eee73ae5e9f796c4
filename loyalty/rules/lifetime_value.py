"""What buyers will buy: BG/NBD for how often, Gamma-Gamma for how much.

BG/NBD: Fader, Hardie & Lee (2005), "Counting Your Customers" the Easy Way, Marketing
Science 24(2); numbers of equations are theirs. Gamma-Gamma: Fader & Hardie (2013), The
Gamma-Gamma Model of Monetary Value. A buyer is told by ``x`` repeat purchases, the last
at ``t_x``, watched for ``T``, all from the first purchase on; times are in weeks. Days
of purchases count, not orders; amounts are in any one unit.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from loyalty.rules.numerics import Floats, hypergeometric, log_gamma, lowest

#: Fewer buyers who came again than this teach nothing that could be trusted.
LEAST_REPEATING = 100
#: A parameter beyond these is at the edge of what the data can tell.
_SMALLEST, _LARGEST = 1e-4, 1e4
_PRIOR = 0.02
_FARTHEST, _NEVER = 14.0, 1e12
#: e to more than that is no number any more.
_LARGEST_POWER = 700.0


class CannotSay(Exception):
    """The history does not carry a forecast; ``reason`` is a code."""

    def __init__(self, reason: str):
        """Keep why: ``too_few``, ``not_settled`` or ``no_mean``."""
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Histories:
    """What is known of many buyers, one place each.

    ``value`` is the mean amount of a repeat purchase; it counts where ``x`` > 0 only.
    """

    x: Floats
    t_x: Floats
    T: Floats  # noqa: N815 - as in the papers
    value: Floats


@dataclass(frozen=True, slots=True)
class BgNbd:
    """Rates of buying are Gamma(r, alpha), chances of leaving Beta(a, b)."""

    r: float
    alpha: float
    a: float
    b: float


@dataclass(frozen=True, slots=True)
class GammaGamma:
    """Amounts of a buyer are Gamma(p, ν), where ν is Gamma(q, v) among buyers."""

    p: float
    q: float
    v: float


# --- How often --------------------------------------------------------------------


def log_likelihood(
    model: BgNbd, known: Histories, weight: Floats | None = None
) -> float:
    """Return the logarithm of how likely the histories are (equation 6)."""
    r, alpha, a, b = model.r, model.alpha, model.a, model.b
    x, again = known.x, known.x > 0
    first = log_gamma(r + x) - log_gamma(r) + r * np.log(alpha)
    second = log_gamma(a + b) + log_gamma(b + x) - log_gamma(b) - log_gamma(a + b + x)
    stays = -(r + x) * np.log(alpha + known.T)
    # b + x - 1 of who never came again is not asked for; keep its logarithm quiet.
    left = np.log(a) - np.log(np.where(again, b + x - 1, 1.0))
    left = left - (r + x) * np.log(alpha + known.t_x)
    either = np.where(again, np.logaddexp(stays, left), stays)
    each = first + second + either
    return float(np.sum(each if weight is None else each * weight))


def fit_purchases(known: Histories) -> BgNbd:
    """Return the most likely model of how often.

    Raises:
        CannotSay: too few came again, or the search ended at no sure place.
    """
    if int(np.count_nonzero(known.x > 0)) < LEAST_REPEATING:
        raise CannotSay("too_few")
    alike, weight = np.unique(
        np.column_stack([known.x, known.t_x, known.T]), axis=0, return_counts=True
    )
    x, t_x, watched = alike.T
    distinct = Histories(x, t_x, watched, np.zeros(len(x)))
    # Scaled so that every shop begins its search alike.
    span = max(float(np.mean(known.T)), 1e-9)
    scaled = Histories(x, t_x / span, watched / span, distinct.value)
    times = weight.astype(np.float64)
    r, alpha, a, b = _most_likely(
        lambda model: log_likelihood(BgNbd(*model), scaled, times),
        np.zeros(4),
        len(known.x),
    )
    return BgNbd(r, alpha * span, a, b)


def expected_purchases(model: BgNbd, weeks: float) -> float:
    """Return how often somebody new buys again within ``weeks`` (equation 9)."""
    nobody = np.zeros(1)
    return float(_expected(model, nobody, nobody, weeks)[0])


def chance_alive(model: BgNbd, known: Histories) -> Floats:
    """Return the chance that each is a buyer still, 0 to 1.

    Fader, Hardie & Lee (2008), Computing P(alive) Using the BG/NBD Model.
    """
    return 1.0 / (1.0 + _odds_gone(model, known))


def future_purchases(model: BgNbd, known: Histories, weeks: float) -> Floats:
    """Return how often each buys again within the next ``weeks`` (equation 10)."""
    ahead = _expected(model, known.x, known.T, weeks)
    return ahead / (1.0 + _odds_gone(model, known))


def _odds_gone(model: BgNbd, known: Histories) -> Floats:
    x, again = known.x, known.x > 0
    ratio = (model.r + x) * np.log((model.alpha + known.T) / (model.alpha + known.t_x))
    odds = (
        model.a / np.where(again, model.b + x - 1, 1.0) * np.exp(np.minimum(ratio, 700))
    )
    return np.where(again, odds, 0.0)


def _expected(model: BgNbd, x: Floats, watched: Floats, weeks: float) -> Floats:
    """Return the numerator of equation 10; of nobody's history it is equation 9.

    Euler's transformation of ₂F₁(r + x, b + x; a + b + x - 1; z) takes x out of its
    first two places and makes the series short.
    """
    # At a = 1 exactly both sides are 0; a hair beside it they are not.
    a = model.a if abs(model.a - 1) > 1e-6 else 1 + 1e-6
    r, b = model.r, model.b
    z = weeks / (model.alpha + watched + weeks)
    series = hypergeometric(a + b - 1 - r, a - 1, a + b + x - 1, z)
    return (a + b + x - 1) / (a - 1) * (1 - (1 - z) ** (a - 1) * series)


# --- How much ---------------------------------------------------------------------


def fit_amounts(known: Histories) -> GammaGamma:
    """Return the most likely model of how much, from those who bought again.

    Raises:
        CannotSay: too few did, the search ended at no sure place, or amounts vary so
            much that they have no mean.
    """
    some = (known.x > 0) & (known.value > 0)
    if int(np.count_nonzero(some)) < LEAST_REPEATING:
        raise CannotSay("too_few")
    x, value = known.x[some], known.value[some]
    unit = float(np.median(value))
    z = value / unit

    def likelihood(model: Floats) -> float:
        p, q, v = model
        each = log_gamma(p * x + q) - log_gamma(p * x) - log_gamma(q) + q * np.log(v)
        each = each + (p * x - 1) * np.log(z) + p * x * np.log(x)
        return float(np.sum(each - (p * x + q) * np.log(v + x * z)))

    p, q, v = _most_likely(likelihood, np.array([1.0, 1.0, 0.0]), len(x))
    if q <= 1:
        raise CannotSay("no_mean")
    return GammaGamma(p, q, v * unit)


def mean_amounts(model: GammaGamma, known: Histories) -> Floats:
    """Return the amount of each one's next purchase: between theirs and everybody's.

    p (v + x z) / (p x + q - 1); of who never came again p v / (q - 1).
    """
    x = np.where(known.value > 0, known.x, 0.0)
    return model.p * (model.v + x * known.value) / (model.p * x + model.q - 1)


def _most_likely(
    likelihood: Callable[[Floats], float], start: Floats, members: int
) -> tuple[float, ...]:
    """Search by logarithms, so that every parameter stays above zero.

    Where all buyers leave alike, or spend alike, the likeliest parameters are infinite
    and say the same as large ones. Only then a weak prior ends the search: logarithms
    of scaled parameters are normal, give or take five.
    """
    for prior in (0.0, _PRIOR):

        def cost(logs: Floats, prior: float = prior) -> float:
            # Far outside nothing is computed: powers would overflow.
            if np.any(np.abs(logs) > _FARTHEST):
                return _NEVER
            found = likelihood(np.exp(logs)) - prior * float(np.sum(logs**2))
            return -found / members if np.isfinite(found) else _NEVER

        logs, has_settled = lowest(cost, start)
        found = np.exp(logs)
        if has_settled and np.all((found >= _SMALLEST) & (found <= _LARGEST)):
            return tuple(float(each) for each in found)
    raise CannotSay("not_settled")
