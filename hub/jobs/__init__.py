"""Work in the background: draining programmes, and what the clock brings.

`run_worker` and `run_scheduler` are processes of their own in production; `start_embedded`
runs both as threads of the web process.
"""

from hub.jobs.embedded import Embedded, start_embedded
from hub.jobs.scheduler import run_scheduler
from hub.jobs.worker import run_worker

__all__ = ["Embedded", "run_scheduler", "run_worker", "start_embedded"]
