"""How JSON may write a name that is not all in plain letters."""

import json

import pytest

from stream_jobs.erasure.json_texts import written_in_json


@pytest.mark.parametrize(
    "text", ["Jos\u00e9", "\U0001f600", "a/\u00fc", 'say "\u00e9"', "\\u00e9\u00e9", "\u3000", "\u007f"]
)
def test_every_form_is_read_as_the_text(text: str) -> None:
    forms = written_in_json(text)
    assert {json.loads(form) for form in forms} == {text}
    assert json.dumps(text) in forms
    assert all(form.isascii() for form in forms)


def test_digits_are_small_and_large_and_slashes_plain_and_escaped() -> None:
    forms = written_in_json("\u00e9/")
    assert forms == ['"\\u00e9/"', '"\\u00e9\\/"', '"\\u00E9/"', '"\\u00E9\\/"']


@pytest.mark.parametrize("text", ["", "plain", 'say "hi"', "a\\b"])
def test_plain_letters_have_no_other_form(text: str) -> None:
    assert written_in_json(text) == []
