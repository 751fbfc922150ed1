"""The session that connectors call through, against a real server that misbehaves."""

from __future__ import annotations

import gzip
import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import pytest
import requests

from loyalty_kit import pacing, transport
from loyalty_kit.errors import (
    AnswerLost,
    AnswerUnclear,
    ConnectorError,
    CredentialsRejected,
    Gone,
    RateLimited,
    RemoteMisconfigured,
    RemoteUnavailable,
)
from loyalty_kit.pacing import Pace, Waiting, counting_with
from loyalty_kit.testing.remote import DROP, HANG, Answer, Asked, Remote, Reply, always, json_reply
from loyalty_kit.transport import call, json_of, session


@pytest.fixture(autouse=True)
def counted_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another test's remote may have had the same port, by another clock."""
    monkeypatch.setattr(pacing, "_OWN", pacing._OwnCount())


class Time:
    """A clock that only moves when somebody waits, or by `tick` whenever it is read."""

    def __init__(self, tick: float = 0.0) -> None:
        self.now = 1000.0
        self.tick = tick
        self.waits: list[float] = []

    def clock(self) -> float:
        self.now += self.tick
        return self.now

    def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.now += seconds

    @property
    def waiting(self) -> Waiting:
        return Waiting(clock=self.clock, sleep=self.sleep)


@contextmanager
def remote_and_session(
    answer: Answer, **options: object
) -> Iterator[tuple[Remote, requests.Session]]:
    with Remote(answer) as remote, session(allow_private=True, **options) as made:  # type: ignore[arg-type]
        yield remote, made


def in_turn(*replies: Reply) -> Answer:
    """Each reply once, the last for ever."""
    left = list(replies)
    return lambda asked: left.pop(0) if len(left) > 1 else left[0]


# Statuses


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (200, None),
        (204, None),
        (304, RemoteMisconfigured),
        (400, RemoteMisconfigured),
        (401, CredentialsRejected),
        (403, CredentialsRejected),
        (404, Gone),
        (408, RemoteUnavailable),
        (410, Gone),
        (422, RemoteMisconfigured),
        (429, RateLimited),
        (500, RemoteUnavailable),
        (502, RemoteUnavailable),
        (503, RemoteUnavailable),
    ],
)
def test_a_status_becomes_a_kind_of_error(status: int, kind: type[ConnectorError] | None) -> None:
    with remote_and_session(always(Reply(status)), waiting=Time().waiting) as (remote, made):
        if kind is None:
            assert call(made, "GET", remote.base_url).status_code == status
        else:
            with pytest.raises(kind, match=f"answered {status}"):
                call(made, "GET", remote.base_url)


def test_statuses_that_the_caller_sorts_itself() -> None:
    with remote_and_session(always(Reply(404))) as (remote, made):
        assert call(made, "GET", remote.base_url, accept=(404,)).status_code == 404


def test_html_in_place_of_json() -> None:
    page = Reply(200, b"<html>", {"Content-Type": "text/html; charset=utf-8"})
    with remote_and_session(always(page)) as (remote, made):
        response = call(made, "GET", remote.base_url)
        with pytest.raises(RemoteMisconfigured, match="did not answer JSON but text/html"):
            json_of(response)


@pytest.mark.parametrize("body", [b"", b"{", b"\xff\xfe\x00", b"[" * 100_000])
def test_what_is_no_json(body: bytes) -> None:
    with remote_and_session(always(json_reply(body))) as (remote, made):
        response = call(made, "GET", remote.base_url)
        with pytest.raises(RemoteMisconfigured):
            json_of(response)


@pytest.mark.parametrize(
    ("charset", "kind"),
    [
        ("utf-8", "application/json"),
        ("utf-8", "text/html"),
        ("utf-8-sig", "text/plain"),
        ("cp1251", "application/json; charset=windows-1251"),
    ],
)
def test_json_in_whatever_charset_it_comes(charset: str, kind: str) -> None:
    reply = Reply(200, '{"имя": "Анна"}'.encode(charset), {"Content-Type": kind})
    with remote_and_session(always(reply)) as (remote, made):
        assert json_of(call(made, "GET", remote.base_url)) == {"имя": "Анна"}


@pytest.mark.parametrize("charset", ["utf-7", "utf-16", "utf-16-le", "cp500", "windows-1251", "x"])
def test_what_is_deep_in_another_charset_is_no_json_either(charset: str) -> None:
    told = '["\\"", ' + '["я", ' * 5000
    body = told.encode(charset if charset not in ("x", "cp500") else "utf-16")
    kind = {"Content-Type": f"application/json; charset={charset}"}
    with remote_and_session(always(Reply(200, body, kind))) as (remote, made):
        response = call(made, "GET", remote.base_url)
        with pytest.raises(RemoteMisconfigured):
            json_of(response)


