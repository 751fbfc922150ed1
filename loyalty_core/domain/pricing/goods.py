"""Which goods a rule means: words that every rule type shares."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from loyalty_core.domain.pricing.declare import CODE, Kind, choice, many, optional, text, word
from loyalty_kit.events import RULED_KINDS, LineKind

KINDS = ("category", "sku", "brand", "attribute", "class")
"""What a line can be named by; a line may have several names of one kind."""


@lru_cache(maxsize=10_000)
def fold(name: str) -> str:
    """Names are compared without regard to case (`ledger.md` 5)."""
    return name.strip().casefold()


def _name() -> Kind[str]:
    plain = text(longest=255)
    return Kind(lambda value: fold(plain.read(value)), plain.schema)


def _code() -> Kind[str]:
    return Kind(lambda value: fold(CODE.read(value)), CODE.schema)


_NAMES = many(_name(), most=1000)


@dataclass(frozen=True, slots=True, kw_only=True)
class Goods:
    """Lines by their names, which are folded; a list that is empty asks nothing.

    A line is meant if it is of one of the kinds, is in one of the categories or one of the
    articles (where either is named), has one of the brands, attributes and legal classes (where
    they are named), stands in the member's own list (where one is named), and is not excepted.
    Categories mean all that lies below them, for a line has those above its own.
    """

    categories: tuple[str, ...] = field(
        default=(),
        metadata=word("categories", _NAMES, en="Categories of goods", ru="Категории товаров"),
    )
    skus: tuple[str, ...] = field(
        default=(), metadata=word("skus", _NAMES, en="Articles", ru="Артикулы")
    )
    brands: tuple[str, ...] = field(
        default=(), metadata=word("brands", _NAMES, en="Brands", ru="Бренды")
    )
    attributes: tuple[str, ...] = field(
        default=(), metadata=word("attributes", _NAMES, en="Attributes", ru="Признаки")
    )
    classes: tuple[str, ...] = field(
        default=(), metadata=word("classes", _NAMES, en="Legal classes", ru="Классы по закону")
    )
    except_categories: tuple[str, ...] = field(
        default=(),
        metadata=word("except_categories", _NAMES, en="Except categories", ru="Кроме категорий"),
    )
    except_skus: tuple[str, ...] = field(
        default=(), metadata=word("except_skus", _NAMES, en="Except articles", ru="Кроме артикулов")
    )
    except_attributes: tuple[str, ...] = field(
        default=(),
        metadata=word("except_attributes", _NAMES, en="Except attributes", ru="Кроме признаков"),
    )
    personal: str | None = field(
        default=None,
        metadata=word(
            "personal",
            optional(_code()),
            en="Goods of the member's list",
            ru="Товары из списка участника",
        ),
    )
    kinds: tuple[str, ...] = field(
        default=(LineKind.GOODS,),
        metadata=word(
            "kinds",
            many(choice(*RULED_KINDS), least=1, most=len(RULED_KINDS)),
            en="Kinds of lines",
            ru="Виды строк",
        ),
    )

    def asks(self) -> Iterator[Mapping[str, tuple[str, ...]]]:
        """What a line must have one name of: each of these, kind by kind."""
        if self.categories or self.skus:
            yield {"category": self.categories, "sku": self.skus}
        for kind, names in (
            ("brand", self.brands),
            ("attribute", self.attributes),
            ("class", self.classes),
        ):
            if names:
                yield {kind: names}

    @property
    def excepts(self) -> bool:
        return bool(self.except_categories or self.except_skus or self.except_attributes)

    @property
    def excepted(self) -> Mapping[str, tuple[str, ...]]:
        """What a line must have no name of."""
        named = {
            "category": self.except_categories,
            "sku": self.except_skus,
            "attribute": self.except_attributes,
        }
        return {kind: names for kind, names in named.items() if names}
