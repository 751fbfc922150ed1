"""The sentences of problem documents, in English and Russian.

Codes and field messages are the stable part; a sentence that is missing here is answered in
English, and no sentence ever repeats what the caller sent.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

LANGUAGES = ("en", "ru")

DETAILS: Mapping[str, tuple[str, str]] = {
    "not_found": ("There is nothing here.", "Здесь ничего нет."),
    "member_not_found": ("There is no such member.", "Такого участника нет."),
    "backfill_underway": (
        "A back-fill of this connection is underway; wait for it, or stop it.",
        "Догрузка этого подключения уже идёт; дождитесь её или остановите.",
    ),
    "installation_not_found": ("There is no such connection.", "Такого подключения нет."),
    "purchase_not_found": ("There is no such purchase.", "Такой покупки нет."),
    "hold_not_found": ("There is no such hold.", "Такого резерва нет."),
    "programme_not_found": ("There is no such programme.", "Такой программы нет."),
    "shop_not_found": ("There is no such shop.", "Такого магазина нет."),
    "version_not_found": (
        "The rule set has no such version.",
        "У набора правил нет такой версии.",
    ),
    "coupon_not_found": ("There is no such coupon.", "Такого купона нет."),
    "certificate_not_found": (
        "There is no such gift certificate.",
        "Такого подарочного сертификата нет.",
    ),
    "certificate_closed": (
        "This certificate cannot be topped up; `state` says why.",
        "Пополнить этот сертификат нельзя; причина в `state`.",
    ),
    "confirmation_not_found": ("There is no such confirmation.", "Такого подтверждения нет."),
    "list_not_found": ("The rules have no such list.", "В правилах нет такого списка."),
    "club_not_found": ("The rules have no such club.", "В правилах нет такого клуба."),
    "channel_not_found": (
        "The policy of channels names no such channel.",
        "В политике каналов такого канала нет.",
    ),
    "event_not_found": (
        "No such event is open to this member.",
        "Такого события нет, или оно не для этого участника.",
    ),
    "card_not_found": (
        "The member has no card; issue one.",
        "У участника нет карты; выдайте её.",
    ),
    "letter_not_found": (
        "There are no letters of this kind, channel or language.",
        "Писем такого вида, канала или языка нет.",
    ),
    "no_places": (
        "All places of this event are taken.",
        "Все места на это событие заняты.",
    ),
    "reward_not_found": (
        "There is no such reward for this member now.",
        "Такой награды сейчас нет, или она не для этого участника.",
    ),
    "order_not_found": ("There is no such order.", "Такого заказа нет."),
    "partner_not_found": ("There is no such partner.", "Такого партнёра нет."),
    "none_left": (
        "This reward has run out.",
        "Эта награда закончилась.",
    ),
    "reward_limit": (
        "The member has had as many of this reward as one member may.",
        "Участник уже получил столько таких наград, сколько положено одному.",
    ),
    "order_handed_out": (
        "This reward has been handed out already.",
        "Эта награда уже выдана.",
    ),
    "order_cancelled": (
        "This order was cancelled and its points were given back.",
        "Этот заказ отменён, баллы возвращены.",
    ),
    "receipt_taken": (
        "Another member has registered this receipt.",
        "Этот чек уже зарегистрировал другой участник.",
    ),
    "receipt_not_sale": (
        "This is not the receipt of a sale; only sales are registered.",
        "Это не чек продажи; регистрируются только продажи.",
    ),
    "receipt_too_old": (
        "This receipt is too old: it had to be registered within `days` days.",
        "Этот чек слишком старый: его нужно было зарегистрировать за `days` дней.",
    ),
    "receipt_differs": (
        "The sum or the time is not that of the receipt; scan the code again.",
        "Сумма или время не те, что в чеке; отсканируйте код ещё раз.",
    ),
    "list_fills_itself": (
        "The hub fills this list from purchases; nobody else puts goods into it.",
        "Этот список сервис заполняет по покупкам сам.",
    ),
    "conflict": (
        "This does not fit what stands now; read it again and decide.",
        "Это не согласуется с тем, что есть сейчас; прочитайте заново и решите.",
    ),
    "text_moved": (
        "Somebody else has written this text meanwhile.",
        "Этот текст за это время написал заново кто-то другой.",
    ),
    "event_conflict": (
        "This event is known with the same revision and other content; send a higher revision.",
        "Это событие уже известно с той же ревизией и другим содержанием; пришлите ревизию больше.",
    ),
    "price_changed": (
        "The basket would not cost what the buyer was shown; show the new price.",
        "Корзина стоит не столько, сколько показали покупателю; покажите новую цену.",
    ),
    "not_enough_points": (
        "The member does not have that many points to spend.",
        "У участника нет столько баллов для списания.",
    ),
    "hold_captured": (
        "The hold has become a purchase already.",
        "Резерв уже стал покупкой.",
    ),
    "delivery_not_kept": (
        "What the shop sent is no longer kept, so it cannot be replayed.",
        "Присланное магазином больше не хранится, повторить обработку нельзя.",
    ),
    "erased": (
        "It named a person whose data was erased, so it was not booked.",
        "В нём был человек, чьи данные удалены, поэтому оно не учтено.",
    ),
    "member_exists": (
        "There is a member with this phone, e-mail, card or external id.",
        "Участник с таким телефоном, почтой, картой или внешним номером уже есть.",
    ),
    "key_reused": (
        "This key was used for another movement of points.",
        "Этот ключ уже использован для другого движения баллов.",
    ),
    "idempotency_conflict": (
        "This Idempotency-Key was used with another body.",
        "Этот Idempotency-Key уже использован с другим телом запроса.",
    ),
    "in_progress": (
        "The first call with this Idempotency-Key is still running.",
        "Первый запрос с этим Idempotency-Key ещё выполняется.",
    ),
    "consent_conflict": (
        "The same consent of the same moment is known with another text or proof; "
        "send the moment of the new one.",
        "Такое же согласие на тот же момент уже известно с другим текстом или подтверждением; "
        "укажите момент нового.",
    ),
    "import_moved": (
        "Somebody else is bringing in the same file.",
        "Этот же файл сейчас загружает кто-то ещё.",
    ),
    "import_known": (
        "This very file was brought in already under another name: to go on with it, or to bring"
        " in what is missing, give it that name by --name.",
        "Этот самый файл уже загружали под другим именем: чтобы продолжить или догрузить"
        " недостающее, укажите то имя в --name.",
    ),
    "nothing_to_undo": ("There is nothing to undo.", "Отменять нечего."),
    "approval_needed": (
        "These rules need a second person: let somebody else than their author publish them.",
        "Нужен второй человек: опубликовать эти правила должен не тот, кто их написал.",
    ),
    "draft_moved": (
        "Somebody saved another draft meanwhile; look at it, and repeat the change.",
        "Кто-то тем временем сохранил другой черновик; посмотрите его и повторите изменение.",
    ),
    "rules_moved": (
        "Other rules are in force by now; look at what would change, and publish it then.",
        "Тем временем вступили в силу другие правила; посмотрите, что изменится, и тогда"
        " публикуйте.",
    ),
    "version_published": (
        "This version was published before; take it back to have it in force again.",
        "Эта версия уже публиковалась; чтобы она снова действовала, верните её.",
    ),
    "version_not_published": (
        "This version was never in force, so it cannot be taken back; publish it.",
        "Эта версия ещё не действовала, вернуть её нельзя; опубликуйте её.",
    ),
    "main_currency_in_use": (
        "Members have accounts in the first currency of points: it stays the first, and its code"
        " stays; call it by another name instead.",
        "У участников есть счета в первой валюте баллов: она остаётся первой, и код её не меняется;"
        " поменяйте вместо него название.",
    ),
    "rejected": (
        "This cannot be accepted as it is.",
        "В таком виде это принять нельзя.",
    ),
    "validation_failed": (
        "Some fields are wrong; `errors` names each.",
        "Некоторые поля неверны; все они названы в `errors`.",
    ),
    "rules_invalid": (
        "The rule set is wrong; `errors` names each place.",
        "Набор правил неверен; все места названы в `errors`.",
    ),
    "unknown_shop": ("The programme has no such shop.", "В программе нет такого магазина."),
    "wrong_currency": (
        "The money is not in the programme's currency.",
        "Деньги не в валюте программы.",
    ),
    "phone_impossible": (
        "There can be no such phone number.",
        "Такого номера телефона быть не может.",
    ),
    "code_required": (
        "Spending needs the member's confirmation code.",
        "Для списания нужен код подтверждения участника.",
    ),
    "goods_barred": (
        "Some goods of the basket are not for this buyer.",
        "Некоторые товары корзины не для этого покупателя.",
    ),
    "no_address": (
        "The member has no phone or e-mail that a code could be sent to.",
        "У участника нет телефона или почты, куда можно отправить код.",
    ),
    "code_wrong": (
        "The code is wrong.",
        "Код неверный.",
    ),
    "pairing_code_wrong": (
        "This pairing code is wrong, used or over; take a new one in the hub's console.",
        "Этот код подключения неверен, использован или истёк; возьмите новый в консоли хаба.",
    ),
    "code_over": (
        "There is no live code for this: it ran out, was used, or was guessed at too often.",
        "Действующего кода нет: он истёк, использован или введён неверно слишком много раз.",
    ),
    "too_many_codes": (
        "Too many codes were asked for; wait before asking for another.",
        "Запрошено слишком много кодов; подождите, прежде чем запросить новый.",
    ),
    "not_available": (
        "The hub cannot do this yet.",
        "Этого сервис пока не умеет.",
    ),
    "too_many_receipts": (
        "The period has more receipts than this call prices; take a shorter one, "
        "or use `loyalty-hub rules simulate`.",
        "Чеков за период больше, чем пересчитывает этот запрос; возьмите период короче "
        "или команду `loyalty-hub rules simulate`.",
    ),
    "forbidden": ("This key may not do that.", "Этому ключу это не разрешено."),
    "channel_forbidden": (
        "This key is bound to other channels.",
        "Этот ключ выдан для других каналов.",
    ),
    "shop_forbidden": (
        "This key is bound to other shops.",
        "Этот ключ выдан для других магазинов.",
    ),
    "scope_missing": (
        "This key does not have the scope that the call needs.",
        "У этого ключа нет прав, нужных для запроса.",
    ),
    "busy": ("Try again in a moment.", "Повторите чуть позже."),
    "try_again": ("Try again in a moment.", "Повторите чуть позже."),
    "unauthorized": (
        "Give a valid key: Authorization: Bearer <key>.",
        "Укажите действующий ключ: Authorization: Bearer <ключ>.",
    ),
    "malformed_json": (
        "The body is not JSON in UTF-8, an object names a field twice, or it is nested more than a"
        " hundred deep.",
        "Тело запроса — не JSON в UTF-8, поле объекта названо дважды, или вложенность больше ста"
        " уровней.",
    ),
    "idempotency_key_required": (
        "This call needs an Idempotency-Key header of 1 to 255 characters.",
        "Этому запросу нужен заголовок Idempotency-Key длиной от 1 до 255 знаков.",
    ),
    "idempotency_key_invalid": (
        "An Idempotency-Key has 1 to 255 printable characters.",
        "В Idempotency-Key должно быть от 1 до 255 печатных знаков.",
    ),
    "bad_request": ("The request cannot be read.", "Запрос не удалось прочитать."),
    "unknown_route": ("There is no such address.", "Такого адреса нет."),
    "method_not_allowed": (
        "This address does not take this method.",
        "Этот адрес не принимает такой метод.",
    ),
    "body_too_large": ("The body is too large.", "Тело запроса слишком большое."),
    "unsupported_media_type": (
        "The body must be application/json.",
        "Тело запроса должно быть application/json.",
    ),
    "rate_limited": (
        "Too many requests; wait for Retry-After seconds.",
        "Слишком много запросов; подождите столько секунд, сколько указано в Retry-After.",
    ),
    "internal_error": (
        "The hub failed; the request id finds it in the log.",
        "Сбой сервиса; по номеру запроса его можно найти в журнале.",
    ),
}

FIELDS: Mapping[str, str] = {
    "Unknown field.": "Неизвестное поле.",
    "Is the same purchase.": "Это та же покупка.",
    "So much of it is not left.": "Столько уже не осталось.",
    "Is the same connection.": "Это то же подключение.",
    "No such connection.": "Такого подключения нет.",
    "Must be one of the two connections.": "Нужно одно из этих двух подключений.",
    "Missing data for required field.": "Обязательное поле.",
    "Field may not be null.": "Не может быть null.",
    "Invalid value.": "Неверное значение.",
    "Invalid type.": "Неверный тип.",
    "Invalid input type.": "Нужен объект JSON.",
    "Not a valid list.": "Нужен список.",
    "Not a valid string.": "Нужна строка.",
    "Not a valid date.": "Нужна дата вида ГГГГ-ММ-ДД.",
    "Not a valid mapping type.": "Нужен объект JSON.",
    "Not a text.": "Нужна строка.",
    "Not a whole number.": "Нужно целое число.",
    "Not true or false.": "Нужно true или false.",
    "Not a decimal.": "Нужно десятичное число.",
    "Must not be negative.": "Не может быть меньше нуля.",
    "Must not be blank.": "Не может быть пустым.",
    "Must not be zero.": "Не может быть нулём.",
    "Must be more than zero.": "Должно быть больше нуля.",
    "Holds a character that is not allowed.": "Содержит недопустимый знак.",
    "Too long.": "Слишком длинно.",
    "Too many entries.": "Слишком много записей.",
    "Given twice.": "Указано дважды.",
    "Not an object.": "Нужен объект JSON.",
    "Nested too deep.": "Слишком глубокая вложенность.",
    "Too large.": "Слишком велико.",
    "Is taken.": "Уже занято.",
    "No such form of reward.": "Такой формы награды нет.",
    "Is not for this buyer.": "Не для этого покупателя.",
    "Must not be before from.": "Не может быть раньше from.",
    "Give left or add.": "Укажите left или add, одно из двух.",
    "Has changed meanwhile.": "За это время изменилось: проверьте ещё раз.",
    "Takes more than is left.": "Списывается больше, чем осталось.",
    "No stock is kept of this reward.": "Остаток этой награды не ведётся.",
    "Not a currency of points of this programme.": "В программе нет такой валюты баллов.",
    "Is another partner's.": "Принадлежит другому партнёру.",
    "No such shop.": "Такого магазина нет.",
    "Not an ISO 8601 time with an offset.": "Нужно время ISO 8601 со смещением часового пояса.",
    "Time out of range.": "Время вне допустимых пределов.",
    "Not a currency code of three letters.": "Нужен код валюты из трёх букв.",
    "Not a name of a time zone.": "Нет такого часового пояса.",
    "Price times quantity is too large.": "Цена, умноженная на количество, слишком велика.",
    "Give amount, or price.": "Укажите amount или price.",
    "Give a line.": "Нужна хотя бы одна строка.",
    "Not a series of coupons in the rules in force.": "В действующих правилах нет такой серии.",
    "Not a series of certificates in the rules in force.": (
        "В действующих правилах нет такой серии сертификатов."
    ),
    "The series has another nominal.": "У этой серии другой номинал.",
    "Give a nominal: there is none in the series.": "Укажите номинал: в серии его нет.",
    "There is a lot of this name with other words.": "Партия с этим именем уже есть, и она другая.",
    "Must be later than starts_at.": "Должно быть позже starts_at.",
    "Is not to be had for points.": "За баллы не выдаётся.",
    "Must be in the future.": "Должно быть в будущем.",
    "Is for mail alone.": "Бывает только у писем по почте.",
    "Is advertising by law.": "По закону это реклама.",
    "This kind has no day.": "У этого вида нет своего дня.",
    "Does too much: too many turns of a loop, or too much text.": (
        "Слишком много: повторов цикла или текста."
    ),
    "The style sheet cannot be read.": "Таблицу стилей не удалось прочитать.",
    "Not a phone or an e-mail address of this channel.": (
        "Это не телефон и не адрес почты для этого канала."
    ),
    "Belongs to a member: a trial goes to an address of your own.": (
        "Это адрес участника; пробное письмо шлют на свой адрес, не записанный в программе."
    ),
    "Give sku or category.": "Укажите sku или category, одно из двух.",
    "Give cart or order.": "Укажите cart или order.",
    "Give phone, email or card.": "Укажите phone, email или card.",
    "Give external_id or order.": "Укажите external_id или order.",
    "Give id, code, external, card, phone or email; or null instead of the member.": (
        "Укажите id, code, external, card, phone или email; или null вместо участника."
    ),
    "Does not add up: amount - discount - spend must be paid.": (
        "Не сходится: amount − discount − spend должно равняться paid."
    ),
    "Does not add up: amount - reduction must be paid.": (
        "Не сходится: amount − reduction должно равняться paid."
    ),
    "A line has either reduction, or discount and spend.": (
        "В строке либо reduction, либо discount и spend."
    ),
    "Names another purchase than the one it is listed in.": (
        "Названа другая покупка, не та, в которой это перечислено."
    ),
    "Not an event of this version.": "Не событие этой версии.",
    "Advertising has a channel, and nothing else has one.": (
        "Канал есть у рекламы, и только у неё."
    ),
    "A consent has text_version, place and proof.": (
        "У согласия есть text_version, place и proof."
    ),
    "A withdrawal has no text_version.": "У отзыва нет text_version.",
    "A checkbox has a ref: its name.": "У галочки есть ref: её имя.",
    "One box gives one consent.": "Одна галочка — одно согласие.",
    "No such channel.": "Такого канала нет.",
    "No such version of the text.": "Такой версии текста нет.",
    "Was not in force then.": "Тогда ещё не действовала.",
    "Must not be in the future.": "Не может быть в будущем.",
    "Give a text.": "Нужен текст.",
    "Must not be before that of the version before.": "Не может быть раньше прежней версии.",
    "Must not be looser than the policy that is shipped.": (
        "Не может быть мягче политики из поставки."
    ),
    "Give phone or email.": "Укажите phone или email.",
}

_PATTERNS: tuple[tuple[re.Pattern[str], str], ...] = (
    (
        re.compile(r"Not a decimal with at most (\d+) digits after the point\."),
        r"Нужно десятичное число, не больше \1 знаков после точки.",
    ),
    (re.compile(r"Unknown placeholder: ([\w.-]+)\."), r"Неизвестная подстановка: \1."),
    (re.compile(r"Line (\d+) cannot be read\."), r"Строку \1 не удалось прочитать."),
    (re.compile(r"Line (\d+) has an unknown filter\."), r"В строке \1 неизвестный фильтр."),
    (re.compile(r"Must be from (-?\d+) to (-?\d+)\."), r"Должно быть от \1 до \2."),
    (re.compile(r"Must be (?:one|some) of: (.+)\."), r"Возможные значения: \1."),
)


def detail(code: str, language: str) -> str:
    """The sentence for a code; the code itself where nobody wrote one."""
    english, russian = DETAILS.get(code, (code, code))
    return russian if language == "ru" else english


def field_message(message: str, language: str) -> str:
    """What is wrong with a field, in the asked language if we have it."""
    if language != "ru":
        return message
    if message in FIELDS:
        return FIELDS[message]
    for pattern, russian in _PATTERNS:
        if pattern.fullmatch(message):
            return pattern.sub(russian, message)
    return message
