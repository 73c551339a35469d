"""What people look like, and how a body becomes shaded shapes on an image."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from provenline.simline.camera import Camera, Floats
from provenline.simline.canvas import Colour, Image, Ints, fill, fixed, shade
from provenline.simline.figure import Joints
from provenline.simline.motion import Rng

BODY, HEAD, ARMS = 1, 2, 3  # what of a person a mask's pixel shows: code = 4 * person + part
SKINS: tuple[Colour, ...] = (
    (150, 185, 228), (125, 163, 214), (98, 136, 192), (72, 106, 162), (50, 77, 124), (36, 54, 90),
)  # fmt: skip
HAIRS: tuple[Colour, ...] = (
    (22, 20, 20), (30, 34, 44), (38, 54, 82), (58, 84, 124), (90, 128, 164), (150, 150, 152), (40, 44, 96),
)  # fmt: skip
RING = np.stack([np.cos(np.arange(10) * np.pi / 5), np.sin(np.arange(10) * np.pi / 5)], axis=-1)
# Radius, light, and how far the layer moves towards the light (radii): a round body in three fills.
LAYERS = ((1.0, 0.72, 0.0), (0.82, 0.90, 0.14), (0.52, 1.04, 0.30))


@dataclass(frozen=True)
class Look:
    """Somebody's colours and clothes.

    Attributes:
        skin, hair, shirt, trousers, shoes: Colours.
        apron: Colour of an apron, or None.
        long_sleeves: Whether the forearms are covered.
        hairdo: short, bun, tail, cap or scarf.
        cover: Colour of cap or scarf.
        glasses: Worn or not.
        mask: Colour of a face mask, or None.
    """

    skin: Colour
    hair: Colour
    shirt: Colour
    trousers: Colour
    shoes: Colour
    apron: Colour | None
    long_sleeves: bool
    hairdo: str
    cover: Colour
    glasses: bool
    mask: Colour | None


def look(rng: Rng, shirts: tuple[Colour, ...], *, aprons: bool) -> Look:
    """Draw somebody's look; ``shirts`` is the palette of the place."""

    def pick(options: tuple[Colour, ...]) -> Colour:
        colour = options[rng.integers(len(options))]
        b, g, r = (float(np.clip(c * rng.uniform(0.9, 1.1), 0, 255)) for c in colour)
        return (b, g, r)

    dark = ((60, 50, 45), (85, 62, 44), (40, 40, 42), (96, 96, 98), (52, 68, 96))
    return Look(
        skin=pick(SKINS),
        hair=pick(HAIRS),
        shirt=pick(shirts),
        trousers=pick(dark),
        shoes=pick(((40, 40, 44), (220, 220, 222), (50, 60, 90))),
        apron=pick(shirts) if aprons and rng.random() < 0.35 else None,
        long_sleeves=bool(rng.random() < 0.45),
        hairdo=str(rng.choice(["short", "bun", "tail", "cap", "scarf"], p=[0.4, 0.18, 0.22, 0.12, 0.08])),
        cover=pick(shirts),
        glasses=bool(rng.random() < 0.25),
        mask=(225.0, 215.0, 200.0) if aprons and rng.random() < 0.2 else None,
    )


@dataclass(frozen=True)
class Part:
    """The convex hull of some spheres.

    Attributes:
        spheres: Joint and radius in metres.
        colour: Of the lit surface.
        code: BODY, HEAD or ARMS.
        bias: Metres by which the part counts as nearer than it is.
        flat: Drawn in one fill (small things).
        facing: Joint that this part must be nearer than to show (eyes on a turned head), or "".
    """

    spheres: tuple[tuple[str, float], ...]
    colour: Colour
    code: int
    bias: float = 0.0
    flat: bool = False
    facing: str = ""


def parts(looks: Look, girth: float) -> list[Part]:
    """Return the shapes of a body that looks like this."""
    sleeve = looks.shirt if looks.long_sleeves else looks.skin
    made = [
        Part((("hip_l", 0.098 * girth), ("hip_r", 0.098 * girth), ("belly", 0.105 * girth),
              ("waist", 0.115 * girth)), looks.shirt, BODY),
        Part((("waist", 0.118 * girth), ("breast_l", 0.085 * girth), ("breast_r", 0.085 * girth),
              ("shoulder_l", 0.062), ("shoulder_r", 0.062), ("neck", 0.055)), looks.shirt, BODY, bias=0.01),
        Part((("neck", 0.062), ("nape", 0.055)), shade(looks.shirt, 1.18), BODY, bias=0.02),
        Part((("nape", 0.048), ("jaw", 0.042)), shade(looks.skin, 0.86), HEAD, bias=0.03),
    ]  # fmt: skip
    if looks.apron is not None:
        made.append(Part((("belly", 0.115 * girth), ("breast_l", 0.07), ("breast_r", 0.07), ("chest", 0.08)),
                         looks.apron, BODY, bias=0.02, facing="waist"))  # fmt: skip
    for side in "lr":
        made += [
            Part(
                ((f"hip_{side}", 0.092 * girth), (f"knee_{side}", 0.064 * girth)),
                looks.trousers,
                BODY,
                bias=-0.02,
            ),
            Part(
                ((f"knee_{side}", 0.060 * girth), (f"ankle_{side}", 0.043)), looks.trousers, BODY, bias=-0.02
            ),
            Part(((f"ankle_{side}", 0.043), (f"toe_{side}", 0.036)), looks.shoes, BODY, bias=-0.02),
            Part(((f"shoulder_{side}", 0.048), (f"elbow_{side}", 0.042)), sleeve, ARMS),
            Part(
                ((f"shoulder_{side}", 0.064 * girth), (f"sleeve_{side}", 0.056)),
                looks.shirt,
                ARMS,
                bias=0.005,
            ),
            Part(((f"elbow_{side}", 0.043), (f"wrist_{side}", 0.030)), sleeve, ARMS, bias=0.01),
            Part(((f"wrist_{side}", 0.027), (f"palm_{side}", 0.039)), looks.skin, ARMS, bias=0.012),
            Part(((f"palm_{side}", 0.034), (f"tips_{side}", 0.019)), looks.skin, ARMS, bias=0.014),
            Part(
                ((f"palm_{side}", 0.02), (f"thumb_{side}", 0.013)), shade(looks.skin, 0.94), ARMS, bias=0.016
            ),
        ]
    return made + _head_parts(looks)


