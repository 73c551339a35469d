"""How numbers and verdicts are written, everywhere the same.

Three significant digits (below one: three decimals), intervals in brackets behind the value,
"cannot be told apart" where the interval of a difference includes zero.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable

from provenline.reports.evidence import Estimate, Evaluation, Gate
from provenline.reports.judged_evidence import LOWER_IS_BETTER, Paired

METRICS = {
    "recall": "recall",
    "precision": "precision",
    "map50": "mAP50",
    "map": "mAP50-95",
    "f1": "F1",
    "median_confidence": "median confidence",
    "operator_found": "operator found",
    "false_positives_per_frame": "false positives per frame",
    "count_mae": "count error per frame",
    "kappa_presence": "κ, somebody there",
    "kappa_count": "κ, how many people",
    "object_f1": "object F1",
    "mean_matched_iou": "mean matched IoU",
    "median_matched_iou": "median matched IoU",
}
ABSENT = "n/a"
MINUS = "\N{MINUS SIGN}"


def metric(name: str) -> str:
    """Return a metric's name as a reader knows it.

    >>> metric("map50"), metric("operator_found_rate")
    ('mAP50', 'operator found rate')
    """
    return METRICS.get(name, name.replace("_", " "))


def metrics_in(text: str) -> str:
    """Write the metrics in a text of the evaluator as a reader knows them.

    >>> metrics_in("difference in map50: 21 videos cannot tell 0.92 from 0.96")
    'difference in mAP50: 21 videos cannot tell 0.92 from 0.96'
    >>> metrics_in("median_confidence of frame_01 with map50 0.5")
    'median confidence of frame_01 with mAP50 0.5'
    """
    return re.sub(r"\bmap50\b|\b[a-z]+(?:_[a-z]+)+\b", lambda name: METRICS.get(name[0], name[0]), text)


def in_units(text: str, unit: str) -> str:
    """Write a text of a stage, which says "videos", with what the footage's groups are.

    >>> in_units("21 videos cannot tell video.mp4 from a video.", "group")
    '21 groups cannot tell video.mp4 from a group.'
    """
    return text if unit == "video" else re.sub(r"(?<![\w./-])video(?=s?\b(?![./-]\w))", unit, text)


def sentence(text: str) -> str:
    r"""Write what the evaluator says as the page does: names of metrics, minus signs, a full stop.

    >>> sentence("difference in map50 -0.1 [-0.2, 0.3]"), sentence("map50 0.5.")
    ('Difference in mAP50 \u22120.1 [\u22120.2, 0.3].', 'mAP50 0.5.')
    """
    found = re.sub(r"(?<![\w.])-(?=\d)", MINUS, metrics_in(text))
    first = found[:1] if found[1:2].isupper() else found[:1].upper()
    return f"{first}{found[1:].rstrip('.')}."


def number(value: float | None, *, sign: bool = False) -> str:
    r"""Write a measured number with three significant digits, below one with three decimals.

    >>> number(0.61234), number(12345.0), number(0.0), number(-0.031, sign=True), number(None)
    ('0.612', '12300', '0', '\u22120.031', 'n/a')
    """
    if value is None:
        return ABSENT
    if value == 0 or not math.isfinite(value):
        return f"{value:g}".replace("-", "")
    rounded = float(f"{value:.3g}")
    decimals = min(3, max(0, 2 - math.floor(math.log10(abs(rounded)))))
    text = f"{rounded:.{decimals}f}" if abs(rounded) >= 0.001 else f"{rounded:.2g}"
    text = f"+{text}" if sign and rounded > 0 else text
    return text.replace("-", MINUS)


def count(value: int | None) -> str:
    """Write a count in full, thousands apart.

    >>> count(12345), count(None)
    ('12,345', 'n/a')
    """
    return ABSENT if value is None else f"{value:,}"


def interval(estimate: Estimate, *, sign: bool = False) -> str:
    """Write the interval in brackets; empty where there is none.

    >>> interval(Estimate(0.5, 0.4, 0.6))
    '[0.400, 0.600]'
    """
    if estimate.low is None or estimate.high is None:
        return ""
    return f"[{number(estimate.low, sign=sign)}, {number(estimate.high, sign=sign)}]"


def estimate(given: Estimate | None, *, sign: bool = False) -> str:
    """Write a value with its interval, or say that there is no interval.

    >>> estimate(Estimate(0.5, 0.4, 0.6)), estimate(Estimate(0.5, None, None)), estimate(None)
    ('0.500 [0.400, 0.600]', '0.500 (no interval)', 'n/a')
    """
    if given is None or given.value is None:
        return ABSENT
    bounds = interval(given, sign=sign)
    return f"{number(given.value, sign=sign)} {bounds or '(no interval)'}"


def percent(given: Estimate | None) -> str:
    r"""Write a relative change with its interval in percent.

    >>> percent(Estimate(0.312, -0.02, 0.41)), percent(Estimate(-0.5)), percent(None)
    ('+31% [\u22122%, +41%]', '\u221250% (no interval)', 'n/a')
    """
    if given is None or given.value is None:
        return ABSENT
    value, low, high = (
        None if one is None else f"{one:+.0%}".replace("-", MINUS)
        for one in (given.value, given.low, given.high)
    )
    return f"{value} [{low}, {high}]" if low and high else f"{value} (no interval)"


def change(given: Paired) -> str:
    r"""Write how a metric goes from the base to the candidate.

    >>> change(Paired(Estimate(0.5), Estimate(0.7), Estimate(0.2, 0.1, 0.3)))
    '0.500 \u2192 0.700, difference +0.200 [+0.100, +0.300]'
    """
    base, candidate = (number(one.value if one else None) for one in (given.base, given.candidate))
    return f"{base} → {candidate}, difference {estimate(given.difference, sign=True)}"


def difference(given: Estimate | None, name: str = "") -> str:
    """Say in words what a paired difference shows: better, worse, or neither.

    Args:
        given: Candidate minus base.
        name: The metric; of some, less is better.

    >>> difference(Estimate(0.2, 0.1, 0.3)), difference(Estimate(0.2, -0.1, 0.3))
    ('better', 'cannot be told apart')
    >>> difference(Estimate(0.2, 0.1, 0.3), "count_mae")
    'worse'
    """
    if given is None or given.value is None:
        return "not measured"
    if given.low is None or given.high is None:
        return "no interval"
    if given.low <= 0 <= given.high:
        return "cannot be told apart"
    return "better" if (given.low > 0) != (name in LOWER_IS_BETTER) else "worse"


def proven(given: Estimate | None, name: str = "") -> str:
    """Say what a paired difference shows as ``difference`` does, but nothing of too few groups.

    >>> proven(Estimate(0.2, 0.1, 0.3, 21)), proven(Estimate(0.2, 0.1, 0.3, 3))
    ('better', 'too few groups to say')
    """
    return "too few groups to say" if given is not None and given.few else difference(given, name)


def asked(gate: Gate) -> str:
    """Write what a gate asks for.

    >>> asked(Gate("recall", 0.95, "higher", "fail", "", None, None))
    'asked: above 0.95'
    """
    return f"asked: {'above' if gate.better == 'higher' else 'below'} {gate.bound:g}"


def plural(n: int | None, one: str, many: str | None = None) -> str:
    """Write a count with its noun.

    >>> plural(1, "video"), plural(21, "video"), plural(2, "category", "categories")
    ('1 video', '21 videos', '2 categories')
    """
    return f"{count(n)} {one if n == 1 else many or one + 's'}"


def listed(names: Iterable[str], most: int = 5) -> str:
    """Join names; beyond ``most`` say how many more.

    >>> listed("abcd", most=2)
    'a, b and 2 more'
    """
    given = list(names)
    rest = len(given) - most
    return ", ".join(given[:most]) + (f" and {rest} more" if rest > 0 else "")


def short(digest: str | None) -> str:
    """Return the first twelve digits of a hash.

    >>> short("0123456789abcdef"), short(None)
    ('0123456789ab', 'n/a')
    """
    return digest[:12] if digest else ABSENT


def losses(given: Evaluation) -> str:
    """Say in which metrics the candidate is proven worse; empty where in none.

    Precision and recall are those at the operating threshold, which both models share.
    """
    parts = [f"{metric(name)} {change(pair)}" for name, pair in given.losses]
    return f"worse at threshold {given.score:g} in {'; '.join(parts)}" if parts else ""
