"""Python's search for garbage in cycles, as a process that works off batches needs it."""

from __future__ import annotations

import gc

_YOUNG = 50_000


def search_rarely() -> None:
    """What is loaded by now is searched no more, and new objects only when there are many.

    A batch makes some ten thousand objects, nearly none of them in a cycle, and lets all of them
    go at its end; by Python's own measure (700) they are searched over and over meanwhile, which
    took a ninth of what booking a receipt costs.  See `gc.freeze` and `gc.set_threshold` in
    Python's documentation of `gc`.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(_YOUNG, 10, 10)
