"""Moves the rows of a file to a collector in batches, continuing where an earlier run stopped."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

import orjson

from producers.importers.collector_client import Collector, Receipt
from producers.importers.identity import import_id
from producers.importers.importer import Importer, Row
from producers.importers.progress import Progress, ProgressFolder

BATCH_EVENTS = 2_000
BATCH_BYTES = 4_000_000


@dataclass(frozen=True, slots=True)
class Upload:
    """The result of a run. resumed_rows: rows that an earlier run had settled; sent: False when there was none left."""

    progress: Progress
    resumed_rows: int
    sent: bool


def upload(
    path: Path,
    importer: Importer,
    collector: Collector,
    folder: ProgressFolder,
    *,
    again: bool = False,
    on_progress: Callable[[Progress, int], None] | None = None,
) -> Upload:
    """Sends what is not acknowledged yet; a finished import is sent again only when `again` says so.

    Either way nothing is counted twice: event ids come from the content. on_progress gets the progress and the bytes
    of the file read so far, after each batch. Raises the importer's and the collector's errors; what was acknowledged
    before stays done.
    """
    with path.open("rb") as file:
        name = import_id(file, importer, collector.address)
        stored = folder.load(name)
        if stored and stored.finished and not again:
            return Upload(stored, stored.rows_done, sent=False)
        fresh = stored is None or stored.finished
        progress = Progress(name, str(path)) if stored is None or fresh else stored
        resumed_rows = progress.rows_done
        for rows in _batches(islice(importer.rows(file), resumed_rows, None)):
            progress = _settle(rows, progress, collector, folder)
            if on_progress:
                on_progress(progress, file.tell())
        return Upload(folder.save(replace(progress, finished=True)), resumed_rows, sent=True)


def _settle(rows: list[Row], progress: Progress, collector: Collector, folder: ProgressFolder) -> Progress:
    good = [(row.index, row.event) for row in rows if row.event is not None]
    receipt = collector.send([event for _, event in good]) if good else Receipt(0)
    refused = [(row.index, row.problem) for row in rows if row.event is None]
    refused += [(good[place][0], reason) for place, reason in receipt.rejections]
    times = [str(event["time"]) for _, event in good]
    after = progress.after(len(rows), receipt.accepted, len(refused), receipt.positions, times)
    return folder.save(after, [{"index": index, "reason": reason} for index, reason in sorted(refused)])


def _batches(rows: Iterable[Row]) -> Iterator[list[Row]]:
    batch: list[Row] = []
    size = 0
    for row in rows:
        batch.append(row)
        size += len(orjson.dumps(row.event))
        if len(batch) >= BATCH_EVENTS or size >= BATCH_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch
