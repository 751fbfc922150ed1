"""What the owner is to do about a connection, in plain words, in English and Russian."""

from __future__ import annotations

from collections.abc import Mapping

WORDS: Mapping[str, tuple[str, str]] = {
    "resume": (
        "The connection is paused. What the shop sends is kept; resume it to book that.",
        "Подключение на паузе. То, что присылает магазин, хранится; продолжите, и оно будет "
        "учтено.",
    ),
    "not_live": (
        "Open the settings of the connection, type them again and save.",
        "Откройте настройки подключения, введите их заново и сохраните.",
    ),
    "credentials_rejected": (
        "Make a new key in the shop, with the rights that the form names, and put it into the "
        "settings of the connection.",
        "Создайте в магазине новый ключ с правами, которые названы в форме, и впишите его в "
        "настройки подключения.",
    ),
    "install_again": (
        "Open the list of applications in the shop's own system, find this one and press Install "
        "again. Nothing is to be typed; what waits goes on by itself then.",
        "Откройте в системе магазина список приложений, найдите это приложение и нажмите "
        "«Переустановить». Вводить ничего не нужно; всё, что ждёт, пойдёт дальше само.",
    ),
    "out_of_money": (
        "Top up the account at the vendor; what waits goes out by itself then.",
        "Пополните счёт у поставщика; после этого всё уйдёт само.",
    ),
    "remote_misconfigured": (
        "Check the shop's address in the settings, then test the connection.",
        "Проверьте адрес магазина в настройках, затем проверьте подключение.",
    ),
    "remote_unavailable": (
        "The shop does not answer. Open its site; the hub tries again by itself.",
        "Магазин не отвечает. Откройте его сайт; хаб пробует снова сам.",
    ),
    "rate_limited": (
        "The shop asks for a pause. There is nothing to do: the hub keeps it.",
        "Магазин просит паузу. Делать ничего не нужно: хаб её выдерживает.",
    ),
    "balances_refused": (
        "The shop does not take balances. Give the key the right to change customers, or switch "
        "the showing of balances off.",
        "Магазин не принимает балансы. Дайте ключу право изменять покупателей или выключите "
        "показ балансов.",
    ),
    "coupons_refused": (
        "The shop does not take coupons. Give the key the right to write, or untick the coupons in "
        "the settings of the connection.",
        "Магазин не принимает купоны. Дайте ключу право на запись или снимите галочку купонов в "
        "настройках подключения.",
    ),
    "trouble": (
        "Read what is wrong, mend it in the shop or in the settings, then test the connection.",
        "Прочитайте, что случилось, исправьте в магазине или в настройках, затем проверьте "
        "подключение.",
    ),
    "dead_deliveries": (
        "Some deliveries failed for good. Open each, mend its reason, and replay it.",
        "Некоторые сообщения не удалось учесть. Откройте каждое, устраните причину и повторите "
        "его.",
    ),
    "calls_refused": (
        "Calls to this connection are refused, since they do not prove where they come from or "
        "cannot be read. If they are the shop's, type the secret of the settings into the shop "
        "anew, and see that nothing between them changes the calls. Those of strangers do no harm.",
        "Обращения к этому подключению отклоняются: они не доказывают, от кого пришли, или их не "
        "прочитать. Если это ваш магазин, впишите в нём секрет из настроек заново и проверьте, что "
        "по дороге ничто не меняет обращения. Чужие обращения вреда не приносят.",
    ),
    "late": (
        "Deliveries wait longer than they should. See that a worker is running, then run "
        "loyalty-hub doctor.",
        "Сообщения ждут дольше, чем должны. Проверьте, что обработчик запущен, и выполните "
        "loyalty-hub doctor.",
    ),
    "never_heard": (
        "Nothing has come from the shop yet. Give it the address for webhooks, and place a test "
        "order.",
        "От магазина пока ничего не было. Дайте ему адрес для вебхуков и сделайте тестовый заказ.",
    ),
    "webhooks_silent": (
        "The shop has sent no webhook for days, and changes were found by asking it. See whether "
        "its webhooks are on.",
        "Вебхуков от магазина нет несколько дней, а изменения нашлись опросом. Проверьте, "
        "включены ли вебхуки.",
    ),
    "balances_failed": (
        "The shop does not take the balances of some members: mostly it has deleted these "
        "customers. The next change of each is tried again.",
        "Балансы некоторых участников магазин не принимает: обычно этих покупателей в нём "
        "удалили. При следующем изменении хаб попробует снова.",
    ),
    "coupons_failed": (
        "The shop does not take some coupons of the programme: “To look at” lists them with the "
        "reason. Each is tried again every day.",
        "Некоторые купоны программы магазин не принимает: они перечислены с причиной в разделе "
        "«Разобрать». Хаб пробует снова каждый день.",
    ),
    "no_address": (
        "The hub does not know its own address: set HUB_PUBLIC_URL to the one by which the shop "
        "reaches it.",
        "Хаб не знает своего адреса: укажите в HUB_PUBLIC_URL тот, по которому его видит магазин.",
    ),
    "webhooks_off": (
        "The shop lacks webhooks, or has switched some off: mend them by the button.",
        "В магазине не хватает вебхуков или часть выключена: исправьте их кнопкой.",
    ),
    "clock_skew": (
        "The clocks of the hub and of the shop differ. Have this machine set its clock by NTP; if "
        "it does, the shop's clock is wrong.",
        "Часы хаба и магазина расходятся. Включите на этой машине синхронизацию по NTP; если она "
        "включена, неверны часы магазина.",
    ),
    "budget_low": (
        "The shop takes few more calls for now. Something else uses the same key: give the hub a "
        "key of its own.",
        "Магазин сейчас примет мало запросов. Тем же ключом пользуется что-то ещё: выдайте хабу "
        "отдельный ключ.",
    ),
    "fine": (
        "Nothing needs doing.",
        "Делать ничего не нужно.",
    ),
}
OF_TROUBLE = frozenset(
    {
        "not_live",
        "credentials_rejected",
        "install_again",
        "out_of_money",
        "remote_misconfigured",
        "remote_unavailable",
        "rate_limited",
        "balances_refused",
        "coupons_refused",
    }
)
"""Troubles with an advice of their own."""


def of_trouble(code: str) -> str:
    return code if code in OF_TROUBLE else "trouble"


def sentence(code: str, language: str) -> str:
    english, russian = WORDS[code]
    return russian if language == "ru" else english
