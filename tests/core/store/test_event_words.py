"""An event that is written down beforehand is kept as it would be otherwise."""

import json
from dataclasses import replace

from hypothesis import given, settings

from loyalty_core.store.codec import json_text, to_json
from loyalty_core.store.event_words import document_of, hash_of, words_of
from tests.kit.test_events_laws import REFUNDS
from tests.kit.test_events_laws import purchases as some_purchases

EXAMPLES = settings(max_examples=40, deadline=None)


@EXAMPLES
@given(some_purchases() | REFUNDS)
def test_words_are_the_event_and_its_hash(event):
    words = words_of(event)

    assert json.loads(words.document) == json.loads(json_text(to_json(event)))
    assert words.content == hash_of(event)
    assert words.content == words_of(replace(event, revision=event.revision + 1)).content
    assert words.content != words_of(replace(event, external_id=event.external_id + "x")).content


@EXAMPLES
@given(some_purchases())
def test_words_are_good_for_their_own_event_alone(event):
    words, other = words_of(event), replace(event, external_id="other")

    assert json_text(document_of(event, words)) == words.document
    assert document_of(other, words) == to_json(other)
    assert document_of(event, None) == to_json(event)
