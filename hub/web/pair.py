"""`POST /pair`: the shop's own side pairs by a code that its owner took in the console.

The code is all the proof that is asked for.  It has 63 bits of chance and lives a quarter of an
hour, and one address may try but a few.
"""

from __future__ import annotations

import json

from flask import Flask, Response, request
from marshmallow import Schema, ValidationError, fields, validate

from hub.limits import RateLimit
from hub.pairing import pair
from hub.registry import ConnectorUnavailable
from hub.web.api import body
from hub.wiring import Hub
from loyalty_core.domain.errors import InvalidInput, NotAvailable

TRIES = "20/hour"
"""From one address, right ones too."""


class PairSchema(Schema):
    """`settings` are those of the connector's form, as texts; `name` is the connection's."""

    code = fields.String(required=True, validate=validate.Length(1, 100))
    name = fields.String(required=True, validate=validate.Length(1, 64))
    settings = fields.Dict(
        keys=fields.String(validate=validate.Length(1, 64)),
        values=fields.String(validate=validate.Length(0, 2000)),
        required=True,
    )


def register(app: Flask, hub: Hub) -> None:
    limit = RateLimit(TRIES, hub.config.redis_url)

    def answer() -> Response:
        limit.admit(f"pair/{request.remote_addr}", hub.clock.now())
        told = body.load(PairSchema().load, body.read_json())
        try:
            paired = pair(hub, told["code"], name=told["name"], settings=told["settings"])
        except ValidationError as error:
            raise InvalidInput(body.paths({"settings": error.messages})) from None
        except ConnectorUnavailable:
            raise NotAvailable from None
        document = {
            "connection": paired.installation.id,
            "name": paired.installation.name,
            "key": paired.key,
            "hooks": dict(paired.installation.hooks),
        }
        return Response(json.dumps(document), 201, content_type="application/json")

    app.add_url_rule("/pair", "pair.answer", answer, methods=["POST"])
