"""Debian's WordPress on PHP's own server, over a MariaDB of its own; and its owner at a browser.

It may call nobody but this machine.  Facts: the forms of WordPress 6.1 (`wp-admin/`).
"""

from __future__ import annotations

import html
import os
import re
import shutil
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any

import requests

from tests.support.servers import (
    Account,
    NotStarted,
    start_mariadb,
    start_php,
    unprivileged_account,
)
from tools.programs import find_wordpress

PATIENCE_S = 60
OWNER, PASSWORD = "owner", "correct-horse-battery"
CONFIG = """<?php
define( 'DB_NAME', 'wordpress' );
define( 'DB_USER', 'root' );
define( 'DB_PASSWORD', '' );
define( 'DB_HOST', 'localhost:{socket}' );
define( 'DB_CHARSET', 'utf8mb4' );
$table_prefix = 'wp_';
foreach ( array( 'AUTH', 'SECURE_AUTH', 'LOGGED_IN', 'NONCE' ) as $name ) {{
	define( $name . '_KEY', $name . ' of a test' );
	define( $name . '_SALT', $name . ' salt of a test' );
}}
define( 'WP_DEBUG', true );
define( 'WP_DEBUG_DISPLAY', false );
define( 'WP_DEBUG_LOG', '{log}' );
define( 'WP_HTTP_BLOCK_EXTERNAL', true );
define( 'WP_ACCESSIBLE_HOSTS', '127.0.0.1' );
define( 'DISABLE_WP_CRON', true );
define( 'AUTOMATIC_UPDATER_DISABLED', true );
define( 'FS_METHOD', 'direct' );
define( 'WP_DEFAULT_THEME', 'plain' );
defined( 'ABSPATH' ) || define( 'ABSPATH', __DIR__ . '/' );
require_once ABSPATH . 'wp-settings.php';
"""
THEME = {
    "style.css": "/*\nTheme Name: Plain\n*/\n",
    "index.php": "<?php wp_head(); bloginfo( 'name' ); wp_footer();\n",
}
"""The package has none of its own."""
OF_ANY_SITE = re.compile(
    # WordPress 6.1 is older than PHP 8.2, and WordPress.org is out of reach.
    r"PHP (Deprecated: .* in \S+/wp-(includes|admin)/"
    r"|Warning: .* in \S+/wp-(includes/update|admin/install)\.php )"
)
PHP_SETTINGS = ("sendmail_path=/bin/true", "display_errors=0", "variables_order=EGPCS")


class NotDone(Exception):
    """What WordPress's tool shows in place of a result."""


