"""How numbers are written: enough digits to read, the exact value kept beside them."""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime

MINUS = "−"
NONE = "–"


def _finite(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return float(value)


def _digits(size: float) -> int:
    """Decimals that leave three or four significant digits; shares keep three always."""
    return 3 if size < 10 else 2 if size < 100 else 1 if size < 1000 else 0


def score(value: object) -> str:
    """``0.7125`` -> ``0.713``; ``1234.5`` -> ``1,234``; nothing known -> a dash."""
    number = _finite(value)
    if number is None:
        return NONE
    return f"{number:,.{_digits(abs(number))}f}".replace("-", MINUS)


def signed(value: object) -> str:
    """``0.22`` -> ``+0.220`` and ``-0.22`` -> ``−0.220``; zero bears no sign."""
    number = _finite(value)
    if number is None:
        return NONE
    text = f"{number:+,.{_digits(abs(number))}f}"
    if float(text.replace(",", "")) == 0:
        return text[1:]
    return text.replace("-", MINUS)


def points(value: object, *, sign: bool = False, decimals: int = 1) -> str:
    """Leaderboard points: ``44.745`` -> ``44.7``; with ``sign``, ``+0.97`` -> ``+1.0``."""
    number = _finite(value)
    if number is None:
        return NONE
    text = f"{number:{'+' if sign else ''}.{decimals}f}"
    if float(text) == 0:
        return text.lstrip("+-")
    return text.replace("-", MINUS)


def per_cent(value: object) -> str:
    """A share: ``0.127`` -> ``13%``, ``0.0145`` -> ``1.5%``."""
    number = _finite(value)
    if number is None:
        return NONE
    digits = 0 if abs(number) >= 0.0995 or number == 0 else 1
    text = f"{100 * number:.{digits}f}"
    return f"{text.removesuffix('.0')}%".replace("-", MINUS)


def interval(ci95: tuple[float | None, float | None], *, sign: bool = False) -> str:
    """``0.660 to 0.760``; words rather than a dash, which a minus sign would be lost beside."""
    low, high = ci95
    if _finite(low) is None or _finite(high) is None:
        return NONE
    write = signed if sign else score
    return f"{write(low)} to {write(high)}"


def p_value(value: object) -> str:
    """Three decimals, and ``<0.001`` below them."""
    number = _finite(value)
    if number is None:
        return NONE
    return "<0.001" if number < 0.001 else f"{number:.3f}"


def small(value: object) -> str:
    """A p or q value with its power of ten where three decimals would hide it: ``2e−37``."""
    number = _finite(value)
    if number is None or number >= 0.001 or number <= 0:
        return p_value(value)
    return f"{number:.0e}".replace("e-0", "e-").replace("-", MINUS)


def count(value: object) -> str:
    """Whole numbers with thousands set apart."""
    number = _finite(value)
    return NONE if number is None else f"{number:,.0f}"


def share(part: object, whole: object) -> str:
    """``part`` of ``whole`` in per cent."""
    top, bottom = _finite(part), _finite(whole)
    return NONE if top is None or not bottom else f"{100 * top / bottom:.0f}%"


def size(value: object) -> str:
    """Bytes in the unit that leaves one to three digits before the point (1 GiB = 2**30)."""
    number = _finite(value)
    if number is None:
        return NONE
    for unit in ("B", "KiB", "MiB", "GiB"):
        if abs(number) < 1024:
            return f"{number:.0f} {unit}" if unit == "B" else f"{number:.3g} {unit}"
        number /= 1024
    return f"{number:,.3g} TiB"


def seconds(value: object) -> str:
    """``0.42 s``, ``12 s``, ``3 min 20 s``, ``2 h 05 min``."""
    number = _finite(value)
    if number is None:
        return NONE
    if number < 9.95:
        return f"{number:.2g} s"
    whole = round(number)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def moment(value: object) -> str:
    """An ISO 8601 time or seconds since 1970 as ``2026-11-20 09:30 UTC``; else the text itself."""
    number = _finite(value)
    try:
        when = (
            datetime.fromisoformat(str(value))
            if number is None
            else datetime.fromtimestamp(number, UTC)
        )
    except (ValueError, OverflowError, OSError):
        return str(value)
    zone = "" if when.tzinfo is None else f" {when.tzname()}"
    return f"{when:%Y-%m-%d %H:%M}{zone}"


def true_minus(text: str) -> str:
    """A sentence with minus signs for the hyphens that stand for them; names keep theirs."""
    return re.sub(r"(?<![\w.-])-(?=\d)", MINUS, text)


def plural(number: int, one: str, many: str = "") -> str:
    """``1 base``, ``2 bases``."""
    return f"{number} {one if number == 1 else many or one + 's'}"
