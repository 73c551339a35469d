"""What the certificate says in words: verdict, what was checked, what was found, what is not promised."""

from __future__ import annotations

from provenline.reports import words
from provenline.reports.evidence import Evidence, Split
from provenline.reports.split_evidence import Certificate, Leakage
from provenline.reports.words import plural

ANSWERS = {
    "pass": "No leak was found",
    "fail": "It leaks",
    "inconclusive": "Not proven to be clean",
}
MARKS = {"pass": "✓ clean", "fail": "✗ leak", "inconclusive": "? unproven"}
_FIXED = (
    "Pictures are compared, not scenes: one moment seen by two cameras, or one person twice, is no copy.",
    "What nobody sampled was not compared.",
)


def verdict(given: Split) -> str:
    """Return the certificate's verdict; of an older run that of its audit, which can only fail."""
    if given.certificate:
        return given.certificate.verdict
    return "none" if given.groups_disjoint and given.media_disjoint else "fail"


def answer(given: Split) -> str:
    """Return the verdict in words."""
    return ANSWERS.get(verdict(given), "Written before certificates: run dvc repro split")


def reasons(given: Split) -> list[str]:
    """Return why, as sentences."""
    return [_sentence(text) for text in (given.certificate.reasons if given.certificate else ())]


def facts(evidence: Evidence, given: Split) -> list[tuple[str, str]]:
    """Return what was checked and what came out, as headings and short texts."""
    checked = given.certificate.checked if given.certificate else {}
    counted = ", ".join(f"{words.count(number)} {name.replace('_', ' ')}" for name, number in checked.items())
    found = [("Looked at", counted)] if counted else []
    found += [
        (f"A {evidence.unit} on two sides", _none(given.groups_disjoint)),
        ("A file on two sides", _none(given.media_disjoint)),
    ]
    if given.certificate:
        found += _certified(given.certificate)
    found += [
        ("Near duplicate", f"at most {given.near_duplicate_bits} of 64 bits of the picture's hash differ"),
        ("Assignment", f"SHA-256 {words.short(given.sha256)}"),
        (
            "From the ledger",
            f"{plural(given.from_ledger, evidence.unit)}; {words.count(given.new)} new",
        ),
    ]
    if given.ledger:
        found.append(("Ledger", ledger(given)))
    return found


def _none(disjoint: bool) -> str:
    return "none" if disjoint else "YES, IT LEAKS"


def _certified(given: Certificate) -> list[tuple[str, str]]:
    apart = sum(not one.same_side for one in given.copies)
    return [
        ("Put on a side as a whole", given.unit + (f", by {' and '.join(given.by)}" if given.by else "")),
        ("Copies of one recording", _copies(len(given.copies), apart)),
    ]


def _copies(total: int, apart: int) -> str:
    if not total:
        return "none found"
    found = plural(total, "pair")
    return f"{found}, all on one side" if not apart else f"{found}, {apart} ACROSS SIDES"


def ledger(given: Split) -> str:
    """Say how the accepted split stands."""
    one = given.ledger
    if one is None or not one.rows:
        return "empty: nothing was accepted yet (provenline split accept)"
    seal = {True: "as it was accepted", False: "NOT AS IT WAS ACCEPTED", None: "not sealed"}[one.sealed]
    return f"{plural(one.rows, 'row')}, {seal}, SHA-256 {words.short(one.sha256)}"


def near_duplicates(given: Certificate, unit: str) -> str:
    """Say how many near duplicates there are across sides, and what explains them."""
    pairs = sum(one.pairs for one in given.near_duplicates)
    if not pairs:
        return "No frames of two sides look the same." if given.near_duplicates else ""
    groups = sum(one.group_pairs or 0 for one in given.near_duplicates)
    among = plural(groups, f"pair of {unit}s", f"pairs of {unit}s")
    text = f"{plural(pairs, 'pair')} of frames look the same across sides, of {among}."
    if given.components is not None:
        text += (
            f" They tie the {unit}s into {plural(given.components, 'component')}, the largest of "
            f"{plural(given.largest_component, unit)}."
        )
    unexplained = sum(one.unexplained or 0 for one in given.near_duplicates)
    if any(one.unexplained is not None for one in given.near_duplicates):
        text += f" No static camera explains {words.count(unexplained)} of these pairs of {unit}s."
    cameras = [one.camera for one in given.static_cameras]
    if cameras:
        never = plural(len(cameras), "camera never moves", "cameras never move")
        text += (
            f" {never} ({words.listed(cameras)}): frames of one background look alike without any leak, so "
            "copies there are told by what moves."
        )
    return text


def gaps(given: Certificate) -> str:
    """Say how near in time one camera's footage comes to itself across sides."""
    known = [one for one in given.gaps if one.days is not None]
    if not known:
        unknown = len(given.gaps)
        return f"Days are not stated for {plural(unknown, 'pair')} of sides of one camera." if unknown else ""
    nearest = min(known, key=lambda one: one.days or 0.0)
    return (
        f"Where one camera filmed for two sides, its footage is {words.number(nearest.days)} days apart at "
        f"the nearest ({nearest.camera or 'camera not named'}, {' and '.join(nearest.sides)})."
    )


def floors(given: Split) -> str:
    """Say which classes have too few objects to measure anything."""
    if not given.floors:
        return ""
    unmet = [
        f"{one.label} in {one.side} ({one.objects} of {one.floor})" for one in given.floors if not one.met
    ]
    if not unmet:
        return "Every class has enough objects on every side that is measured."
    return f"Too few objects to measure anything: {words.listed(unmet, 8)}."


def leakage(evidence: Evidence, given: Leakage | None) -> str:
    """Say what a random split of frames would have scored, minus the grouped one."""
    if given is None:
        return "What a leak would have done to the score was not measured: run make leakage."
    metric, unit = words.metric(given.metric), evidence.unit
    controlled = given.net is not None and given.net.value is not None
    more = given.net if controlled else given.difference
    effect = {
        "better": f"The leak flatters {metric} by",
        "worse": f"The leak lowers {metric} by",
    }.get(words.difference(more), "Whether a leak changes it cannot be told:")
    # The two test sets hold other frames; the base was trained on neither.
    control = ", with what the untrained base scores more there taken off" if controlled else ""
    text = (
        f"Dealt frame by frame, {metric} is {words.estimate(given.random)}; with no {unit} on two sides it "
        f"is {words.estimate(given.grouped)}. {effect} {words.estimate(more, sign=True)}{control}."
    )
    split = evidence.split
    if given.split_sha256 and split and given.split_sha256 != split.sha256:
        text += " It was measured on another split than this one."
    return text


def not_promised(given: Split) -> list[str]:
    """Return what the certificate cannot promise."""
    untold = given.certificate.cannot_tell if given.certificate else ()
    found = [f"Whether these are copies cannot be told: {words.listed(untold, 12)}."] if untold else []
    if given.certificate and given.certificate.unit == "frame":
        found.insert(
            0, "Single frames were dealt at random: this split leaks by design, to measure by how much."
        )
    return [*found, *_FIXED, *(_sentence(text) for text in given.warnings)]


def _sentence(text: str) -> str:
    """End a text with a full stop; its beginning stays, for it may be a file's name."""
    return text if text.endswith(".") else f"{text}."
