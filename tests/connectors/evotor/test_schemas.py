"""What stands in Evotor's documents for those who wrote it there."""

import pytest

from connectors.evotor.schemas import opened


@pytest.mark.parametrize(
    ("told", "means"),
    [
        (' {"a": 1}', {"a": 1}),
        ('{"name": "\ud83d"}', {"name": "\ud83d"}),  # half of a surrogate pair
        ('{"a": ', '{"a": '),
        ("no JSON", "no JSON"),
        ('{"a":' * 5000, '{"a":' * 5000),
        ({"a": 1}, {"a": 1}),
        (None, None),
    ],
)
def test_a_block_of_ours_within_a_text(told, means):
    assert opened(told) == means
