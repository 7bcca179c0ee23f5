"""Brings stored rows into memory before a take adds to them: whole pairs at first, single rows that were evicted."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from stream_jobs.rollups.pairs import PAIR
from stream_jobs.rollups.row_store import RowStore
from stream_jobs.worker import statements
from stream_jobs.worker.loading import load_rows
from stream_jobs.worker.sink import Sink
from stream_jobs.worker.state import WorkerState
from stream_jobs.worker.statements import Pair

PAIR_TYPES = {"src_partition": pl.UInt16, "organization": pl.String, "bucket": pl.UInt32}


@dataclass(frozen=True, slots=True)
class NeededRows:
    """Loads rows; what was loaded is returned, because it raises horizons (rule E2).

    whole_pairs_rows: rows that are loaded with whole pairs at once; the rows of larger ones are asked for by key.
    """

    sink: Sink
    whole_pairs_rows: int

    async def of_pairs(self, state: WorkerState, missing: Sequence[Pair]) -> list[pl.DataFrame]:
        """Loads all rows of these pairs, which are new in memory, as long as they are not too many."""
        if not missing:
            return []
        wanted = pl.DataFrame(list(missing), schema=PAIR_TYPES, orient="row")
        wanted = await self._small(state, wanted)
        if wanted.is_empty():
            return []
        return await self._put(state.stores, [wanted.clone() for _ in state.stores])  # a frame has one owner thread

    async def of_lines(self, stores: Sequence[RowStore], lines: Sequence[pl.DataFrame]) -> list[pl.DataFrame]:
        """Loads the rows of each store's lines that were evicted while their pair stayed."""
        asked, wanted = [], []
        for store, added in zip(stores, lines, strict=True):
            evicted = store.stored_elsewhere(added)
            if not evicted.is_empty():
                pairs = store.pairs.frame(evicted["pair"].to_numpy()).select(PAIR)
                asked.append(store)
                wanted.append(pairs.hstack(evicted.select(store.family.dimensions)))
        return await self._put(asked, wanted)

    async def _small(self, state: WorkerState, wanted: pl.DataFrame) -> pl.DataFrame:
        """The pairs that are loaded as a whole, smallest first; the others are noted as unlisted."""
        partitions = wanted["src_partition"].unique().to_list()
        asked = wanted.select("organization", "bucket").unique()
        counted = await asyncio.to_thread(self.sink.frame, statements.row_counts(partitions), asked)
        if counted.is_empty():
            return counted
        counted = counted.select(
            *(pl.nth(at).cast(kind).alias(name) for at, (name, kind) in enumerate(PAIR_TYPES.items())),
            pl.nth(3).cast(pl.Int64).alias("rows"),
        )
        stored = wanted.join(counted, on=list(PAIR)).sort("rows", *PAIR)
        small = stored["rows"].cum_sum() <= self.whole_pairs_rows
        state.pairs.unlist(state.pairs.find(stored.filter(~small)))
        return stored.filter(small).select(PAIR)

    async def _put(self, stores: Sequence[RowStore], wanted: Sequence[pl.DataFrame]) -> list[pl.DataFrame]:
        loads = (
            asyncio.to_thread(load_rows, self.sink, store.family, rows)
            for store, rows in zip(stores, wanted, strict=True)
        )
        loaded = await asyncio.gather(*loads)
        for store, stored in zip(stores, loaded, strict=True):
            if not stored.is_empty():
                store.put(stored)
        return loaded
