"""The colours of a scan's maps: red above the base, blue below it, the same on page and picture.

Steps of each arm lie evenly between its ends in OKLab (Ottosson 2020), a space where equal
distances look equally far apart. Lightness changes along both arms and ends on different values,
so that the sign survives red-blind eyes and grey printers as well.
"""

from __future__ import annotations

import math

#: Steps of an arm; the base's own colour is step 0.
ARM = 12
#: Steps of the scale without a middle, for similarities.
RAMP = 16

#: Lightness, chroma and hue in OKLCH: the middle, the better end, the worse end, for both schemes.
LIGHT = ((0.94, 0.004, 260.0), (0.52, 0.2, 27.0), (0.4, 0.15, 262.0))
DARK = ((0.34, 0.008, 260.0), (0.74, 0.15, 36.0), (0.64, 0.145, 252.0))
LIGHT_RAMP = ((0.96, 0.01, 170.0), (0.33, 0.07, 200.0))
DARK_RAMP = ((0.27, 0.015, 200.0), (0.86, 0.09, 170.0))

Lab = tuple[float, float, float]


def step_of(value: float, limit: float) -> int:
    """From -ARM (``-limit`` and worse) over 0 (exactly the base) to ARM.

    A difference, however small, leaves step 0: the colour never hides the sign.
    """
    if value == 0:
        return 0
    size = ARM if limit <= 0 else min(ARM, max(1, math.ceil(ARM * abs(value) / limit - 1e-9)))
    return size if value > 0 else -size


def ramp_of(value: float, low: float, high: float) -> int:
    """From 0 (``low``) to RAMP - 1 (``high``)."""
    if high <= low:
        return RAMP - 1
    return min(RAMP - 1, max(0, int(RAMP * (value - low) / (high - low))))


def step_class(step: int) -> str:
    """The style class of a step."""
    return "even" if step == 0 else f"up-{step}" if step > 0 else f"down-{-step}"


def colour(step: int, *, dark: bool = False) -> str:
    """A step as ``#rrggbb``."""
    middle, better, worse = DARK if dark else LIGHT
    end = better if step > 0 else worse
    return _hex(_between(_lab(*middle), _lab(*end), abs(step) / ARM))


def ramp_colour(step: int, *, dark: bool = False) -> str:
    """A step of the scale without a middle as ``#rrggbb``."""
    low, high = DARK_RAMP if dark else LIGHT_RAMP
    return _hex(_between(_lab(*low), _lab(*high), step / (RAMP - 1)))


def stylesheet() -> str:
    """The classes of all steps, for both colour schemes."""
    return _rules(False) + "@media (prefers-color-scheme: dark) {\n" + _rules(True) + "}\n"


def _rules(dark: bool) -> str:
    steps = [
        f".{step_class(step)} {{ fill: {colour(step, dark=dark)}; }}"
        for step in range(-ARM, ARM + 1)
    ]
    ramp = [f".ramp-{step} {{ fill: {ramp_colour(step, dark=dark)}; }}" for step in range(RAMP)]
    return "\n".join([*steps, *ramp]) + "\n"


def _lab(lightness: float, chroma: float, hue: float) -> Lab:
    angle = math.radians(hue)
    return lightness, chroma * math.cos(angle), chroma * math.sin(angle)


def _between(one: Lab, other: Lab, share: float) -> Lab:
    lightness, a, b = (x + share * (y - x) for x, y in zip(one, other, strict=True))
    return lightness, a, b


def _hex(lab: Lab) -> str:
    lightness, a, b = lab
    long = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3
    medium = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3
    short = (lightness - 0.0894841775 * a - 1.2914855480 * b) ** 3
    linear = (
        4.0767416621 * long - 3.3077115913 * medium + 0.2309699292 * short,
        -1.2684380046 * long + 2.6097574011 * medium - 0.3413193965 * short,
        -0.0041960863 * long - 0.7034186147 * medium + 1.7076147010 * short,
    )
    return "#" + "".join(f"{round(255 * _gamma(channel)):02x}" for channel in linear)


def _gamma(channel: float) -> float:
    inside = min(1.0, max(0.0, channel))
    return 12.92 * inside if inside <= 0.0031308 else 1.055 * inside ** (1 / 2.4) - 0.055
