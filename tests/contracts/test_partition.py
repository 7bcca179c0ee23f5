"""The partition rule: the same number in every language and for ever, and an even spread."""

import json
import zlib
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import tokentally.partition
from tokentally import partition_of

VECTORS: dict[str, Any] = json.loads(
    Path(tokentally.partition.__file__).with_name("partition_vectors.json").read_text()
)
organizations = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=128)


@pytest.mark.parametrize("vector", VECTORS["vectors"], ids=lambda vector: ascii(vector["organization"])[:30])
def test_published_vectors(vector: dict[str, Any]) -> None:
    assert zlib.crc32(vector["organization"].encode()) == vector["crc32"]
    for partition_count, partition in vector["partitions"].items():
        assert partition_of(vector["organization"], int(partition_count)) == partition


def test_published_check_value_is_that_of_crc_32_iso_hdlc() -> None:
    assert VECTORS["check"] == {"organization": "123456789", "crc32": 0xCBF43926}


@pytest.mark.parametrize("vector", VECTORS["overrides"], ids=lambda vector: vector["organization"])
def test_published_overrides(vector: dict[str, Any]) -> None:
    assert partition_of(vector["organization"], vector["partition_count"], vector["overrides"]) == vector["partition"]


def test_vectors_cover_names_that_only_look_alike() -> None:
    names = {vector["organization"] for vector in VECTORS["vectors"]}
    assert {"\u00dcn\u00efcode GmbH", "U\u0308ni\u0308code GmbH", "acme", "ACME", "\U0001f98a"} <= names


@given(organizations, st.integers(1, 4096))
def test_every_organization_has_one_partition_in_range(organization: str, partition_count: int) -> None:
    partition = partition_of(organization, partition_count)
    assert 0 <= partition < partition_count
    assert partition_of(organization, partition_count) == partition


@given(organizations, organizations, st.integers(1, 64))
def test_an_override_moves_nobody_else(giant: str, other: str, partition_count: int) -> None:
    overrides = {giant: partition_count}
    assert partition_of(giant, partition_count, overrides) == partition_count
    if other != giant:
        assert partition_of(other, partition_count, overrides) == partition_of(other, partition_count)


@pytest.mark.parametrize("partition_count", [8, 12, 64])
@pytest.mark.parametrize(
    "name",
    ["{}", "org-{}", "tenant_{:06d}", "{:04x}", "customer{}.example.com", "00000000-0000-0000-0000-{:012d}"],
)
def test_usual_names_are_spread(name: str, partition_count: int) -> None:
    written: Callable[[int], str] = name.format
    filled = Counter(partition_of(written(number), partition_count) for number in range(1000, 3000))
    assert len(filled) == partition_count
    assert max(filled.values()) < 1.6 * 2000 / partition_count


def test_impossible_tables_are_refused() -> None:
    with pytest.raises(ValueError, match="at least one partition, not 0"):
        partition_of("acme", 0)
    with pytest.raises(ValueError, match="the override of 'acme' is -1"):
        partition_of("acme", 8, {"acme": -1})
