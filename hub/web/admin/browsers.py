"""What a browser calls itself, in words that a person knows their own machine by."""

from __future__ import annotations

_PROGRAMS = (
    ("YaBrowser/", "Яндекс Браузер"),
    ("Edg/", "Edge"),
    ("OPR/", "Opera"),
    ("Firefox/", "Firefox"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
)
"""The first that is in it: most of them name those after them as well."""
_SYSTEMS = (
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Windows", "Windows"),
    ("Mac OS X", "macOS"),
    ("Linux", "Linux"),
)


def browser_name(told: str) -> str:
    """As "Firefox, Windows"; what is not known is told by its first words, or is nothing."""
    names = [
        next((name for sign, name in known if sign in told), "") for known in (_PROGRAMS, _SYSTEMS)
    ]
    return ", ".join(name for name in names if name) or told[:40]
