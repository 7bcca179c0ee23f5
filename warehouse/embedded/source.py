"""Where a request's statement comes from: address, body or form in; a statement, or an INSERT with its data, out."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain

from warehouse.embedded.body import PREFETCH_BYTES
from warehouse.embedded.errors import Fault, refused
from warehouse.embedded.statements import InsertText, Statement, read_statement, split_insert

_HEAD_BYTES = 256 << 10  # an INSERT's text before its data is looked for in this much


@dataclass(frozen=True, slots=True)
class Insert:
    """An INSERT with its data, already decompressed; `chunks` may still be arriving."""

    text: InsertText
    chunks: Iterable[bytes]


@dataclass(frozen=True, slots=True)
class Source:
    """`text` is the statement or its beginning; `plain` the decompressed body, to be read once."""

    text: bytes
    plain: Iterator[bytes]
    default_input_format: str

    def read(self) -> Statement | Insert:
        """Reads what is to be run. Raises 573 for a statement without data of more than 32 MiB."""
        if self.text.strip():
            insert = split_insert(self.text, self.default_input_format)
            if insert is not None:
                return Insert(insert, chain([self.text[insert.data_start :]], self.plain))
            rest = _whole(self.plain)
            return read_statement(self.text + b"\n" + rest if rest else self.text)
        head = b""
        for chunk in self.plain:
            head = head + chunk if head else chunk
            if len(head) >= _HEAD_BYTES:
                break
        insert = split_insert(head, self.default_input_format)
        if insert is not None:
            return Insert(insert, chain([head[insert.data_start :]], self.plain))
        return read_statement(_whole(chain([head], self.plain)))


def _whole(chunks: Iterable[bytes]) -> bytes:
    kept: list[bytes] = []
    size = 0
    for chunk in chunks:
        kept.append(chunk)
        size += len(chunk)
        if size > PREFETCH_BYTES:
            raise refused(
                Fault.QUERY_IS_TOO_LARGE, f"A statement without data may have {PREFETCH_BYTES >> 20} MiB at most."
            )
    return b"".join(kept)
