"""Events with places that run out, seen by those members alone who may come."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime

from loyalty_core.domain.conditions.meet import compile_tree
from loyalty_core.domain.conditions.scene import Scene
from loyalty_core.domain.conditions.segments import ABOUT_MEMBERS
from loyalty_core.domain.conditions.tree import Node
from loyalty_core.domain.pricing.declare import CODE, INSTANT, NAME, optional, whole, word
from loyalty_core.domain.pricing.goods import fold


@dataclass(frozen=True, slots=True)
class ClubEvent:
    """Places may be taken until it begins.  `when` None: every member may come."""

    code: str = field(metadata=word("code", CODE, en="Code", ru="Код"))
    name: str = field(metadata=word("name", NAME, en="Name", ru="Название"))
    starts_at: datetime = field(metadata=word("starts_at", INSTANT, en="Begins", ru="Начало"))
    places: int = field(
        metadata=word("places", whole(least=1, most=1_000_000), en="Places", ru="Мест")
    )
    when: Node | None = field(
        default=None,
        metadata=word("when", optional(ABOUT_MEMBERS), en="Who may come", ru="Кому доступно"),
    )


def open_events(events: Iterable[ClubEvent], scene: Scene) -> Iterator[ClubEvent]:
    """Those that have not begun and that the member may come to."""
    for one in events:
        if scene.now < one.starts_at and (
            one.when is None or compile_tree(one.when, fold(one.code))(scene) is None
        ):
            yield one
