"""A priced basket paid with certificates, as quotes and holds answer it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from loyalty_core.domain.certificates import Certificate, Paying, pay, payable_lines
from loyalty_core.domain.coupon_codes import normal
from loyalty_core.domain.pricing.rule_type import Refusal
from loyalty_core.domain.pricing.sentences import known_locale, reason_text
from loyalty_core.service.certificate_uses import entered
from loyalty_kit.checkout import CertificateAnswer, Quote, QuoteRequest
from loyalty_kit.events import CertificateUse

APPLIED = "applied"
REJECTED = "rejected"


def paid_with(
    quote: Quote,
    request: QuoteRequest,
    known: Mapping[str, Certificate],
    buyer: tuple[int | None, datetime],
) -> Quote:
    """The quote with what each entered certificate pays; `known` by normal form."""
    lines = payable_lines(quote.lines, request.lines)
    came = {one.code: one for one in pay(entered(request.certificates), known, lines, buyer)}
    answers = []
    for code in request.certificates:
        # Typed twice, it pays once.
        paying = came.pop(normal(code), None) or Paying(code, refusal=Refusal("unknown_code"))
        answers.append(_answer(code, paying, request))
    total = sum(one.amount_minor for one in answers)
    return replace(
        quote,
        certificates=tuple(answers),
        totals=replace(quote.totals, certificates_minor=total),
    )


def promised(quote: Quote) -> tuple[CertificateUse, ...]:
    """What a hold's certificates pay, by normal form."""
    return tuple(
        CertificateUse(normal(one.code), one.amount_minor)
        for one in quote.certificates
        if one.amount_minor
    )


def _answer(code: str, paying: Paying, request: QuoteRequest) -> CertificateAnswer:
    refusal = paying.refusal
    if refusal is None:
        return CertificateAnswer(
            code, APPLIED, amount_minor=paying.amount_minor, left_minor=paying.left_minor
        )
    locale = known_locale(request.locale)
    text = reason_text(refusal.reason, refusal.facts, request.currency, locale)
    return CertificateAnswer(code, REJECTED, refusal.reason, text)