class WordPress:
    """A fresh site; `owner` is logged in."""

    def __init__(self, url: str, folder: Path, log: Path) -> None:
        self.url, self._folder, self._log = url, folder, log
        self.owner = requests.Session()

    @property
    def plugins(self) -> Path:
        return self._folder / "wp-content" / "plugins"

    @property
    def version(self) -> str:
        told = (self._folder / "wp-includes" / "version.php").read_text(encoding="utf-8")
        (found,) = re.findall(r"^\$wp_version = '([^']+)';", told, re.MULTILINE)
        return str(found)

    def complaints(self) -> list[str]:
        """What PHP and the database had to complain of, but for what any such site has."""
        lines = self._log.read_text(encoding="utf-8").splitlines() if self._log.exists() else []
        return [line for line in lines if not OF_ANY_SITE.search(line)]

    # --- pages ------------------------------------------------------------------------------

    def get(self, path: str, **query: str) -> str:
        return self._text(self.owner.get(self.url + path, params=query, timeout=PATIENCE_S))

    def post(self, path: str, form: dict[str, Any], **more: Any) -> str:
        return self._text(self.owner.post(self.url + path, form, timeout=PATIENCE_S, **more))

    @staticmethod
    def _text(answer: requests.Response) -> str:
        assert answer.status_code == 200, (answer.status_code, answer.text)
        return answer.text

    def install(self) -> None:
        """By the form of WordPress itself, and logged in afterwards."""
        form = {
            "weblog_title": "Shop", "user_name": OWNER, "admin_email": "owner@shop.example",
            "admin_password": PASSWORD, "admin_password2": PASSWORD, "pw_weak": "1",
            "language": "",
        }  # fmt: skip
        # It would try addresses by calling itself, which PHP's server cannot answer meanwhile.
        alone = self.plugins.parent / "mu-plugins" / "alone.php"
        alone.parent.mkdir()
        alone.write_text("<?php add_filter( 'block_local_requests', '__return_true' );", "utf-8")
        assert "Success!" in self.post("/wp-admin/install.php?step=2", form)
        alone.unlink()
        self.owner.cookies.set("wordpress_test_cookie", "WP Cookie check")
        self.post("/wp-login.php", {"log": OWNER, "pwd": PASSWORD})

    # --- plugins ----------------------------------------------------------------------------

    def upload(self, name: str, content: bytes) -> str:
        """What WordPress says of a plugin's zip."""
        form = {"_wpnonce": hidden(self.get("/wp-admin/plugin-install.php", tab="upload"))}
        path = "/wp-admin/update.php?action=upload-plugin"
        return words(self.post(path, form, files={"pluginzip": (name, content)}))

    def put_plugin(self, folder: str, file: Path) -> None:
        """A plugin of one file, as whoever has the server puts it there."""
        (self.plugins / folder).mkdir()
        shutil.copy(file, self.plugins / folder / f"{folder}.php")
        (self.plugins / folder).chmod(0o755)

    def switch(self, plugin: str, action: str) -> str:
        """`activate` or `deactivate`, by the link of the list; the page that comes of it."""
        page = self.get("/wp-admin/plugins.php")
        name = plugin.replace("/", "%2F")
        (link,) = re.findall(
            rf'href="(plugins\.php\?action={action}&amp;plugin={name}[^"]+)"', page
        )
        return words(self.get(f"/wp-admin/{html.unescape(link)}"))

    def delete_plugin(self, file: str) -> str:
        nonce = hidden(self.get("/wp-admin/plugins.php"))
        form = {"action": "delete-selected", "checked[]": file, "verify-delete": "1"}
        return words(self.post("/wp-admin/plugins.php", {**form, "_wpnonce": nonce}))

    # --- tools ------------------------------------------------------------------------------

    def personal_data(self, kind: str, email: str) -> list[dict[str, Any]]:
        """What each exporter (`export`) or eraser (`erase`) answered, in WordPress's own tool.

        Raises: NotDone.
        """
        path = "/wp-admin/" + ("export" if kind == "export" else "erase") + "-personal-data.php"
        word = "export" if kind == "export" else "remove"
        form = {
            "action": f"add_{word}_personal_data_request",
            "type_of_action": f"{word}_personal_data",
            "username_or_email_for_privacy_request": email,
            "_wpnonce": hidden(self.get(path)),
        }
        page = self.post(path, form)
        tag = {"export": "exporters", "erase": "erasers"}[kind]
        (count,) = re.findall(rf'data-{tag}-count="(\d+)"', page)[:1]
        (request,) = re.findall(r'data-request-id="(\d+)"', page)[:1]
        (nonce,) = re.findall(r'data-nonce="(\w+)"', page)[:1]
        asked = {"action": f"wp-privacy-{kind}-personal-data", "security": nonce, "id": request}
        answers = []
        for number in range(1, int(count) + 1):
            one = asked | {"page": "1", "sendAsEmail": "false"}
            one["exporter" if kind == "export" else "eraser"] = str(number)
            answer = self.owner.post(self.url + "/wp-admin/admin-ajax.php", one, timeout=PATIENCE_S)
            told = answer.json()
            if not told["success"]:
                raise NotDone(told["data"])
            answers.append(told["data"])
        return answers

    def archive(self, url: str) -> str:
        """The page of an export as the person gets it."""
        content = self.owner.get(url, timeout=PATIENCE_S).content
        with zipfile.ZipFile(BytesIO(content)) as archive:
            return words(archive.read("index.html").decode())

    # --- the REST API -----------------------------------------------------------------------

    def rest(self, path: str, *, proof: str | None = None, **query: str) -> requests.Response:
        headers = {} if proof is None else {"X-WP-Nonce": proof}
        asked = {"rest_route": path, **query}
        session = requests.Session() if proof is None else self.owner
        return session.get(self.url, params=asked, headers=headers, timeout=PATIENCE_S)

    def rest_proof(self) -> str:
        return self.get("/wp-admin/admin-ajax.php", action="rest-nonce")

    # --- the database -----------------------------------------------------------------------

    def ask(self, code: str) -> str:
        """What a line of PHP prints with WordPress loaded, over the site's own server."""
        script = self._folder / "ask.php"
        script.write_text(f"<?php require 'wp-load.php'; {code}", encoding="utf-8")
        try:
            return self.get("/ask.php")
        finally:
            script.unlink()


def hidden(page: str, name: str = "_wpnonce") -> str:
    """The value of a form's hidden field."""
    found = re.findall(rf'name="{name}" value="([^"]*)"', page)
    assert found, f"no {name} on the page:\n{words(page)[:2000]}"
    return str(found[0])


def words(page: str) -> str:
    """What a person reads."""
    bare = re.sub(r"<(script|style)\b.*?</\1>", " ", page, flags=re.DOTALL)
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", bare)).split())


@contextmanager
def wordpress() -> Iterator[WordPress]:
    """An installed site.

    Raises: NotStarted.
    """
    source = find_wordpress()
    if source is None:
        raise NotStarted(
            "no WordPress on this machine"
            " (Debian: apt-get install wordpress mariadb-server-core php-mysql php-zip)"
        )
    account = unprivileged_account()
    database = start_mariadb("wordpress")
    try:
        folder, log = database.folder / "site", database.folder / "php.log"
        shutil.copytree(source, folder)
        config = CONFIG.format(socket=database.url, log=log)
        (folder / "wp-config.php").write_text(config, encoding="utf-8")
        theme = folder / "wp-content" / "themes" / "plain"
        theme.mkdir()
        for name, text in THEME.items():
            (theme / name).write_text(text, encoding="utf-8")
        hand_over(folder, account)
        server = start_php(folder, account, [*PHP_SETTINGS, f"error_log={log}"])
        try:
            site = WordPress(server.url, folder, log)
            site.install()
            yield site
        finally:
            server.stop()
    finally:
        database.stop()


def hand_over(folder: Path, account: Account) -> None:
    if account.uid is None or account.gid is None:
        return
    for at, folders, files in os.walk(folder):
        for name in (*folders, *files):
            os.chown(Path(at) / name, account.uid, account.gid)
    os.chown(folder, account.uid, account.gid)
