"""Write the WordPress plugin's zip into dist/: `python -m tools.plugin_wordpress`.

The bytes are those that the hub's console offers.
"""

from __future__ import annotations

import sys
from pathlib import Path

from connectors.wordpress.companion import build

ROOT = Path(__file__).resolve().parent.parent


def main() -> int:
    name, content = build()
    made = ROOT / "dist" / name
    made.parent.mkdir(exist_ok=True)
    made.write_bytes(content)
    print(made.relative_to(ROOT))
    return 0


if __name__ == "__main__":
    sys.exit(main())
