"""nginx in front: what it passes on, what it keeps back, and what it never writes down."""

import json
import os
import re
import socket
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from hub.app import API_BODY_LIMIT, create_app
from hub.doctor.surroundings import KNOCK
from hub.serving import KEEPALIVE_S, REQUEST_LIMIT_S
from hub.web.admin.uploads import ENDPOINTS, MOST_BYTES
from hub.web.hooks import BODY_LIMIT
from tests.deploy.conftest import DEPLOY, needed
from tests.support.ingest import Shopfloor
from tests.support.waiting import wait_until

CONF = (DEPLOY / "nginx" / "loyalty-hub.conf").read_text(encoding="utf-8")
MIB = 1024 * 1024
NAME = "hub.example.ru"


class Echo(BaseHTTPRequestHandler):
    """Stands in for the hub: answers with what reached it."""

    protocol_version = "HTTP/1.1"

    def answer(self):
        length = int(self.headers.get("Content-Length", 0))
        self.rfile.read(length)
        if "X-Die" in self.headers:
            self.close_connection = True
            return
        told = {"path": self.path, "length": length, "headers": self.headers.items()}
        body = json.dumps(told).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = answer  # noqa: N815 - names of http.server

    def log_message(self, *_):
        pass


@pytest.fixture
def upstream():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Echo)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def listens(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


class Outside:
    """The world, with curl: paths are sent as they are written."""

    def __init__(self, folder, plain, tls):
        self.folder = folder
        self._ports = (f"{NAME}:80:127.0.0.1:{plain}", f"{NAME}:443:127.0.0.1:{tls}")

    def ask(self, url, *more, body=None):
        """(status, headers, body)"""
        lead = [word for port in self._ports for word in ("--connect-to", port)]
        data = [] if body is None else ["--data-binary", "@-"]
        how = ["-sS", "-i", "--path-as-is", "--insecure", "-H", "Expect:", *lead, *data, *more]
        told = self.folder / "told"  # a file: what the hub's stand-in repeats is no output of a hub
        subprocess.run(
            [needed("curl", "curl"), *how, "--output", told, url],
            input=body, capture_output=True, check=True, timeout=60,
        )  # fmt: skip
        head, _, rest = told.read_bytes().partition(b"\r\n\r\n")
        first, *lines = head.decode().splitlines()
        headers = dict(line.lower().split(": ", 1) for line in lines)
        return int(first.split()[1]), headers, rest

    def logged(self):
        return "".join(file.read_text(encoding="utf-8") for file in (self.folder / "log").iterdir())


@pytest.fixture
def outside(tmp_path, upstream):
    nginx = needed("nginx", "nginx-light")
    for name in ("log", "temporary", "acme/.well-known/acme-challenge"):
        (tmp_path / name).mkdir(parents=True)
    make_certificate(tmp_path)
    plain, tls = free_port(), free_port()
    main = tmp_path / "nginx.conf"
    main.write_text(sandboxed(tmp_path, upstream.server_address[1], plain, tls), encoding="utf-8")
    words = [nginx, "-e", str(tmp_path / "start.log"), "-c", str(main)]
    checked = subprocess.run([*words, "-t"], capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stderr
    process = subprocess.Popen([*words, "-g", "daemon off;"], stderr=subprocess.DEVNULL)
    wait_until(lambda: listens(plain) and listens(tls))
    yield Outside(tmp_path, plain, tls)
    process.terminate()
    process.wait(20)


def make_certificate(folder):
    words = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", f"/CN={NAME}"]
    subprocess.run(
        [needed("openssl", "openssl"), *words, "-keyout", "privkey.pem", "-out", "fullchain.pem"],
        cwd=folder, check=True, capture_output=True,
    )  # fmt: skip


def sandboxed(folder, hub, plain, tls):
    """The file as it is delivered, with its places and ports led into the folder."""
    text = re.sub(r"^ *listen \[::\].*\n", "", CONF, flags=re.MULTILINE)
    for old, new in (
        ("127.0.0.1:8080", f"127.0.0.1:{hub}"),
        ("listen 80;", f"listen 127.0.0.1:{plain};"),
        ("listen 443 ", f"listen 127.0.0.1:{tls} "),
        ("/etc/letsencrypt/live/hub.example.ru", str(folder)),
        ("/var/log/nginx", f"{folder}/log"),
        ("/var/www/html", f"{folder}/acme"),
    ):
        assert old in text, old
        text = text.replace(old, new)
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    temporary = "".join(f"{kind}_temp_path {folder}/temporary/{kind};\n" for kind in kinds)
    user = "user root;\n" if os.geteuid() == 0 else ""
    return f"{user}pid {folder}/pid;\nevents {{}}\nhttp {{\n{temporary}{text}}}\n"


def reached(answer):
    status, _, body = answer
    assert status == 200
    told = json.loads(body)
    return told, {name.lower(): value for name, value in told["headers"]}


def test_what_a_caller_says_of_itself_is_replaced(outside):
    lies = (
        "X-Forwarded-For: 10.0.0.1", "X-Forwarded-Proto: http", "X-Forwarded-Host: evil.example",
        "X-Forwarded-Port: 1", "X-Forwarded-Prefix: /evil", "Forwarded: for=10.0.0.1",
    )  # fmt: skip

    told, headers = reached(
        outside.ask(f"https://{NAME}/admin/?a=1", *[w for lie in lies for w in ("-H", lie)])
    )

    assert told["path"] == "/admin/?a=1"
    assert headers["host"] == NAME
    assert headers["x-forwarded-for"] == "127.0.0.1"
    assert headers["x-forwarded-proto"] == "https"
    assert headers["x-forwarded-host"] == NAME
    assert not {"x-forwarded-port", "x-forwarded-prefix", "forwarded"} & headers.keys()


def test_http_is_led_to_https_and_the_certificates_question_is_answered(outside):
    (outside.folder / "acme/.well-known/acme-challenge/word").write_text("yes", encoding="utf-8")

    status, headers, _ = outside.ask(f"http://{NAME}/admin/?a=1")
    asked = outside.ask(f"http://{NAME}/.well-known/acme-challenge/word")

    assert (status, headers["location"]) == (301, f"https://{NAME}/admin/?a=1")
    assert (asked[0], asked[2]) == (200, b"yes")


@pytest.mark.parametrize(
    "path",
    ["/metrics", "/readyz", "/healthz", "//metrics", "/%6Detrics", "/x/../metrics", "/metrics?a=1"],
)
def test_what_is_for_machines_inside_stays_inside(outside, path):
    assert outside.ask(f"https://{NAME}{path}")[0] == 404


def test_bodies_may_be_as_large_as_the_hub_takes_them_and_no_larger(outside):
    assert (API_BODY_LIMIT, BODY_LIMIT) == (MIB, 5 * MIB)

    for door in ("hooks/i_1/orders", "connect/i_1/api/v1/receipts"):
        told, _ = reached(outside.ask(f"https://{NAME}/{door}", body=b"x" * BODY_LIMIT))
        assert told["length"] == BODY_LIMIT
    told, _ = reached(outside.ask(f"https://{NAME}/api/v1/quotes", body=b"x" * API_BODY_LIMIT))
    assert told["length"] == API_BODY_LIMIT
    for path, limit in (
        ("hooks/i_1/orders", BODY_LIMIT),
        ("connect/i_1/api/v1/receipts", BODY_LIMIT),
        ("api/v1/purchases", API_BODY_LIMIT),
        ("api/v1/quotes", API_BODY_LIMIT),
    ):
        assert outside.ask(f"https://{NAME}/{path}", body=b"x" * (limit + 1))[0] == 413, path


def test_files_of_the_console_may_be_as_large_as_its_pages_take_them(
    outside, sqlite_engine, tmp_path
):
    app = create_app(Shopfloor(sqlite_engine, data_dir=tmp_path / "data").hub)
    rules = [rule for rule in app.url_map.iter_rules() if rule.endpoint in ENDPOINTS]
    assert {rule.endpoint for rule in rules} == ENDPOINTS

    for rule in rules:
        path = rule.rule.replace("<programme>", "demo")
        told, _ = reached(outside.ask(f"https://{NAME}{path}", body=b"x" * MOST_BYTES))
        assert told["length"] == MOST_BYTES, path
        assert outside.ask(f"https://{NAME}{path}", body=b"x" * (MOST_BYTES + 1))[0] == 413, path


def test_the_doctor_reaches_the_hub_from_outside(outside):
    told, _ = reached(outside.ask(f"https://{NAME}{KNOCK}"))

    assert told["path"] == KNOCK


def test_a_phone_in_a_query_is_written_nowhere(outside):
    url = f"https://{NAME}/api/v1/members?phone=%2B79161234567"
    reached(outside.ask(url))

    assert outside.ask(url, "-H", "X-Die: now")[0] == 502
    wait_until(lambda: outside.logged().count("/api/v1/members") == 2)
    assert "9161234567" not in outside.logged()


def test_headers_of_security_are_the_hubs_alone(outside):
    _, headers, _ = outside.ask(f"https://{NAME}/admin/")

    assert "strict-transport-security" not in headers
    assert "add_header" not in CONF


def seconds(name, text=CONF):
    return [float(told) for told in re.findall(rf"^ *{name} (\d+)s;", text, re.MULTILINE)]


def test_its_patience_fits_the_hubs():
    everything, quotes, hooks, files = seconds("proxy_read_timeout")

    assert everything > REQUEST_LIMIT_S
    assert 0.3 * 2 < quotes < hooks < everything < files
    assert all(told < KEEPALIVE_S for told in seconds("keepalive_timeout"))
