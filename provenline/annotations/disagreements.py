"""The images on which annotators differ most, for a gallery."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from provenline.annotations.matching import match_loosely
from provenline.annotations.pairs import Pair
from provenline.annotations.params import AgreementParams
from provenline.annotations.ratings import Floats, Images, Key

_WELL_DRAWN = 0.75  # COCO's strict threshold: two boxes that reach it are drawn alike
_KINDS = ("missed", "extra", "shifted", "count")


@dataclass(frozen=True)
class _Case:
    pair: Pair
    key: Key
    kind: str
    iou: float | None
    weight: tuple[bool, int, float]  # presence differs, objects without a partner, displacement

    @property
    def order(self) -> tuple[Any, ...]:
        """Worst first, and always in the same order."""
        presence, alone, displacement = self.weight
        return (-presence, -alone, -round(displacement, 9), self.key, self.pair.names)


def disagreements(
    pairs: Sequence[Pair], images: Images, params: AgreementParams
) -> tuple[list[dict[str, Any]], dict[str, int]]:
    """List the images on which two annotators differ, worst first.

    An image is ``missed`` where only the first annotator drew objects without a partner, ``extra``
    where only the second did, ``count`` where both did, ``shifted`` where all have a partner but
    one of those reaches neither the gate nor IoU 0.75. Partners overlap by at least IoU 0.1. Worst is
    that one saw somebody and the other nobody, then many objects without a partner, then low IoUs.

    Args:
        pairs: Matched annotators.
        images: Groups.
        params: Gate, length of the list, images per group at most.

    Returns:
        The list (``media``, ``time_ms``, ``annotators``, ``kind``, ``boxes`` of the first as ``a`` and
        of the second as ``b`` in pixels, lowest ``iou`` of partners or None), and how many images of
        each kind there are in all.
    """
    cases = [case for pair in pairs for case in _cases(pair, params.iou)]
    shown: list[_Case] = []
    taken: Counter[str] = Counter()
    for case in sorted(cases, key=lambda case: case.order):
        group = images.groups[case.key]
        if len(shown) < params.gallery and taken[group] < params.gallery_per_group:
            taken[group] += 1
            shown.append(case)
    kinds = Counter(case.kind for case in cases)
    return [_entry(case) for case in shown], {kind: kinds[kind] for kind in _KINDS}


def _cases(pair: Pair, gate: float) -> Iterator[_Case]:
    for key in pair.keys:
        a, b = pair.boxes(key)
        _, _, ious = match_loosely(a, b)
        first, second = len(a) - len(ious), len(b) - len(ious)
        shifted = ious[ious < max(gate, _WELL_DRAWN)]
        if first or second or len(shifted):
            kind = _kind(first, second)
            lowest = float(ious.min()) if len(ious) else None
            weight = (bool(len(a)) != bool(len(b)), first + second, float((1 - shifted).sum()))
            yield _Case(pair, key, kind, lowest, weight)


def _kind(first: int, second: int) -> str:
    if first and second:
        return "count"
    if first or second:
        return "missed" if first else "extra"
    return "shifted"


def _entry(case: _Case) -> dict[str, Any]:
    a, b = case.pair.boxes(case.key)
    return {
        "media": case.key[0],
        "time_ms": case.key[1],
        "annotators": list(case.pair.names),
        "kind": case.kind,
        "boxes": {"a": _listed(a), "b": _listed(b)},
        "iou": case.iou,
    }


def _listed(boxes: Floats) -> list[list[float]]:
    return [[round(float(side), 2) for side in box] for box in boxes]