def _head_parts(looks: Look) -> list[Part]:
    dark = (30.0, 28.0, 30.0)
    crown = looks.cover if looks.hairdo in {"cap", "scarf"} else looks.hair
    made = [
        Part((("head", 0.088), ("jaw", 0.056)), looks.skin, HEAD, bias=0.05),
        Part((("crown", 0.092), ("occiput", 0.088)), crown, HEAD, bias=0.05),
        Part(
            (("nose", 0.013), ("head", 0.02)),
            shade(looks.skin, 0.93),
            HEAD,
            bias=0.06,
            flat=True,
            facing="head",
        ),
    ]
    if looks.hairdo == "cap":
        made.append(Part((("crown", 0.06), ("brim", 0.035)), shade(crown, 0.8), HEAD, bias=0.055, flat=True))
    if looks.hairdo in {"tail", "scarf"}:
        made.append(Part((("occiput", 0.08), ("hair_low", 0.06)), crown, HEAD, bias=0.02))
    if looks.hairdo == "tail":
        made.append(Part((("hair_low", 0.05), ("tail", 0.03)), looks.hair, HEAD))
    if looks.hairdo == "bun":
        made.append(Part((("bun", 0.05),), looks.hair, HEAD, bias=0.03))
    for side in "lr":
        made += [
            Part(
                ((f"ear_{side}", 0.022),), shade(looks.skin, 0.9), HEAD, bias=0.052, flat=True, facing="head"
            ),
            Part(
                ((f"eye_{side}", 0.013),), (215.0, 220.0, 225.0), HEAD, bias=0.055, flat=True, facing="head"
            ),
            Part(((f"eye_{side}", 0.008),), dark, HEAD, bias=0.06, flat=True, facing="head"),
            Part(
                ((f"brow_{side}", 0.010),), shade(looks.hair, 0.8), HEAD, bias=0.055, flat=True, facing="head"
            ),
        ]
        if looks.glasses:
            made.append(
                Part(
                    ((f"eye_{side}", 0.026),), (60.0, 58.0, 60.0), HEAD, bias=0.054, flat=True, facing="head"
                )
            )
    mouth = (("mouth_l", 0.009), ("mouth_r", 0.009))
    if looks.mask is None:
        made.append(Part(mouth, (88.0, 88.0, 158.0), HEAD, bias=0.055, flat=True, facing="head"))
    else:
        cover = (("mouth_l", 0.035), ("mouth_r", 0.035), ("jaw", 0.045))
        made.append(Part(cover, looks.mask, HEAD, bias=0.062, facing="head"))
    return made


@dataclass(frozen=True)
class Shape:
    """One part at one moment, ready to be drawn.

    Attributes:
        key: Depth in metres; what has the larger key is drawn first.
        rings: Fixed-point outlines, outermost first, each (n, 2).
        colours: One per outline.
        code: For the mask.
        convex: Whether the outlines are convex.
    """

    key: float
    rings: tuple[Ints, ...]
    colours: tuple[Colour, ...]
    code: int
    convex: bool = True

    def paint(self, image: Image) -> None:
        """Draw on an image, in place."""
        for ring, colour in zip(self.rings, self.colours, strict=True):
            fill(image, ring, colour, convex=self.convex)

    def stamp(self, mask: Image) -> None:
        """Draw on a mask, in place."""
        for ring in self.rings[: 1 if self.convex else 2]:  # inner layers of a convex part lie inside
            fill(mask, ring, self.code, convex=self.convex)


def outline(pixels: Floats, radii: Floats, factor: float, light: Floats) -> Floats:
    """Return the circles (T, spheres * 10, 2) around projected centres (T, spheres, 2), in pixels."""
    moved = pixels + light * radii[..., None]
    circles = moved[..., None, :] + (radii * factor)[..., None, None] * RING
    return np.asarray(circles.reshape(len(pixels), -1, 2))


def project(part: Part, found: Joints, camera: Camera) -> tuple[list[Ints], Floats]:
    """Return a part's fixed-point circles per layer, and its depths (T,)."""
    centres = np.stack([found[name] for name, _ in part.spheres], axis=1)
    pixels, depths = camera.project(centres)
    sizes = np.array([radius for _, radius in part.spheres])
    radii = sizes * camera.focal * camera.width / np.maximum(depths, 0.15)
    layers = LAYERS[1:2] if part.flat else LAYERS
    light = np.array([-0.45, -0.9])
    outer = 1.0 if part.flat else None
    rings = [fixed(outline(pixels, radii, outer or size, light * (0 if part.flat else shift)))
             for size, _, shift in layers]  # fmt: skip
    return rings, np.asarray(depths.mean(axis=1))
