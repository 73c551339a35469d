"""Classes that a mirrored frame turns into one another."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence, Set

from provenline.errors import InputError
from provenline.training.params import TrainParams

# Words count wherever they stand in a name (`lefthand`), short ones only as a part of their own: a name and
# its partner must both be classes, so `bright` is no side of anything.
_SIDES = (("left", "right"), ("links", "rechts"), ("linke", "rechte"))
_ENDS = (
    *(("up", "down"), ("upper", "lower"), ("top", "bottom"), ("above", "below")),
    *(("oben", "unten"), ("ober", "unter")),
)
_SHORT_SIDES = (("l", "r"), ("lh", "rh"), ("lhs", "rhs"), ("li", "re"))
_PART = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+|[^\W\d_]+")


def mixed_up(names: Sequence[str], fliplr: bool, flipud: bool) -> list[tuple[str, str]]:
    """Return the pairs of classes that differ only by the side, or the end, that a flip exchanges.

    Args:
        names: Of the classes.
        fliplr: Whether frames are mirrored left to right.
        flipud: Whether frames are mirrored top to bottom.

    >>> mixed_up(["left_glove", "bright", "drill", "right_glove"], True, True)
    [('left_glove', 'right_glove')]
    >>> mixed_up(["shoe-L", "shoe-R", "pedal up", "pedal down"], False, True)
    [('pedal down', 'pedal up')]
    """
    words = (*(_SIDES if fliplr else ()), *(_ENDS if flipud else ()))
    short = _SHORT_SIDES if fliplr else ()
    keys = {name: " ".join(part.lower() for part in _PART.findall(name)) for name in names}
    by_key = {key: name for name, key in keys.items()}
    pairs = set()
    for name, key in keys.items():
        for partner in {*_by_word(key, words), *_by_part(key, short)} & by_key.keys():
            pairs.add(tuple(sorted((name, by_key[partner]))))
    return sorted((one, other) for one, other in pairs)


def _by_word(key: str, words: Sequence[tuple[str, str]]) -> set[str]:
    both = [pair for one, other in words for pair in ((one, other), (other, one))]
    return {key.replace(one, other) for one, other in both if one in key}


def _by_part(key: str, short: Sequence[tuple[str, str]]) -> set[str]:
    swap: Mapping[str, str] = {a: b for one, other in short for a, b in ((one, other), (other, one))}
    parts = key.split(" ")
    return {
        " ".join([*parts[:n], swap[part], *parts[n + 1 :]]) for n, part in enumerate(parts) if part in swap
    }


def refuse_mixed_up(names: Sequence[str], params: TrainParams) -> None:
    """Refuse flips that would teach the model to take one class for another.

    Pasting copied objects mirrors them too, where outlines are trained.

    Raises:
        InputError: Names the first pair and how many there are.
    """
    augment, recipe = params.augment, params.recipe
    pastes = recipe.task == "segment" and recipe.extra.get("copy_paste_mode", "flip") == "flip"
    sideways = {"fliplr": augment.fliplr, "copy_paste": augment.copy_paste if pastes else 0.0}
    causes = {name: value for name, value in sideways.items() if value}
    allowed = set(params.may_flip)
    _refuse(mixed_up(names, bool(causes), False), causes, allowed)
    _refuse(mixed_up(names, False, bool(augment.flipud)), {"flipud": augment.flipud}, allowed)


def _refuse(pairs: Sequence[tuple[str, str]], causes: Mapping[str, float], allowed: Set[str]) -> None:
    left = [pair for pair in pairs if not allowed >= set(pair)]
    if not left:
        return
    one, other = left[0]
    more = f" (and {len(left) - 1} more)" if len(left) > 1 else ""
    said = " and ".join(f"{name}={value:g}" for name, value in causes.items())
    raise InputError(
        f"{said} would turn {one!r} into {other!r} and leave its label{more}",
        mend=f"Set train.augment.{next(iter(causes))}=0, or name both in train.may_flip",
    )
