"""Conditions: a JSON tree over typed fields, met by baskets, asked of members, told in words."""

from __future__ import annotations
