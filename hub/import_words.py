"""What is told of an import, in English and Russian."""

from __future__ import annotations

from collections.abc import Mapping

from loyalty_core.domain.import_columns import BALANCES, GUESSED, KEPT, MEMBERS, PURCHASES, TOLD
from loyalty_core.service.imports import Bad

LANGUAGES = ("en", "ru")

REASONS: Mapping[str, tuple[str, str]] = {
    "nameless": (
        "names nobody: no phone, e-mail, card or id",
        "никого не называет: нет телефона, почты, карты и кода",
    ),
    "phone": ("has a phone that is none", "телефон не похож на телефон"),
    "email": ("has an e-mail that is none", "адрес почты не похож на адрес"),
    "card": ("has a card without a number", "у карты нет номера"),
    "no_system": (
        "has an id of no system; {system}, or write system:id",
        "не сказано, чей это код: {system} или пишите система:код",
    ),
    "member_id": ("has a member id that is none", "номер участника не похож на номер"),
    "twice": (
        "names somebody, or a receipt, that line {line} names already",
        "называет того же человека или тот же чек, что и строка {line}",
    ),
    "same_lot": (
        "is of the same member and dates as line {line}; give each row a word of its own in"
        " the column row, or add the two up",
        "относится к тому же участнику и сроку, что и строка {line}: дайте каждой строке своё"
        " слово в столбце row или сложите их",
    ),
    "several": ("names several members: {members}", "называет нескольких участников: {members}"),
    "nobody": ("names nobody who is known", "называет того, кого в программе нет"),
    "not_amount": ("has no sum in {column}", "в столбце {column} не сумма"),
    "not_day": ("has no date in {column}", "в столбце {column} не дата"),
    "ahead": ("has a date to come in {column}", "в столбце {column} дата из будущего"),
    "expired": ("has points that have expired", "эти баллы уже сгорели"),
    "ends_first": (
        "has points that expire before they can be spent",
        "эти баллы сгорят раньше, чем станут доступны",
    ),
    "negative": ("has a sum below zero in {column}", "в столбце {column} сумма меньше нуля"),
    "no_tier": ("has a level that the rules lack: {tier}", "такого уровня в правилах нет: {tier}"),
    "no_currency": (
        "has a currency of points that the rules lack: {currency}",
        "такой валюты баллов в правилах нет: {currency}",
    ),
    "no_shop": ("has a shop that is not there: {shop}", "такого магазина нет: {shop}"),
    "no_receipt": ("has no number of a receipt", "нет номера чека"),
    "too_many_lines": ("is of a receipt with over 1000 lines", "в чеке больше 1000 строк"),
    "other_points": (
        "was brought in before with {points} points",
        "раньше была загружена с другим числом баллов: {points}",
    ),
    "own_lot": (
        "is a lot that this programme has itself, as its export wrote it",
        "это баллы самой этой программы, какими их записал её экспорт",
    ),
    "counted_before": (
        "is of a member of whom spent_before tells all that was bought until {day}",
        "относится к участнику, покупки которого до {day} уже учтены в spent_before",
    ),
    "receipts_before": (
        "is of a member whose receipts since {day} were brought in: spent_before, or a level, of"
        " the same time would count beside them; leave it out, or {besides}",
        "относится к участнику, чеки которого с {day} уже загружены: spent_before или уровень за то"
        " же время посчитались бы ещё раз; уберите их или {besides}",
    ),
    "own_receipt": (
        "is of a receipt that the shop has probably reported itself: its shop, day and sum agree,"
        " and its number, or member and time; leave it out, or {besides} if it is another",
        "относится к чеку, который магазин, скорее всего, передал сам: совпадают магазин, день и"
        " сумма, а также номер или участник и время; уберите его или {besides},"
        " если это другой чек",
    ),
    "not_sign": (
        "has a fiscal number in {column} that is none",
        "в столбце {column} не фискальный номер",
    ),
    "other_lots": (
        "is of a member who has {points} points of imports before in lots that this file does not"
        " tell: mend it in the whole file, or {besides} if it comes on top",
        "относится к участнику, у которого от прежних загрузок уже есть {points} баллов с другими"
        " сроками, и в файле их нет: исправьте строку в полном файле или {besides},"
        " если эти баллы добавляются к тем",
    ),
    "other_receipt": (
        "is of a receipt that was brought in before with other words",
        "относится к чеку, который раньше был загружен другим",
    ),
    "receipt_differs": (
        "is of a receipt whose rows say different things in {column}",
        "относится к чеку, строки которого расходятся в столбце {column}",
    ),
    "too_long": ("has over 255 characters in {column}", "в столбце {column} больше 255 знаков"),
    "not_text": (
        "has characters in {column} that are no text",
        "в столбце {column} знаки, которых не бывает в тексте",
    ),
    "digits_lost": (
        "has a number in {column} of which a spreadsheet kept a part: make the column a text there",
        "в столбце {column} число, от которого таблица оставила часть цифр: сделайте столбец"
        " текстовым и выгрузите снова",
    ),
    "not_json": (
        "has no JSON object in {column}",
        "в столбце {column} не объект JSON",
    ),
    "columns": ("has more cells than there are headings", "ячеек больше, чем заголовков"),
}

