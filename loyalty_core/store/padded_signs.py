"""Fiscal signs of before that were kept with zeros before them, written anew as they are told."""

from __future__ import annotations

from sqlalchemy import Connection, delete, select, text

from loyalty_core.store.sets import insert_many
from loyalty_core.store.tables import PADDED, purchase_fiscal
from loyalty_kit.events import FiscalSign

_ROW = tuple(column.name for column in purchase_fiscal.primary_key)


def unpad(connection: Connection, limit: int) -> int:
    """Some of them; how many.  A purchase that had one sign in two forms has it once."""
    columns = [purchase_fiscal.c[name] for name in _ROW]
    found = connection.execute(select(*columns).where(text(PADDED)).limit(limit)).all()
    plain = {(programme, *_plain(*sign), purchase) for programme, *sign, purchase in found}
    insert_many(connection, purchase_fiscal, _ROW, sorted(plain), unless=_ROW)
    for row in found:
        same = [column == value for column, value in zip(columns, row, strict=True)]
        connection.execute(delete(purchase_fiscal).where(*same))
    return len(found)


def _plain(fn: str, fd: str, fp: str) -> tuple[str, str, str]:
    sign = FiscalSign(fn, fd, fp)
    return sign.fn, sign.fd, sign.fp
