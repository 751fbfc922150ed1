"""What the settings form refuses."""

from __future__ import annotations

import pytest
from marshmallow import ValidationError

from tests.connectors.evotor.shared import settings


@pytest.mark.parametrize("name", ["app_token", "user_token"])
def test_a_token_is_too_long_to_be_guessed_and_has_evotor_s_letters(name: str):
    for good in ("a" * 24, "7d0c6c3e-8f63-4d0b-9d9b-0a1b2c3d4e5f", "_=-" * 42 + "aZ"):
        assert settings(**{name: good})[name] == good
    for bad in ("a", "a" * 23, "a" * 129, "a" * 23 + " ", "a" * 23 + "\n", "Ы" * 24):
        with pytest.raises(ValidationError) as refused:
            settings(**{name: bad})
        assert list(refused.value.messages_dict) == [name]
