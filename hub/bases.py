"""A base of another system on its way in, as the command line and the console bring it in alike."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b

from sqlalchemy import Connection

from hub.import_columns import Columns
from loyalty_core.domain.import_columns import BALANCES, MEMBERS
from loyalty_core.service.import_balances import BalancesImport
from loyalty_core.service.import_members import MembersImport
from loyalty_core.service.import_purchases import PurchasesImport
from loyalty_core.service.imports import Kind, Wanted
from loyalty_core.service.plans import PlanCache
from loyalty_core.store import imports as store
from loyalty_core.store.scratch import Scratch

LONGEST_NAME = 100
"""Of an import: it stands in the key of each entry."""


@dataclass(frozen=True, slots=True)
class Base:
    """`name` is that of this import; `system`: whose the ids in `external` are; `besides`: it
    comes on top of what other imports brought in."""

    programme_id: int
    kind: str
    name: str
    system: str | None
    besides: bool
    author: str

    def wanted(self, columns: Columns) -> Wanted:
        """Read otherwise, it is another file that begins anew; but not under another name."""
        content = columns.sheet.look.file_hash
        read_as = json.dumps([columns.told(), self.system])
        whole = blake2b(f"{content}{read_as}".encode(), digest_size=16).hexdigest()
        return Wanted(self.programme_id, self.kind, self.name, whole, content)

    def is_surveyed(self, connection: Connection) -> bool:
        """Whether the whole file is to be read before its first row is taken: balances are held
        against lots of before, by this import or by others, and those that the file tells."""
        if self.kind != BALANCES:
            return False
        return bool(store.names_of_imports(connection, self.programme_id, BALANCES))

    def importer(self, plans: PlanCache, scratch: Scratch, started_at: datetime) -> Kind:
        """`started_at`: when it was begun first, whoever goes on with it."""
        where = (self.programme_id, self.name, scratch)
        system, besides = self.system, self.besides
        if self.kind == BALANCES:
            return BalancesImport(plans, *where, system=system, author=self.author, besides=besides)
        make = MembersImport if self.kind == MEMBERS else PurchasesImport
        return make(plans, *where, system=system, started_at=started_at, besides=besides)
