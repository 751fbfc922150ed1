"""Files that an owner sends to the console, and the worker that works them off."""

from __future__ import annotations

import io
import re

from hub import uploads


def send(owner, path, text, *, name="list.csv", **fields):
    file = (io.BytesIO(text.encode() if isinstance(text, str) else text), name)
    return owner.send(path, path, file=file, **fields)


def worked_off(hub, programme_id):
    row = uploads.claim(hub, programme_id)
    assert row is not None
    uploads.work_off(hub, row)


def checked(owner, hub, programme_id, path, text, **fields):
    """The page of a file that is checked."""
    assert send(owner, path, text, **fields).status_code == 302
    assert 'data-stage="checking"' in owner.page(path)
    worked_off(hub, programme_id)
    return owner.page(path)


def press(owner, path, button, **fields):
    upload = re.search(r'name="upload" value="(\w+)"', owner.page(path))
    assert upload is not None
    return owner.send(path, f"{path}/{button}", upload=upload[1], **fields)


def taken(owner, hub, programme_id, path, text, **fields):
    """The page of a file that is checked and taken."""
    checked(owner, hub, programme_id, path, text, **fields)
    press(owner, path, "begin")
    worked_off(hub, programme_id)
    return owner.page(path)


class Killed(BaseException):
    """What a worker that is killed leaves to do for nobody."""
