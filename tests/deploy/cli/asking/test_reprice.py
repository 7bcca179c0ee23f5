"""Which revisions a reprice is asked for with."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import Mock

import pytest
from typer.testing import CliRunner

from deploy.cli.asking import reprice
from deploy.errors import WrongSetting
from producers.control.bodies import body_of


@contextmanager
def connected(_user: str) -> Iterator[tuple[Mock, None]]:
    yield Mock(), None


def asked(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> dict[str, Any]:
    """The body of the record."""
    made: list[dict[str, Any]] = []
    monkeypatch.setattr(reprice, "connected", connected)
    monkeypatch.setattr(reprice, "Request", lambda *_: Mock(make=made.extend))
    CliRunner().invoke(reprice.app, arguments, catch_exceptions=False)
    (body,) = made
    body_of("reprice", "", body)
    return body


def test_without_revisions_each_partition_takes_its_own_and_credits_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    assert asked(monkeypatch) == {"selection": {}}


def test_a_revision_is_named_by_its_number_and_multipliers_also_as_those_in_force(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    body = asked(monkeypatch, "--prices", "3", "--multipliers", "7", "--model", "gpt-4o")
    assert body == {"selection": {"model": "gpt-4o"}, "prices": 3, "multipliers": 7}
    assert asked(monkeypatch, "--multipliers", "in-force") == {"selection": {}, "multipliers": "in_force"}


@pytest.mark.parametrize("text", ["0", "-1", "newest", "", "1.5", "²"])
def test_what_is_no_revision_is_refused(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    with pytest.raises(WrongSetting, match="write the number of a revision, or in-force"):
        asked(monkeypatch, f"--multipliers={text}")