# Repeating


@pytest.mark.parametrize(
    ("method", "headers", "asked"),
    [
        pytest.param("GET", {}, 3, id="GET is repeated"),
        pytest.param("HEAD", {}, 3, id="HEAD is repeated"),
        pytest.param("POST", {}, 1, id="POST is not"),
        pytest.param("PUT", {}, 1, id="PUT is not"),
        pytest.param("POST", {"Idempotency-Key": "k"}, 3, id="POST with a key is repeated"),
    ],
)
@pytest.mark.parametrize("trouble", [Reply(503), DROP], ids=["503", "connection closed"])
def test_only_what_is_safe_is_repeated(
    method: str, headers: dict[str, str], asked: int, trouble: Reply
) -> None:
    time = Time()
    with remote_and_session(always(trouble), waiting=time.waiting) as (remote, made):
        with pytest.raises(RemoteUnavailable):
            call(made, method, remote.base_url, headers=headers)

        assert len(remote.asked) == asked
    assert time.waits == [0, 0.5][: asked - 1]


def test_a_second_try_may_succeed() -> None:
    answers = in_turn(Reply(502), json_reply(b'{"id": 1}'))
    with remote_and_session(answers, waiting=Time().waiting) as (remote, made):
        assert json_of(call(made, "GET", remote.base_url)) == {"id": 1}


def test_a_short_pause_is_waited_for() -> None:
    time = Time()
    answers = in_turn(Reply(429, b"", {"Retry-After": "2"}), json_reply())
    with remote_and_session(answers, waiting=time.waiting) as (remote, made):
        call(made, "GET", remote.base_url)

    assert time.waits == [2.0]


@pytest.mark.parametrize(
    ("asked_for", "given"),
    [("3600", 3600.0), ("999999999", 86400.0), ("soon", 60.0), ("-1", 60.0), ("٣", 60.0)],
)
def test_a_long_pause_is_the_hub_s_business(asked_for: str, given: float) -> None:
    time = Time()
    reply = Reply(429, b"", {"Retry-After": asked_for}) if asked_for.isascii() else Reply(429)
    with (
        remote_and_session(always(reply), waiting=time.waiting) as (remote, made),
        pytest.raises(RateLimited) as limited,
    ):
        call(made, "GET", remote.base_url)

    assert limited.value.retry_after_s == given
    assert max(time.waits, default=0.0) <= 0.5


def test_a_vendor_may_ask_for_pauses_in_words_of_its_own() -> None:
    time = Time()
    answers = in_turn(Reply(429, b"", {"X-Wait-Ms": "400"}), json_reply())

    def asked(headers: Mapping[str, str]) -> float:
        return int(headers.get("X-Wait-Ms", "0")) / 1000

    with remote_and_session(answers, waiting=time.waiting, asked_pause=asked) as (remote, made):
        call(made, "GET", remote.base_url)

    assert time.waits == [0.4]


@pytest.mark.parametrize(
    ("told", "given"), [({}, 60.0), ({"Retry-After": "2"}, 2.0), ({"Retry-After": "5"}, 5.0)]
)
def test_a_refusal_that_outlasts_the_tries_is_still_a_refusal(
    told: dict[str, str], given: float
) -> None:
    reply = Reply(429, b'{"error": "slow down"}', told)
    with (
        remote_and_session(always(reply), waiting=Time().waiting) as (remote, made),
        pytest.raises(RateLimited) as limited,
    ):
        call(made, "GET", remote.base_url)

    assert limited.value.retry_after_s == given
    assert len(remote.asked) == 3


# Limits


def test_a_remote_that_says_nothing_is_not_waited_for() -> None:
    limits = {"timeout_s": (1.0, 0.05), "waiting": Time().waiting}
    with (
        remote_and_session(always(HANG), **limits) as (remote, made),
        pytest.raises(RemoteUnavailable, match=r"ReadTimeout|ConnectionError"),
    ):
        call(made, "POST", remote.base_url)