ON_COMMAND_LINE: Mapping[str, tuple[str, str]] = {
    "besides": ("say --besides", "укажите --besides"),
    "system": ("name it by --system", "назовите систему в --system"),
}
ON_PAGE: Mapping[str, tuple[str, str]] = {
    "besides": ("tick “On top of earlier files”", "отметьте «Сверх прежних файлов»"),
    "system": (
        "name the other system when you send the file",
        "назовите систему при отправке файла",
    ),
}
"""What is to be done about a row, by where the file is brought in."""

_HOW: Mapping[str, tuple[str, str]] = {
    TOLD: ("as you said", "как вы указали"),
    KEPT: ("as last time", "как в прошлый раз"),
    GUESSED: ("guessed", "угадано"),
}

_COUNTS: Mapping[str, Mapping[str, tuple[str, str]]] = {
    MEMBERS: {
        "rows": ("Rows in the file", "Строк в файле"),
        "new": ("  new members", "  новых участников"),
        "known": ("  members who are known already", "  уже известных участников"),
        "tier_not_reached": (
            "  of the new, with a level that cannot be carried over",
            "  из новых — с уровнем, который нельзя перенести",
        ),
        "rejected": ("  rejected", "  отклонено"),
        "rejected_twice": ("    named twice in the file", "    названы в файле дважды"),
        "rejected_several": (
            "    naming several members",
            "    называют нескольких участников",
        ),
    },
    BALANCES: {
        "rows": ("Rows in the file", "Строк в файле"),
        "taken": ("  brought in", "  загружено"),
        "known": ("  brought in before", "  загружены раньше"),
        "empty": ("  with nothing to bring in", "  без баллов"),
        "rejected": ("  rejected", "  отклонено"),
        "rejected_nobody": ("    naming nobody who is known", "    неизвестно чьи"),
        "rejected_same_lot": ("    twice in the file", "    дважды в файле"),
        "other_currencies": ("  of other currencies of points", "  в других валютах баллов"),
        "points_in_file": ("Points in the file", "Баллов в файле"),
        "points_taken": ("  brought in", "  загружено"),
        "points_known": ("  brought in before", "  загружены раньше"),
        "points_rejected": ("  rejected", "  отклонено"),
        "points_forgiven": (
            "  forgiven, as the rules say of debts",
            "  прощено по правилам о долгах",
        ),
    },
    PURCHASES: {
        "rows": ("Rows in the file", "Строк в файле"),
        "taken": ("  brought in", "  загружено"),
        "known": ("  brought in before", "  загружены раньше"),
        "own": (
            "  of receipts that the shop has reported itself",
            "  из чеков, которые магазин передал сам",
        ),
        "rejected": ("  rejected", "  отклонено"),
        "rejected_nobody": ("    naming nobody who is known", "    неизвестно чьи"),
        "rejected_own_receipt": (
            "    of receipts that the shop has probably reported itself",
            "    из чеков, которые магазин, скорее всего, передал сам",
        ),
        "taken_receipts": ("Receipts brought in", "Чеков загружено"),
        "receipts_of_nobody": ("Receipts that name nobody", "Чеков без покупателя"),
        "money_in_file": ("Money in the file", "Денег в файле"),
        "money_taken": ("  brought in", "  загружено"),
        "money_known": ("  brought in before", "  загружены раньше"),
        "money_own": ("  reported by the shop itself", "  передано самим магазином"),
        "money_rejected": ("  rejected", "  отклонено"),
    },
}
_DRY: Mapping[str, tuple[str, str]] = {
    "taken": ("  to bring in", "  будет загружено"),
    "taken_receipts": ("Receipts to bring in", "Чеков будет загружено"),
    "points_taken": ("  to bring in", "  будет загружено"),
    "money_taken": ("  to bring in", "  будет загружено"),
}
"""Of a rehearsal, in place of what was done."""
ALWAYS = frozenset({"rows", "new", "known", "taken", "rejected", "points_in_file", "money_in_file"})
"""Counts that are told also where they are zero."""

