"""The demo's members.  All are invented; their phones are of a run that nobody was given."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

_WOMEN = (
    ("Анна", "Смирнова"),
    ("Мария", "Кузнецова"),
    ("Елена", "Попова"),
    ("Ольга", "Васильева"),
    ("Наталья", "Петрова"),
    ("Ирина", "Соколова"),
    ("Татьяна", "Михайлова"),
    ("Светлана", "Новикова"),
    ("Юлия", "Фёдорова"),
    ("Екатерина", "Морозова"),
    ("Дарья", "Волкова"),
    ("Алина", "Гатауллина"),
    ("Вера", "Лебедева"),
    ("Полина", "Козлова"),
    ("Ксения", "Степанова"),
    ("Зоя", "Орлова"),
)
_MEN = (
    ("Иван", "Макаров"),
    ("Алексей", "Никитин"),
    ("Дмитрий", "Захаров"),
    ("Сергей", "Зайцев"),
    ("Андрей", "Соловьёв"),
    ("Михаил", "Борисов"),
    ("Павел", "Яковлев"),
    ("Николай", "Григорьев"),
    ("Тимур", "Ахметов"),
    ("Олег", "Романов"),
    ("Виктор", "Воробьёв"),
    ("Юрий", "Кузьмин"),
)
_CITIES = ("Москва", "Тула", "Калуга")
_SIGNED = {"given": True, "text_version": 1, "place": "shop", "proof": {"how": "paper"}}


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody with a phone; one without a name joined by a purchase and told nothing else."""

    phone: str
    first_name: str | None = None
    last_name: str | None = None
    gender: str | None = None
    city: str | None = None

    def enrolment(self) -> dict[str, Any]:
        """The body of `POST /members`."""
        return {
            "phone": self.phone,
            "first_name": self.first_name,
            "last_name": self.last_name,
            "gender": self.gender,
            "city": self.city,
            "consents": [
                {"purpose": "processing", **_SIGNED},
                {"purpose": "advertising", "channel": "sms", **_SIGNED},
            ],
            "source": "till",
        }


def _phone(number: int) -> str:
    return f"+7900000{number:04d}"


def _named() -> tuple[Person, ...]:
    everybody = [(*names, "female") for names in _WOMEN] + [(*names, "male") for names in _MEN]
    return tuple(
        Person(_phone(number), first, last, gender, _CITIES[number % len(_CITIES)])
        for number, (first, last, gender) in enumerate(everybody, start=1)
    )


MEMBERS = _named()
PASSERS_BY = tuple(Person(_phone(number)) for number in range(901, 905))
"""They leave a phone at the till and are enrolled by their first purchase."""