def test_an_answer_that_drips_comes_to_an_end() -> None:
    reply = json_reply(b"x" * 500_000)
    options = {"timeout_s": (1.0, 1.0), "waiting": Time(tick=10).waiting}
    with (
        remote_and_session(always(reply), **options) as (remote, made),
        pytest.raises(RemoteUnavailable, match="ReadTimeout"),
    ):
        call(made, "GET", remote.base_url)


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gzip"])
def test_an_answer_that_is_too_large(packed: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "MAX_ANSWER_BYTES", 1024 * 1024)
    body = b"0" * (1024 * 1024 + 1)
    reply = (
        Reply(200, gzip.compress(body), {"Content-Encoding": "gzip"})
        if packed
        else Reply(200, body)
    )
    with (
        remote_and_session(always(reply)) as (remote, made),
        pytest.raises(AnswerUnclear, match="larger than 1 MiB"),
    ):
        call(made, "GET", remote.base_url)


def test_a_packed_answer_is_unpacked_and_a_broken_one_is_told() -> None:
    packed = Reply(200, gzip.compress(b'{"id": 1}'), {"Content-Encoding": "gzip"})
    broken = Reply(200, b'{"id": 1}', {"Content-Encoding": "gzip"})
    with remote_and_session(in_turn(packed, broken)) as (remote, made):
        assert json_of(call(made, "GET", remote.base_url)) == {"id": 1}
        with pytest.raises(AnswerUnclear, match="ContentDecodingError"):
            call(made, "GET", remote.base_url)


def test_calls_to_one_host_are_paced_over_sessions() -> None:
    """Two in any second, counted from when each was over."""
    time = Time()
    with Remote(always(json_reply())) as remote:
        for _ in range(5):
            with session(allow_private=True, pace_per_s=2, waiting=time.waiting) as made:
                call(made, "GET", remote.base_url)

    assert time.waits == [1, 1]


def test_each_account_of_a_host_has_its_own_pace() -> None:
    time = Time()
    with Remote(always(json_reply())) as remote:
        for token in ("a", "b", "a"):
            pace = Pace(1, 3.0, account=token)
            with session(allow_private=True, pace=pace, waiting=time.waiting) as made:
                call(made, "GET", remote.base_url)

    assert time.waits == [3]


def test_repeats_and_redirects_are_calls_too() -> None:
    time, pace = Time(), Pace(2, 10.0)
    answers = in_turn(Reply(301, b"", {"Location": "/there"}), Reply(503), json_reply())
    with remote_and_session(answers, pace=pace, waiting=time.waiting) as (remote, made):
        call(made, "GET", remote.base_url)

    assert time.waits == [0, 10]


def test_who_gets_no_turn_gives_up() -> None:
    """As where those who died had taken all."""
    time = Time()
    with counting_with(Full()):
        made = session(allow_private=True, pace_per_s=1, waiting=time.waiting)
    with Remote(always(json_reply())) as remote, made:
        with pytest.raises(RateLimited, match="all turns"):
            call(made, "GET", remote.base_url)

        assert (remote.asked, sum(time.waits)) == ([], 30)


def test_who_is_broken_off_while_others_are_asked_takes_no_turn() -> None:
    time, pace = Time(), Pace(1, 10.0)
    with Remote(always(json_reply())) as remote:
        with counting_with(BrokenOff()):
            made = session(allow_private=True, pace=pace, waiting=time.waiting)
        with made, pytest.raises(KeyboardInterrupt):
            call(made, "GET", remote.base_url)
        with session(allow_private=True, pace=pace, waiting=time.waiting) as made:
            call(made, "GET", remote.base_url)

        assert (len(remote.asked), time.waits) == (1, [])


class BrokenOff:
    """A count during whose answer the process is told to end."""

    def begin(self, name: str, pace: Pace, call: str) -> float:
        raise KeyboardInterrupt

    def end(self, name: str, pace: Pace, call: str) -> None:
        raise AssertionError("none began")


class Full:
    """A count of others that never lets a call go."""

    def begin(self, name: str, pace: Pace, call: str) -> float:
        return 1.0

    def end(self, name: str, pace: Pace, call: str) -> None:
        raise AssertionError("none began")


# Redirects


def test_a_get_follows_a_redirect() -> None:
    answers = in_turn(Reply(301, b"", {"Location": "/there"}), json_reply())
    with remote_and_session(answers) as (remote, made):
        call(made, "GET", f"{remote.base_url}/here")

        assert [asked.path for asked in remote.asked] == ["/here", "/there"]


def test_a_ring_of_redirects_ends() -> None:
    ring = always(Reply(302, b"", {"Location": "/again"}))
    with remote_and_session(ring) as (remote, made):
        with pytest.raises(RemoteMisconfigured, match="TooManyRedirects"):
            call(made, "GET", remote.base_url)

        assert len(remote.asked) == 4


