"""The floor of the hub: the language of events and checkout, and what a connector stands on."""

KIT_VERSION = "1.6"
