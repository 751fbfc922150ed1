"""The cashier page: find or enrol, price, spend by a code, book once, print, take back."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import BadRequest

from hub.till import SOURCE, TRAINING_CODE, Till
from hub.till_words import Booked, Priced, Sale, discounts
from hub.web.admin import rights, till_codes, words
from hub.web.admin.context import the_hub, the_programme, zone
from hub.web.admin.languages import gettext, language, ngettext
from hub.web.admin.sessions import signed_in_admin
from hub.web.admin.till_codes import NoTriesLeft
from hub.web.admin.till_forms import (
    NEWCOMER,
    SaleForm,
    TypedLine,
    checked,
    is_ahead,
    looks_fiscal,
    new_key,
    newcomer_of,
    read_goods,
    read_key,
    read_receipt,
    read_sale,
    say_price,
)
from hub.web.api.call import this_room
from hub.web.sentences import detail, field_message
from loyalty_core.domain.errors import (
    CertificateClosed,
    CertificateNotFound,
    CodeOver,
    CodeWrong,
    InvalidInput,
    LoyaltyError,
    NotFound,
    PhoneImpossible,
    PriceChanged,
    TooManyCodes,
)
from loyalty_core.service.catalogue import products_for
from loyalty_core.service.members import MemberCard, NewMember
from loyalty_core.service.overview import receipts_of_day
from loyalty_core.store.database import read
from loyalty_kit.money import format_decimal

_TRAINING = "training"
_TRAINEE = "trainee"
_SHOP = "till_shop"
_NEW = ("phone", "card", "first_name", "last_name")

pages = Blueprint("till", __name__, url_prefix="/till")


@pages.get("/")
def index() -> ResponseReturnValue:
    """Who stands here?  And what was sold today, or on the day in the address."""
    return _front()


@pages.post("/training")
def switch() -> ResponseReturnValue:
    """Into training, where nothing is booked, or out of it."""
    session[_TRAINING] = request.form.get("training") == "on"
    session.pop(_TRAINEE, None)
    return redirect(url_for(".index"))


@pages.post("/find")
def find() -> ResponseReturnValue:
    """By a phone, a card, an e-mail or a code that is shown; misses are counted."""
    text, till = request.form.get("q", "").strip(), _till()
    if not text:
        return _front(wrong=gettext("Scan a card, or type a phone.")), 422
    tries, callers = this_room().guesses, till_codes.callers(till)
    if tries.is_out(callers, till.now):
        return _front(text, wrong=till_codes.no_tries()), 429
    found = till.find(text)
    if found is not None:
        return redirect(url_for(".sale", member=found.id))
    tries.count(callers, 1, till.now)
    typed = "".join(letter for letter in text if letter.isdigit() or letter == "+")
    if not typed or "@" in text:
        return _front(text, unknown=True)
    kind = "phone" if len(typed) in (10, 11, 12) else "card"
    return _front(text, unknown=True, new={kind: text})


@pages.post("/enrol")
def enrol() -> ResponseReturnValue:
    """A new member, by a phone or a card."""
    till = _till()
    typed = {name: request.form.get(name, "").strip()[:100] for name in _NEW}
    if not typed["phone"] and not typed["card"]:
        wrong = gettext("Type a phone or the number of a card.")
        return _front(unknown=True, new=typed, errors={"phone": wrong}), 422
    try:
        made = till.enrol(newcomer_of(typed))
    except PhoneImpossible as error:
        return _front(
            unknown=True, new=typed, errors={"phone": detail(error.code, language())}
        ), 422
    except InvalidInput as error:
        errors = {name: field_message(told[0], language()) for name, told in error.errors.items()}
        return _front(unknown=True, new=typed, errors=errors), 422
    if till.training:
        session[_TRAINEE] = typed
        return redirect(url_for(".sale", member=NEWCOMER))
    return redirect(url_for(".sale", member=made.id))


@pages.get("/sale")
def sale() -> ResponseReturnValue:
    """A new receipt, of a member or of nobody known."""
    form = SaleForm(member=request.args.get("member", ""), shop=session.get(_SHOP, ""))
    return _sale_page(form, _till())


@pages.post("/sale")
def sell() -> ResponseReturnValue:
    """Add lines, price, send a code, or book: whichever button was pressed."""
    till, form, wish = _till(), read_sale(), request.form.get("do", "")
    if request.form.get("mode") != ("training" if till.training else "real"):
        text = gettext("Training was switched meanwhile. Nothing was booked: press again.")
        return _sale_page(replace(form, errors={"all": text}), till), 422
    if form.shop not in {one.code for one in till.shops()}:
        raise BadRequest
    session[_SHOP] = form.shop
    form = _changed(form, wish, till)
    form, wanted = checked(form, _trainee())
    if form.has_errors:
        return _sale_page(form, till), 422
    if wish == "code":
        return _code_sent(form, wanted, till)
    return _sold(form, wanted, till) if wish == "sell" else _sale_page(form, till)


@pages.get("/receipts/<till_receipt>")
def receipt(till_receipt: str) -> ResponseReturnValue:
    """A booked receipt, to be printed or taken back."""
    return _receipt_page(_till().show(till_receipt))


@pages.route("/receipts/<till_receipt>/refund", methods=["GET", "POST"])
def refund(till_receipt: str) -> ResponseReturnValue:
    """Goods come back: all or some of what is left of each line."""
    till = _till()
    booked = till.show(till_receipt)
    if request.method == "GET":
        return _refund_page(booked, new_key(), {})
    key = read_key()
    goods, errors = read_goods([line["id"] for line in booked.purchase["lines"]])
    if not goods and not errors:
        errors = {"all": gettext("Write how much of something comes back.")}
    if errors:
        return _refund_page(booked, key, errors), 422
    try:
        done = till.take_back(till_receipt, goods, key)
    except InvalidInput as error:
        errors = {line: field_message(told[0], language()) for line, told in error.errors.items()}
        return _refund_page(till.show(till_receipt), key, errors), 422
    if till.training:
        return _receipt_page(done)
    again = gettext("This return was booked already; it is not booked twice.")
    flash(again if done.again else gettext("The return is booked."), "success")
    return redirect(url_for(".receipt", till_receipt=till_receipt))


# --- inside ---------------------------------------------------------------------------------


def _till() -> Till:
    hub = the_hub()
    training = bool(session.get(_TRAINING))
    return Till(
        hub, the_programme(), signed_in_admin(), rights.own_grant(), training, hub.clock.now()
    )


def _trainee() -> NewMember | None:
    """Whom the training has entered; stands in no book."""
    told = session.get(_TRAINEE)
    return newcomer_of(told) if told else None


def _changed(form: SaleForm, wish: str, till: Till) -> SaleForm:
    """The form after what its smaller buttons, or the scanner, do to it."""
    if wish.startswith("drop-"):
        kept = [line for number, line in enumerate(form.lines) if wish != f"drop-{number}"]
        form = replace(form, lines=tuple(kept))
    if wish == "forget-receipt":
        form = replace(form, receipt="")
    if wish == "max":
        form = replace(form, spend="max")
    if wish.startswith("no-"):
        form = till_codes.without(form, wish)
    if wish.startswith("sell-"):
        form = till_codes.sold(form, wish, till)
    if form.entered:
        form = till_codes.with_entered(form, till)
    return _scanned(form, till) if form.scan else form


def _scanned(form: SaleForm, till: Till) -> SaleForm:
    """What came by the scanner: a fiscal receipt, an article, or the name of something."""
    text, errors = form.scan, dict[str, str]()
    if looks_fiscal(text):
        found = read_receipt(text, errors)
        if found is not None and is_ahead(found, till.now):
            errors["scan"] = gettext("The time of this receipt has not come yet.")
        if errors:
            return replace(form, errors=errors)
        return replace(form, receipt=text, scan="", lines=(), spend="")
    with read(till.hub.engine) as connection:
        product = products_for(connection, till.programme.id, [text]).get(text)
    if product is None:
        line = TypedLine(name=text[:200])
    else:
        price = "" if product.price_minor is None else format_decimal(product.price_minor)
        line = TypedLine(product.name, product.sku, "1", price)
    return replace(form, lines=(*form.lines, line), scan="")


def _code_sent(form: SaleForm, wanted: Sale, till: Till) -> ResponseReturnValue:
    try:
        till.send_code(wanted)
    except TooManyCodes as error:
        text = ngettext(
            "A code was sent already. Another one in %(num)d second.",
            "A code was sent already. Another one in %(num)d seconds.",
            error.retry_after_s,
        )
        return _sale_page(replace(form, errors={"code": text}), till), 422
    except LoyaltyError as error:
        if not till.training:
            text = detail(error.code, language())
            return _sale_page(replace(form, errors={"code": text}), till), 422
    return _sale_page(replace(form, code=""), till, code_sent=True)


def _sold(form: SaleForm, wanted: Sale, till: Till) -> ResponseReturnValue:
    if wanted.receipt is None and (wanted.shown is None or not wanted.lines):
        nothing = {} if wanted.lines else {"scan": gettext("Add what is sold first.")}
        page = _sale_page(replace(form, errors=nothing), till)
        return page, 422 if nothing else 200  # nobody has seen the price yet
    try:
        if wanted.has_codes and not till.has_booked(wanted.key):
            till_codes.price(till, wanted)
        booked = till.sell(wanted)
    except PriceChanged:
        text = gettext("The price is another now: look at it, and press again.")
        return _sale_page(replace(form, errors={"all": text}), till), 422
    except LoyaltyError as error:
        return _sale_page(replace(form, errors={_place(error): _said(error)}), till), 422
    if till.training:
        return _receipt_page(booked)
    if booked.again:
        flash(gettext("This receipt was booked already; it is not booked twice."), "success")
    return redirect(url_for(".receipt", till_receipt=booked.purchase["id"]))


def _place(error: LoyaltyError) -> str:
    """Beside which field an error stands."""
    if isinstance(error, (NoTriesLeft, CertificateClosed, CertificateNotFound)):
        return "entered"
    return "code" if error.code.startswith("code_") else "all"


def _said(error: LoyaltyError) -> str:
    if isinstance(error, CodeWrong):
        left = int(error.facts["attempts_left"])
        return ngettext(
            "The code is wrong. %(num)d attempt is left.",
            "The code is wrong. %(num)d attempts are left.",
            left,
        )
    if isinstance(error, CodeOver):
        return gettext("This code is over. Send another one.")
    if isinstance(error, NoTriesLeft):
        return till_codes.no_tries()
    if isinstance(error, (CertificateClosed, CertificateNotFound)):
        return till_codes.not_for_sale()
    return detail(error.code, language())


def _front(
    text: str = "",
    *,
    wrong: str = "",
    unknown: bool = False,
    new: dict[str, str] | None = None,
    errors: dict[str, str] | None = None,
) -> str:
    till = _till()
    today = till.now.astimezone(zone()).date()
    day = _day(today)
    with read(till.hub.engine) as connection:
        sold, after = receipts_of_day(
            connection,
            till.hub.plans,
            till.programme,
            source=SOURCE,
            shops=till.grant.shops,
            day=day,
            before=request.args.get("after"),
            now=till.now,
        )
    return render_template(
        "admin/till.html",
        training=till.training,
        text=text,
        wrong=wrong,
        unknown=unknown,
        new=new or {},
        errors=errors or {},
        today=today,
        day=day,
        sold=sold,
        older=after and url_for(".index", day=day.isoformat(), after=after),
        words=words,
    )


def _day(today: date) -> date:
    """The day in the address; today where there is none, or one that has not come."""
    try:
        asked = date.fromisoformat(request.args.get("day", ""))
    except ValueError:
        return today
    return min(asked, today)


def _sale_page(form: SaleForm, till: Till, *, code_sent: bool = False) -> str:
    member, priced, form = _seen(form, till)
    return render_template(
        "admin/till_sale.html",
        training=till.training,
        training_code=TRAINING_CODE,
        form=form,
        member=member,
        shops=till.shops(),
        priced=priced if priced and priced.quote.lines else None,
        shown=say_price(priced.quote) if priced else "",
        discounts=discounts(priced.quote) if priced else {},
        codes=till_codes.rows(form, priced.quote if priced else None),
        receipt=read_receipt(form.receipt, {}) if form.receipt else None,
        code_sent=code_sent or bool(form.code) or "code" in form.errors,
        rows=[*form.lines, TypedLine()] if not form.receipt else [],
        NEWCOMER=NEWCOMER,
    )


def _seen(form: SaleForm, till: Till) -> tuple[MemberCard | None, Priced | None, SaleForm]:
    """The member, the price of the lines that can be read, and what stands in the way of one."""
    member = None
    if form.member and form.member != NEWCOMER:
        member = till.member(form.member)
    elif form.member:
        newcomer = _trainee()
        if newcomer is None or not till.training:
            raise NotFound
        member = till.enrol(newcomer)
    checked_form, wanted = checked(form, _trainee())
    if not wanted.lines and not wanted.has_codes:
        return member, None, form
    try:
        priced = till_codes.price(till, wanted)
    except LoyaltyError as error:
        wrong = {_place(error): _said(error), **checked_form.errors}
        return member, None, replace(form, errors=wrong)
    spend = priced.quote.points.spend
    if form.spend:
        form = replace(form, spend=format_decimal(spend).removesuffix(".00") if spend else "")
    return member, priced, form


def _receipt_page(booked: Booked) -> str:
    training = bool(session.get(_TRAINING))
    till = _till()
    return render_template(
        "admin/till_receipt.html",
        training=training,
        purchase=booked.purchase,
        in_money=booked.in_money_minor,
        member=booked.member,
        shop=_shop_name(till, booked.shop),
        refundable=not training and _is_left(booked.purchase),
        now=till.now,
    )


def _refund_page(booked: Booked, key: str, errors: dict[str, str]) -> str:
    return render_template(
        "admin/till_refund.html",
        training=bool(session.get(_TRAINING)),
        purchase=booked.purchase,
        key=key,
        errors=errors,
        typed=request.form,
    )


def _is_left(purchase: dict[str, Any]) -> bool:
    return any(line["quantity"] != line["returned_quantity"] for line in purchase["lines"])


def _shop_name(till: Till, code: str) -> str:
    return next((one.name for one in till.shops() if one.code == code), code)
