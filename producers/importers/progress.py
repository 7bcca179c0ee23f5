"""How far an import has come, kept in a file so that a killed import continues: state in, the same state back out."""

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import orjson


@dataclass(frozen=True, slots=True)
class Progress:
    """One import, as of its last acknowledged batch.

    rows_done: rows of the source, good and bad, that are settled. rejection_bytes: length of the file of rejections
    that belongs to them. positions: highest acknowledged offset per Kafka partition. first_time, last_time: bounds of
    the events' times in UTC, "" before the first.
    """

    import_id: str
    file: str
    rows_done: int = 0
    accepted: int = 0
    rejected: int = 0
    rejection_bytes: int = 0
    positions: Mapping[int, int] = field(default_factory=dict)
    finished: bool = False
    first_time: str = ""
    last_time: str = ""

    def after(
        self, rows: int, accepted: int, rejected: int, positions: Mapping[int, int], times: Sequence[str] = ()
    ) -> "Progress":
        """The progress after one more acknowledged batch; times of its events, as RFC 3339 in UTC."""
        known = [time for time in (self.first_time, self.last_time, *times) if time]
        return replace(
            self,
            rows_done=self.rows_done + rows,
            accepted=self.accepted + accepted,
            rejected=self.rejected + rejected,
            positions=highest(self.positions, positions),
            first_time=min(known, default=""),
            last_time=max(known, default=""),
        )


def highest(*positions: Mapping[int, int]) -> dict[int, int]:
    """The highest offset of each partition."""
    together: dict[int, int] = {}
    for offsets in positions:
        for partition, offset in offsets.items():
            together[partition] = max(offset, together.get(partition, -1))
    return together


@dataclass(frozen=True, slots=True)
class ProgressFolder:
    """One JSON file and one file of rejections per import."""

    folder: Path

    def load(self, import_id: str) -> Progress | None:
        """The stored progress; None when this import never ran."""
        try:
            stored = orjson.loads(self._state(import_id).read_bytes())
        except FileNotFoundError:
            return None
        positions = {int(partition): offset for partition, offset in stored.pop("positions").items()}
        return Progress(**stored, positions=positions)

    def save(self, progress: Progress, rejections: Sequence[Mapping[str, object]] = ()) -> Progress:
        """Stores rejections, then progress, each durable before the next; returns the progress as stored.

        What an earlier run wrote behind the stored progress is cut off first, so no rejection is listed twice.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        kept = replace(progress, rejection_bytes=self._append(progress, rejections))
        path = self._state(progress.import_id)
        partial = path.with_suffix(".partial")
        stored = asdict(kept) | {"positions": {str(partition): at for partition, at in kept.positions.items()}}
        with partial.open("wb") as file:
            file.write(orjson.dumps(stored, option=orjson.OPT_INDENT_2))
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
        return kept

    def rejections(self, import_id: str) -> Path:
        """File of rejections: one JSON object per line with index and reason."""
        return self.folder / f"{import_id}.rejected.ndjson"

    def first_rejections(self, import_id: str, limit: int) -> list[dict[str, object]]:
        """The first rejections of an import."""
        try:
            with self.rejections(import_id).open("rb") as file:
                return [orjson.loads(line) for line, _ in zip(file, range(limit), strict=False)]
        except FileNotFoundError:
            return []

    def _state(self, import_id: str) -> Path:
        return self.folder / f"{import_id}.json"

    def _append(self, progress: Progress, rejections: Iterable[Mapping[str, object]]) -> int:
        with self.rejections(progress.import_id).open("ab") as file:
            file.truncate(progress.rejection_bytes)
            file.seek(0, os.SEEK_END)
            for rejection in rejections:
                file.write(orjson.dumps(rejection) + b"\n")
            file.flush()
            os.fsync(file.fileno())
            return file.tell()
