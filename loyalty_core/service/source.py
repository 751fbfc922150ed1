"""Who speaks: an API key or an installation, in one programme."""

from __future__ import annotations

from sqlalchemy import Connection

from loyalty_core.domain.errors import ChannelForbidden, ShopForbidden, UnknownShop
from loyalty_core.store.programmes import Shop, fold, shop_by_code, shop_code
from loyalty_kit.frozen import frozen


@frozen
class Source:
    """The sender of events and questions.

    `name` is "key:<name>" or "installation:<id>" and is part of each event's key
    (`ledger.md` 18).  `shops` are the codes that an API key is bound to; None: all.
    `channels` are those that it proves and may name; None: it proves none.  A `lenient` source
    (a connector, whose shop lets buyers type anything) has impossible phones flagged instead
    of refused.
    """

    programme_id: int
    name: str
    default_shop: str = "main"
    shops: frozenset[str] | None = None
    channels: frozenset[str] | None = None
    lenient: bool = False


def shop_for(connection: Connection, source: Source, code: str | None) -> Shop:
    """The shop that a message names, or the source's own where it names none.

    Raises: UnknownShop, ShopForbidden.
    """
    wanted = fold(code or source.default_shop)
    if source.shops is not None and wanted not in source.shops:
        raise ShopForbidden({"shop": wanted})
    shop = shop_by_code(connection, source.programme_id, wanted)
    if shop is None:
        raise UnknownShop({"shop": wanted})
    return shop


def check_channel(source: Source, channel: str) -> None:
    """Raises: ChannelForbidden, where a key is bound to other channels than this."""
    if source.channels is not None and fold(channel) not in source.channels:
        raise ChannelForbidden({"channel": fold(channel)})


def check_shop(connection: Connection, source: Source, shop_id: int) -> None:
    """Raises: ShopForbidden, where a key is bound to other shops than this."""
    if not reaches_shop(connection, source, shop_id):
        raise ShopForbidden({"shop": shop_code(connection, shop_id)})


def reaches_shop(connection: Connection, source: Source, shop_id: int) -> bool:
    """Whether a key may see what is of this shop."""
    return source.shops is None or shop_code(connection, shop_id) in source.shops
