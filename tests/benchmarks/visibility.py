"""When events became visible: a view is asked all the time how many it counts, and the log's order tells which."""

import threading
import time
from collections.abc import Sequence

import numpy as np
import polars as pl
from clickhouse_connect.driver.client import Client

from warehouse.literals import quoted

PAUSE_SECONDS = 0.08
"""Asking more often would cost the machine that is measured half a core; delays are told up to so much too long."""
COUNTED = """SELECT toString(organization), sum(requests) FROM usage_quarter_hourly
WHERE organization IN ({names}) AND bucket >= now() - 7200 GROUP BY organization"""
IN_LOG_ORDER = """SELECT toString(organization) AS organization, toString(event_id) AS event_id,
toUnixTimestamp64Milli(append_time) AS append_ms FROM usage_raw FINAL WHERE organization IN ({names})
ORDER BY organization, src_partition, src_offset, src_index"""


class Watcher(threading.Thread):
    """Asks the view for the requests of a few organisations, again and again."""

    def __init__(self, client: Client, organizations: Sequence[str]) -> None:
        super().__init__(daemon=True)
        self._client = client
        self._names = ", ".join(map(quoted, organizations))
        self._running = True
        self._shown: dict[str, tuple[list[int], list[float]]] = {name: ([], []) for name in organizations}
        self.queries: list[float] = []

    def run(self) -> None:
        """Until it is stopped."""
        sql = COUNTED.format(names=self._names)
        while self._running:
            began = time.time()
            rows = self._client.query(sql).result_rows
            ended = time.time()
            self.queries.append(ended - began)
            for name, requests in rows:
                counts, times = self._shown[name]
                if not counts or requests > counts[-1]:
                    counts.append(requests)
                    times.append(ended)
            time.sleep(PAUSE_SECONDS)

    def stop(self) -> None:
        """Returns after the last answer."""
        self._running = False
        self.join()

    def seen(self) -> pl.DataFrame:
        """event_id, append_ms and `shown` (Unix seconds; null: never) of every event of these organisations.

        The n-th event of an organisation in the log was visible when the view counted n.
        """
        answer = self._client.query(IN_LOG_ORDER.format(names=self._names))
        rows = pl.DataFrame(answer.result_rows, schema=["organization", "event_id", "append_ms"], orient="row")
        parts = []
        for (name,), part in rows.group_by("organization", maintain_order=True):
            counts, times = self._shown[str(name)]
            place = np.searchsorted(np.array(counts), np.arange(1, len(part) + 1))
            shown = np.append(np.array(times), np.nan)[place]
            parts.append(part.with_columns(pl.Series("shown", shown).fill_nan(None)))
        return pl.concat(parts)