def test_a_redirect_to_nowhere() -> None:
    with (
        remote_and_session(always(Reply(302, b"", {"Location": "https://["}))) as (remote, made),
        pytest.raises(RemoteMisconfigured, match="no address"),
    ):
        call(made, "GET", remote.base_url)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_post_is_not_redirected(status: int) -> None:
    away = always(Reply(status, b"", {"Location": "/there"}))
    with remote_and_session(away) as (remote, made):
        with pytest.raises(RemoteMisconfigured, match="redirects a POST"):
            call(made, "POST", remote.base_url, data=b"x")

        assert len(remote.asked) == 1


# What is kept and what is told


def test_the_machine_s_proxies_are_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    with remote_and_session(always(json_reply())) as (remote, made):
        assert call(made, "GET", remote.base_url).status_code == 200


def test_no_cookie_is_kept() -> None:
    cookie = Reply(200, b"{}", {"Set-Cookie": "session=1"})
    with remote_and_session(always(cookie)) as (remote, made):
        call(made, "GET", remote.base_url)
        call(made, "GET", remote.base_url)

        assert "cookie" not in remote.asked[1].headers
        assert remote.asked[1].headers["user-agent"] == "loyalty-hub/1.6"


def test_logs_and_errors_hold_no_query_and_no_header(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    told: list[str] = []
    for reply in (json_reply(), Reply(503), DROP, Reply(401)):
        with remote_and_session(always(reply), waiting=Time().waiting) as (remote, made):
            made.headers["Authorization"] = "Bearer top-secret"
            url = f"{remote.base_url}/buyers/+79161234567/orders/19"
            try:
                call(made, "GET", url, params={"consumer_secret": "top-secret"})
            except ConnectorError as error:
                told.append(f"{error!r} {error.__cause__!r}")

    assert len(told) == 3
    assert "top-secret" not in caplog.text + "".join(told)
    assert "9161234567" not in caplog.text + "".join(told)
    assert "GET 127.0.0.1/buyers/[redacted]/orders/19 200" in caplog.text


@pytest.mark.parametrize(
    "url", ["", "shop.example", "https://", "https://[", "http://a b/", "x://y"]
)
def test_what_is_no_address_is_the_owner_s_business(url: str) -> None:
    with session(allow_private=True) as made, pytest.raises(RemoteMisconfigured):
        call(made, "GET", url)


@pytest.mark.parametrize(
    "answer",
    [HANG, DROP, Reply(504), Reply(524)],
    ids=["time-out", "broken off", "time-out of a proxy", "time-out of Cloudflare"],
)
def test_a_call_that_went_out_and_was_not_answered_may_have_been_done(answer: Reply) -> None:
    limits = {"timeout_s": (1.0, 0.05), "waiting": Time().waiting}
    with (
        remote_and_session(always(answer), **limits) as (remote, made),
        pytest.raises(AnswerLost),
    ):
        call(made, "POST", remote.base_url)
    assert len(remote.asked) == 1


@pytest.mark.parametrize("status", [500, 502, 503])
def test_a_remote_that_says_that_it_is_down_has_not_done_it(status: int) -> None:
    with (
        remote_and_session(always(Reply(status)), waiting=Time().waiting) as (remote, made),
        pytest.raises(RemoteUnavailable) as raised,
    ):
        call(made, "POST", remote.base_url)
    assert not isinstance(raised.value, AnswerLost)


def test_what_nobody_listened_to_was_not_done() -> None:
    with Remote(always(json_reply())) as remote:
        closed = remote.base_url
    with (
        session(allow_private=True, waiting=Time().waiting) as made,
        pytest.raises(RemoteUnavailable) as raised,
    ):
        call(made, "POST", closed)
    assert not isinstance(raised.value, AnswerLost)


def test_nobody_listens() -> None:
    with Remote(always(json_reply())) as remote:
        closed = remote.base_url
    with (
        session(allow_private=True, waiting=Time().waiting) as made,
        pytest.raises(RemoteUnavailable, match="ConnectionError"),
    ):
        call(made, "GET", closed)


def test_what_was_asked_arrives_as_it_was_meant() -> None:
    with remote_and_session(always(json_reply())) as (remote, made):
        call(made, "POST", f"{remote.base_url}/a%20b", params={"q": "чай"}, json={"n": 1})

    (asked,) = remote.asked
    assert (asked.path, asked.query) == ("/a%20b", (("q", "чай"),))
    assert isinstance(asked, Asked)
    assert asked.body == b'{"n": 1}'
