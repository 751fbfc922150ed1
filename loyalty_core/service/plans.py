"""Rule sets compiled once per version, shared by all threads of a process."""

from __future__ import annotations

import threading
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection

from loyalty_core.domain.errors import ProgrammeNotFound, VersionNotFound
from loyalty_core.domain.pricing.plan import Plan, compile_rules
from loyalty_core.domain.rules import parse_rules
from loyalty_core.store.programmes import programme_by_id, rules_document

_KEPT = 200


def version_at(versions: Sequence[tuple[datetime, int]], moment: datetime) -> int:
    """Of versions by the time of their publication, the one in force then; before the first
    one, the first."""
    place = bisect_right(versions, moment, key=lambda pair: pair[0])
    return versions[max(0, place - 1)][1]


class PlanCache:
    """Plans by (programme, version).  A published version never changes, so neither do they."""

    def __init__(self) -> None:
        self._plans: OrderedDict[tuple[int, int], Plan] = OrderedDict()
        self._newest: dict[int, Plan] = {}
        self._lock = threading.Lock()

    def phone_region(self, connection: Connection, programme_id: int) -> str:
        """The country of local phones.  Raises: ProgrammeNotFound."""
        return self.newest(connection, programme_id).rules.policies.phone_region

    def newest(self, connection: Connection, programme_id: int) -> Plan:
        """The newest version that was asked for, which need not be the one in force.

        Reads the database only where none was: a quote must know it before its one statement.

        Raises: ProgrammeNotFound.
        """
        plan = self._newest.get(programme_id)
        if plan is None:
            programme = programme_by_id(connection, programme_id)
            if programme is None:
                raise ProgrammeNotFound
            plan = self.get(connection, programme_id, programme.rules_version)
        return plan

    def get(self, connection: Connection, programme_id: int, version: int) -> Plan:
        """Raises: VersionNotFound."""
        key = (programme_id, version)
        with self._lock:
            plan = self._plans.get(key)
            if plan is not None:
                self._plans.move_to_end(key)
                return plan
        document = rules_document(connection, programme_id, version)
        if document is None:
            raise VersionNotFound({"version": str(version)})
        plan = compile_rules(parse_rules(document), version)
        with self._lock:
            self._plans[key] = plan
            newest = self._newest.get(programme_id)
            if newest is None or newest.version < version:
                self._newest[programme_id] = plan
            while len(self._plans) > _KEPT:
                self._plans.popitem(last=False)
        return plan
