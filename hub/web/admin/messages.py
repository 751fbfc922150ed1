"""Messages: channels with a trial of each, and letters with their texts, previews and switches."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import Connection
from werkzeug.exceptions import BadRequest, NotFound

from hub import letters as hub_letters
from hub.letters import Asked, Preview
from hub.web.admin import words
from hub.web.admin.authors import author
from hub.web.admin.context import the_hub, the_programme
from hub.web.admin.languages import gettext, language
from hub.web.admin.rule_drafts import BASE, base_of_form
from hub.web.sentences import detail, field_message
from loyalty_core.domain.errors import InvalidInput, LoyaltyError, TextMoved
from loyalty_core.domain.letter_texts import TEXTS
from loyalty_core.domain.letters import CHANNELS, KINDS, LOCALES, LetterText
from loyalty_core.service import letters as service
from loyalty_core.service.letter_words import MOST, TextBroken, check_words
from loyalty_core.store import sent_messages
from loyalty_core.store.database import read, transact
from loyalty_core.store.letters import KeptText

_LAST = 10

pages = Blueprint("messages", __name__, url_prefix="/messages")


@dataclass(frozen=True, slots=True)
class _Page:
    """A text's page: what stands in the form, how it comes out, and what is wrong with it.

    `version`: what the form is a change of.  `theirs`: what somebody else has written since.
    """

    of: tuple[str, str, str]
    version: int
    form: LetterText
    preview: Preview | None = None
    errors: dict[str, list[str]] | None = None
    theirs: KeptText | None = None


@dataclass(frozen=True, slots=True)
class _Trial:
    """What was typed of a trial, and what is wrong with its address, or with all of it."""

    to: str = ""
    kind: str = ""
    channel: str = ""
    locale: str = ""
    wrong: str = ""
    trouble: str = ""


@pages.get("/")
def index() -> ResponseReturnValue:
    return _index(_Trial())


def _index(trial: _Trial) -> str:
    programme_id = the_programme().id
    with read(the_hub().engine) as connection:
        channels = hub_letters.list_channels(the_hub(), connection, programme_id)
        letters = service.list_letters(connection, programme_id)
        last = sent_messages.page(connection, programme_id, {}, before=None, limit=_LAST)
    return render_template(
        "admin/messages.html",
        channels=channels,
        letters=letters,
        last=last,
        kinds=KINDS,
        locales=LOCALES,
        trial=trial,
        words=words,
    )


@pages.post("/test")
def test() -> ResponseReturnValue:
    """Send a letter with sample values to an address of the owner's; what was typed stays where
    that cannot be."""
    asked = Asked(_told("kind"), _told("channel"), _told("locale"))
    if asked.of not in TEXTS:
        raise BadRequest
    to = request.form.get("to", "").strip()

    def work(connection: Connection) -> None:
        hub_letters.send_trial(
            the_hub(), connection, the_programme().id, asked, to, now=the_hub().clock.now()
        )

    try:
        transact(the_hub().engine, work)
    except InvalidInput as error:
        wrong = " ".join(
            field_message(one, language()) for why in error.errors.values() for one in why
        )
        return _index(_Trial(to, *asked.of, wrong=wrong)), 422
    except LoyaltyError as error:
        return _index(_Trial(to, *asked.of, trouble=_sentence(error))), 422
    the_hub().bell.ring(the_programme().id)
    flash(gettext("On its way. What became of it stands below in a moment."), "success")
    return redirect(url_for(".index"))


@pages.post("/<letter>/switch")
def switch(letter: str) -> ResponseReturnValue:
    wanted = request.form.get("on")
    if letter not in KINDS or wanted not in ("yes", "no"):
        raise BadRequest
    transact(
        the_hub().engine,
        lambda connection: service.set_letter(
            connection,
            the_programme().id,
            letter,
            {"is_on": wanted == "yes"},
            author=author(),
            now=the_hub().clock.now(),
        ),
    )
    is_on = gettext("Switched on: members are told of what comes from now on.")
    flash(is_on if wanted == "yes" else gettext("Switched off."), "success")
    return redirect(url_for(".index"))


@pages.get("/<letter>/<letter_channel>/<letter_locale>")
def show(letter: str, letter_channel: str, letter_locale: str) -> ResponseReturnValue:
    """The words of a letter, and how they come out."""
    of = _of(letter, letter_channel, letter_locale)
    with read(the_hub().engine) as connection:
        known = service.show_text(connection, the_programme().id, of)
        preview = _preview(connection, of, None)
    return _show(_Page(of, known.version, known.words, preview))


@pages.post("/<letter>/<letter_channel>/<letter_locale>")
def save(letter: str, letter_channel: str, letter_locale: str) -> ResponseReturnValue:
    """A new version, or with `look` a preview of what is typed."""
    of = _of(letter, letter_channel, letter_locale)
    form, seen = _form(), base_of_form()
    with read(the_hub().engine) as connection:
        try:
            check_words(KINDS[of[0]], of[1], form)
            preview = _preview(connection, of, form)
        except TextBroken as error:
            errors = {part.removeprefix("words."): list(why) for part, why in error.errors.items()}
            return _show(_Page(of, seen, form, errors=errors))
    if "look" in request.form:
        return _show(_Page(of, seen, form, preview))
    try:
        transact(
            the_hub().engine,
            lambda connection: service.put_text(
                connection,
                the_programme().id,
                of,
                form,
                seen=seen,
                author=author(),
                now=the_hub().clock.now(),
            ),
        )
    except TextMoved:
        with read(the_hub().engine) as connection:
            theirs = service.show_text(connection, the_programme().id, of)
        return _show(_Page(of, theirs.version, form, preview, theirs=theirs))
    flash(gettext("Saved. It is in force from now on."), "success")
    return redirect(request.path)


def _show(page: _Page) -> ResponseReturnValue:
    kind, channel, locale = page.of
    errors = {
        part: [field_message(one, language()) for one in why]
        for part, why in (page.errors or {}).items()
    }
    answer = render_template(
        "admin/message_text.html",
        kind=KINDS[kind],
        channel=channel,
        locale=locale,
        page=page,
        form=asdict(page.form),
        errors=errors,
        channels=CHANNELS,
        locales=LOCALES,
        base=BASE,
        words=words,
    )
    return answer, 422 if errors else 409 if page.theirs else 200


def _preview(connection: Connection, of: tuple[str, str, str], form: LetterText | None) -> Preview:
    """Raises: TextBroken."""
    return hub_letters.preview(
        the_hub(),
        connection,
        the_programme().id,
        Asked(*of, words=form),
        now=the_hub().clock.now(),
    )


def _form() -> LetterText:
    """What was typed; browsers end lines with CR and LF."""
    typed = {name: request.form.get(name, "").replace("\r\n", "\n") for name in MOST}
    return LetterText(typed["text"], typed["subject"] or None, typed["html"].strip() or None)


def _of(letter: str, channel: str, locale: str) -> tuple[str, str, str]:
    of = (letter, channel, locale)
    if of not in TEXTS:
        raise NotFound
    return of


def _told(name: str) -> str:
    return request.form.get(name, "")


def _sentence(error: LoyaltyError) -> str:
    if error.code == "not_available":
        return gettext("No connection sends by this channel.")
    return detail(error.code, language())
