"""Bases of another system, made for the tests and for measuring; nobody in them is real.

`python -m tests.support.moving FOLDER --members 1000000` writes `members.csv` and `balances.csv`.
"""

from __future__ import annotations

import argparse
import csv
from pathlib import Path

from sqlalchemy import Engine

from hub.clock import SystemClock
from loyalty_core.service.members import MemberCard, find_members
from loyalty_core.service.plans import PlanCache
from loyalty_core.service.programmes import get_programme
from loyalty_core.store.database import read
from loyalty_kit.money import format_decimal

HEAD = ("Телефон", "ФИО", "Карта", "Дата рождения", "Город")
BALANCE_HEAD = ("Карта", "Баланс", "Дата сгорания")
CITIES = ("Тверь", "Псков", "Омск")


def phone_of(number: int) -> str:
    """ "8 (916) 001-23-45"."""
    digits = f"{number:07d}"
    return f"8 (916) {digits[:3]}-{digits[3:5]}-{digits[5:]}"


def card_of(number: int) -> str:
    return f"77{number:08d}"


def points_of(number: int) -> int:
    """Hundredths; every tenth member has none."""
    return 0 if number % 10 == 0 else 1000 + number % 5000


def write_members(path: Path, count: int) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, delimiter=";")
        writer.writerow(HEAD)
        writer.writerows(
            (
                phone_of(number),
                f"Образцова{number} Проба",
                card_of(number),
                f"{number % 28 + 1:02d}.{number % 12 + 1:02d}.{1950 + number % 50}",
                CITIES[number % 3],
            )
            for number in range(count)
        )


def write_balances(path: Path, count: int) -> int:
    """Gives the sum in hundredths."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, delimiter=";")
        writer.writerow(BALANCE_HEAD)
        writer.writerows(
            (card_of(number), format_decimal(points_of(number)).replace(".", ","), "31.12.2098")
            for number in range(count)
        )
    return sum(map(points_of, range(count)))


def write_rows(path: Path, *rows: str, encoding: str = "utf-8") -> Path:
    path.write_text("\n".join(rows) + "\n", encoding)
    return path


def card(engine: Engine, **names: str) -> MemberCard:
    """The one member of the programme `demo` who is known by a name."""
    with read(engine) as connection:
        programme = get_programme(connection, "demo")
        (found,) = find_members(
            connection, PlanCache(), programme.id, **names, now=SystemClock().now()
        )
    return found


def main() -> None:
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("folder", type=Path)
    words.add_argument("--members", type=int, default=1_000_000)
    said = words.parse_args()
    said.folder.mkdir(parents=True, exist_ok=True)
    write_members(said.folder / "members.csv", said.members)
    write_balances(said.folder / "balances.csv", said.members)


if __name__ == "__main__":
    main()