_SENTENCES: Mapping[str, tuple[str, str]] = {
    "dry": ("Dry run: nothing is written.", "Пробный прогон: ничего не записано."),
    "goes_on": (
        "Goes on after {position} rows that were done before.",
        "Продолжаем после {position} строк, сделанных раньше.",
    ),
    "file": (
        "{file}: encoding {encoding}, delimiter {delimiter}",
        "{file}: кодировка {encoding}, разделитель {delimiter}",
    ),
    "sheet": ("{file}: a spreadsheet, its first sheet", "{file}: таблица, первый лист"),
    "columns": ("Columns:", "Столбцы:"),
    "unused": ("Columns not used: {names}", "Не использованы столбцы: {names}"),
    "members": (
        "Members: {before} before, {after} after",
        "Участников: было {before}, стало {after}",
    ),
    "points": ("Points: {before} before, {after} after", "Баллов: было {before}, стало {after}"),
    "members_dry": (
        "Members: {before} now, {after} then",
        "Участников: сейчас {before}, будет {after}",
    ),
    "points_dry": ("Points: {before} now, {after} then", "Баллов: сейчас {before}, будет {after}"),
    "meanwhile": (
        "Besides, {apart} came or went while the file was brought in.",
        "Кроме того, {apart} изменилось, пока шла загрузка.",
    ),
    "line": ("Line {number} {why}.", "Строка {number}: {why}."),
    "more": (
        "... and {more} more; --rejected keeps them.",
        "... и ещё {more}; их сохранит --rejected.",
    ),
    "compared": (
        "{day}: {members} members, {differing} with another balance than there.",
        "{day}: участников {members}, баланс расходится у {differing}.",
    ),
    "theirs": (
        "Points there: {theirs}, here: {ours}; members are apart by {apart} in all.",
        "Баллов там: {theirs}, здесь: {ours}; расхождение по участникам всего {apart}.",
    ),
    "compared_beside": (
        "Of {currency}, members with another balance than there: {differing};"
        " there {theirs}, here {ours}, apart {apart}; of rows that name nobody {unknown}.",
        "{currency}: баланс расходится у {differing}; там {theirs}, здесь {ours},"
        " расхождение {apart}; в строках, чьих людей здесь нет, {unknown}.",
    ),
    "unknown": (
        "Rows that name nobody here: {rows}, with {points} points.",
        "Строк, чьих людей здесь нет: {rows}, в них баллов {points}.",
    ),
}


def why(bad: Bad, lang: str, place: Mapping[str, tuple[str, str]] = ON_COMMAND_LINE) -> str:
    """The reason in words."""
    remedies = {name: _in(pair, lang) for name, pair in place.items()}
    return _in(REASONS[bad.code], lang).format(**remedies, **bad.facts)


def how(said: str, lang: str) -> str:
    return _in(_HOW[said], lang)


def counts(kind: str) -> tuple[str, ...]:
    """What is counted of an import of this kind, in the order in which it is told."""
    return tuple(_COUNTS[kind])


def counts_of(kind: str, lang: str, *, dry: bool) -> dict[str, str]:
    """What is told of an import of this kind, by the name of the count and in this order."""
    ahead = _DRY if dry else {}
    return {name: _in(ahead.get(name, pair), lang) for name, pair in _COUNTS[kind].items()}


def sentence(name: str, lang: str, **facts: object) -> str:
    return _in(_SENTENCES[name], lang).format(**facts)


def _in(pair: tuple[str, str], lang: str) -> str:
    return pair[LANGUAGES.index(lang)]
