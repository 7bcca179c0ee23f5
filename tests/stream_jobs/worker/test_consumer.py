"""Entering the group anew is asked for from outside, also while the process is still starting."""

from types import SimpleNamespace
from typing import Any

import pytest

from stream_jobs.worker.consumer import rejoin


def asked(consumer: Any) -> list[str]:
    """What the consumer's thread is told."""
    told: list[str] = []
    loop = SimpleNamespace(call_soon_threadsafe=lambda call: call(told))
    rejoin(SimpleNamespace(_thread=SimpleNamespace(_consumer=consumer, thread_loop=loop)))
    return told


@pytest.mark.parametrize("consumer", [None, SimpleNamespace(_coordinator=None)])
def test_who_has_not_entered_the_group_yet_is_told_nothing(consumer: Any) -> None:
    assert asked(consumer) == []


def test_a_member_enters_anew() -> None:
    coordinator = SimpleNamespace(request_rejoin=lambda told: told.append("rejoin"))
    assert asked(SimpleNamespace(_coordinator=coordinator)) == ["rejoin"]
