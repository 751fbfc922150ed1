"""How the person at the keyboard signs what they do."""

from __future__ import annotations

from hub.web.admin.sessions import signed_in_admin


def author() -> str:
    """Who stands in the log, in entries and in versions: `admin:` and the login."""
    return f"admin:{signed_in_admin().login}"
