"""The texts that the hub brings: an owner may send them as they are."""

from __future__ import annotations

from collections.abc import Mapping

from loyalty_core.domain.letters import (
    BIRTHDAY,
    POINTS_EARNED,
    POINTS_EXPIRE,
    TIER_UP,
    TIER_WARNING,
    WELCOME,
    LetterText,
)

_STYLE = """<style>
  body { margin: 0; padding: 24px; background: #f4f4f4; }
  .letter { max-width: 560px; margin: 0 auto; padding: 24px; background: #ffffff; }
  h1 { font: bold 22px/1.3 Arial, sans-serif; color: #222222; margin: 0 0 16px; }
  p { font: 16px/1.5 Arial, sans-serif; color: #333333; margin: 0 0 12px; }
  .small { font-size: 13px; color: #777777; }
</style>"""
_GREETING = {
    "ru": "{% if first_name != blank %}{{ first_name }}, здравствуйте!"
    "{% else %}Здравствуйте!{% endif %}",
    "en": "{% if first_name != blank %}Hello {{ first_name }},{% else %}Hello,{% endif %}",
}
_BALANCE = {
    "ru": "На счёте: {{ balance }}."
    "{% if pending != '0' %} Ждут начисления: {{ pending }}.{% endif %}",
    "en": "Your balance: {{ balance }}.{% if pending != '0' %} Pending: {{ pending }}.{% endif %}",
}
_WAY_OUT = {"ru": "Отказаться от рассылки", "en": "Unsubscribe"}


def _mail(locale: str, subject: str, *paragraphs: str) -> LetterText:
    """A letter of these paragraphs with greeting, balance and name of the programme."""
    told = [_GREETING[locale], *paragraphs, _BALANCE[locale]]
    body = "\n".join(f"<p>{one}</p>" for one in told[1:])
    html = (
        f'<!DOCTYPE html>\n<html lang="{locale}">\n<head><meta charset="utf-8">{_STYLE}</head>\n'
        f'<body><div class="letter">\n<h1>{told[0]}</h1>\n{body}\n'
        '<p class="small">{{ programme }}{% if unsubscribe != blank %}<br>'
        f'<a href="{{{{ unsubscribe }}}}">{_WAY_OUT[locale]}</a>{{% endif %}}</p>\n'
        "</div></body>\n</html>\n"
    )
    way_out = (
        f"{{% if unsubscribe != blank %}}\n{_WAY_OUT[locale]}: {{{{ unsubscribe }}}}{{% endif %}}"
    )
    text = "\n\n".join([*told, "{{ programme }}"]) + way_out + "\n"
    return LetterText(text, subject, html)


_MAILS: Mapping[tuple[str, str], tuple[str, ...]] = {
    (WELCOME, "ru"): (
        "Добро пожаловать в программу «{{ programme }}»",
        "Вы участник программы: баллы начисляются за покупки и оплачивают следующие.",
    ),
    (WELCOME, "en"): (
        "Welcome to {{ programme }}",
        "You are a member now: purchases bring points, and points pay for the next ones.",
    ),
    (POINTS_EARNED, "ru"): (
        "Начислено баллов: {{ points }}",
        "За покупку начислено баллов: {{ points }}.",
    ),
    (POINTS_EARNED, "en"): (
        "Points earned: {{ points }}",
        "Your purchase has brought you points: {{ points }}.",
    ),
    (POINTS_EXPIRE, "ru"): (
        "Скоро сгорят баллы: {{ points }}",
        "Баллов, которые действуют по {{ expires_on }}: {{ points }}.",
    ),
    (POINTS_EXPIRE, "en"): (
        "Points about to expire: {{ points }}",
        "Points that can be spent up to {{ expires_on }}: {{ points }}.",
    ),
    (BIRTHDAY, "ru"): (
        "С днём рождения!",
        "Поздравляем с днём рождения и ждём в гости.",
    ),
    (BIRTHDAY, "en"): (
        "Happy birthday!",
        "We wish you a happy birthday, and would be glad to see you.",
    ),
    (TIER_UP, "ru"): (
        "Ваш уровень: {{ tier }}",
        "Ваш уровень в программе теперь: {{ tier }}.",
    ),
    (TIER_UP, "en"): (
        "Your tier: {{ tier }}",
        "Your tier in the programme is now: {{ tier }}.",
    ),
    (TIER_WARNING, "ru"): (
        "Уровень {{ tier }} действует по {{ until }}",
        "Уровень {{ tier }} действует по {{ until }}."
        "{% if keep != blank %} Чтобы сохранить его, не хватает: {{ keep }}.{% endif %}",
    ),
    (TIER_WARNING, "en"): (
        "{{ tier }} lasts until {{ until }}",
        "Your tier {{ tier }} lasts until {{ until }}."
        "{% if keep != blank %} Missing to keep it: {{ keep }}.{% endif %}",
    ),
}
_SMS: Mapping[tuple[str, str], str] = {
    (WELCOME, "ru"): "{{ programme }}: вы участник программы. Баллов на счёте: {{ balance }}",
    (WELCOME, "en"): "You have joined {{ programme }}. Points: {{ balance }}",
    (POINTS_EARNED, "ru"): "{{ programme }}: начислено {{ points }}, на счёте {{ balance }}",
    (POINTS_EARNED, "en"): "{{ programme }}: {{ points }} points earned, balance {{ balance }}",
    (POINTS_EXPIRE, "ru"): "{{ programme }}: {{ points }} баллов сгорят после {{ expires_on }}",
    (POINTS_EXPIRE, "en"): "{{ programme }}: {{ points }} points expire after {{ expires_on }}",
    (BIRTHDAY, "ru"): "{{ programme }}: с днём рождения! На счёте {{ balance }}",
    (BIRTHDAY, "en"): "{{ programme }}: happy birthday! Balance {{ balance }}",
    (TIER_UP, "ru"): "{{ programme }}: ваш уровень теперь {{ tier }}",
    (TIER_UP, "en"): "{{ programme }}: your tier is now {{ tier }}",
    (TIER_WARNING, "ru"): "{{ programme }}: уровень {{ tier }} действует по {{ until }}",
    (TIER_WARNING, "en"): "{{ programme }}: your tier {{ tier }} lasts until {{ until }}",
}
TEXTS: Mapping[tuple[str, str, str], LetterText] = {
    **{(kind, "email", locale): _mail(locale, *told) for (kind, locale), told in _MAILS.items()},
    **{(kind, "sms", locale): LetterText(told) for (kind, locale), told in _SMS.items()},
}
"""By kind, channel and language."""
