"""Where records about an organisation go, and the key they are signed with."""

from pathlib import Path

import pytest

from stream_jobs.control.settings import ControlSettings
from stream_jobs.errors import NoControlKey
from tokentally import partition_of


def test_one_organization_has_one_partition_and_all_have_all() -> None:
    settings = ControlSettings(partitions=4, topic_generation=2)
    assert settings.log_partitions("") == [2048, 2049, 2050, 2051]
    assert settings.log_partitions("acme") == [2048 + partition_of("acme", 4)]


def test_the_key_comes_from_its_file(tmp_path: Path) -> None:
    with pytest.raises(NoControlKey, match="cannot be read"):
        ControlSettings(home=tmp_path).control_key()
    named = tmp_path / "key"
    named.write_bytes(b"short\n")
    with pytest.raises(NoControlKey, match="has 5 bytes"):
        ControlSettings(home=tmp_path, control_key_file=named).control_key()
    named.write_bytes(b"k" * 16 + b"\n")
    assert ControlSettings(home=tmp_path, control_key_file=named).control_key() == b"k" * 16
