"""What a portal posts: a flat form with names like `auth[domain]`."""

from __future__ import annotations

from urllib.parse import parse_qsl

MOST_FIELDS = 100


def fields_of(body: bytes) -> dict[str, str]:
    """Empty for what is no form."""
    try:
        text = body.decode("utf-8")
        return dict(parse_qsl(text, keep_blank_values=True, max_num_fields=MOST_FIELDS))
    except ValueError:
        return {}
