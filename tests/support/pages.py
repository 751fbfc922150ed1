"""What stands on a page of the console."""

from __future__ import annotations

import re


def figure(page: str, name: str) -> str:
    """A figure that a page shows under this name."""
    found = re.search(rf'data-figure="{name}">\s*(?:<span[^>]*>[^<]*</span>)?\s*([^<]*?)\s*<', page)
    assert found is not None, name
    return found[1].replace("\N{NO-BREAK SPACE}", " ")
