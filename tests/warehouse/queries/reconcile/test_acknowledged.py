"""Lines of acknowledgements: any key is the id that tables hold, and a wrong line says what is missing."""

from uuid import UUID

import pytest

from tokentally.identity import event_uuid
from warehouse.queries.reconcile import acknowledged
from warehouse.queries.reconcile.acknowledged import Acknowledgement, batches, parsed

ID = "019cf00d-5b1e-7c3a-9d55-0242ac120002"


def test_a_uuid_is_kept_and_another_key_is_mapped() -> None:
    line = '{{"organization": "acme", "event_id": "{}", "partition": 2, "offset": 7}}'
    assert parsed(line.format(ID)) == Acknowledgement("acme", UUID(ID), 2, 7)
    assert parsed(line.format("req-1")).event_id == event_uuid("acme", "req-1")


@pytest.mark.parametrize("line", ["{}", "[]", '{"organization": "a", "event_id": "b", "partition": null, "offset": 1}'])
def test_a_wrong_line_is_refused(line: str) -> None:
    with pytest.raises(ValueError, match="organization, event_id, partition and offset are needed"):
        parsed(line)


def test_batches_hold_everything_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(acknowledged, "BATCH", 2)
    sent = [Acknowledgement("acme", UUID(int=number), 0, number) for number in range(5)]
    assert [[one.offset for one in batch] for batch in batches(sent)] == [[0, 1], [2, 3], [4]]
