"""The settings form."""

from __future__ import annotations

from loyalty_kit import messages
from loyalty_kit.settings import SettingsSchema


class Settings(SettingsSchema):
    price = messages.price()
    quiet_from = messages.quiet_from()
    quiet_to = messages.quiet_to()
    per_second = messages.per_second()
