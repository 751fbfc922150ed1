"""Queries over the terminals of connections, and over who sells at them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, delete, func, or_, select, tuple_, update

from loyalty_core.store.database import insert_or
from loyalty_core.store.tables import cashiers, terminals


@dataclass(frozen=True, slots=True)
class TerminalRow:
    """`shop`: its code in the hub; `listed`: the vendor tells of it, `name` None: it does not;
    `heard_at`: when its last receipt came."""

    external_id: str
    name: str | None
    shop: str | None
    listed: bool
    heard_at: datetime | None


@dataclass(frozen=True, slots=True)
class CashierRow:
    external_id: str
    name: str
    role: str | None


def keep_listed(
    connection: Connection,
    installation_id: int,
    rows: Sequence[TerminalRow],
    *,
    forget_before: datetime,
) -> None:
    """These are all terminals that the vendor tells of; others stay as long as they were heard
    after `forget_before`."""
    own = terminals.c.installation_id == installation_id
    names = [row.external_id for row in rows]
    for row in rows:
        values = {"name": row.name, "shop": row.shop, "listed": True}
        statement = insert_or(connection, terminals).values(
            installation_id=installation_id, external_id=row.external_id, **values
        )
        connection.execute(
            statement.on_conflict_do_update(
                index_elements=["installation_id", "external_id"], set_=values
            )
        )
    heard = terminals.c.heard_at
    gone = own & terminals.c.external_id.not_in(names)
    connection.execute(delete(terminals).where(gone, or_(heard.is_(None), heard < forget_before)))
    connection.execute(update(terminals).where(gone).values(listed=False))


def hear(
    connection: Connection, installation_id: int, terminal: str, shop: str | None, at: datetime
) -> None:
    """A receipt of a terminal has come; one that nobody told of is known from then on."""
    statement = insert_or(connection, terminals).values(
        installation_id=installation_id,
        external_id=terminal,
        shop=shop,
        listed=False,
        heard_at=at,
    )
    later = or_(terminals.c.heard_at.is_(None), terminals.c.heard_at < at)
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=["installation_id", "external_id"],
            set_={"heard_at": at, "shop": func.coalesce(shop, terminals.c.shop)},
            where=later,
        )
    )


def of_installation(connection: Connection, installation_id: int) -> list[TerminalRow]:
    query = (
        select(*[terminals.c[name] for name in TerminalRow.__dataclass_fields__])
        .where(terminals.c.installation_id == installation_id)
        .order_by(terminals.c.shop, terminals.c.name, terminals.c.external_id)
    )
    return [TerminalRow(*row) for row in connection.execute(query)]


def replace_cashiers(
    connection: Connection, installation_id: int, rows: Sequence[CashierRow]
) -> None:
    """Whoever is not among them any more is forgotten."""
    connection.execute(delete(cashiers).where(cashiers.c.installation_id == installation_id))
    if rows:
        connection.execute(
            cashiers.insert(),
            [
                {
                    "installation_id": installation_id,
                    "external_id": row.external_id,
                    "name": row.name,
                    "role": row.role,
                }
                for row in rows
            ],
        )


def cashiers_of(connection: Connection, installation_id: int) -> list[CashierRow]:
    query = (
        select(*[cashiers.c[name] for name in CashierRow.__dataclass_fields__])
        .where(cashiers.c.installation_id == installation_id)
        .order_by(cashiers.c.name, cashiers.c.external_id)
    )
    return [CashierRow(*row) for row in connection.execute(query)]


def names_of(
    connection: Connection, wanted: Collection[tuple[int, str]]
) -> Mapping[tuple[int, str], str]:
    """Names of cashiers by installation and the vendor's id; who is not known is left out."""
    if not wanted:
        return {}
    key = (cashiers.c.installation_id, cashiers.c.external_id)
    query = select(*key, cashiers.c.name).where(tuple_(*key).in_(wanted))
    return {(home, one): name for home, one, name in connection.execute(query)}
