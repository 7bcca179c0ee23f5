"""Stock Faust: a Table with changelog, tumbling windows of a quarter hour, one update per event.

Runs in the peers' environment: python -m tests.benchmarks.peers.faust_tables BOOTSTRAP TOPIC PARTITIONS FOLDER.
The store is in memory, which is quicker than RocksDB. It reads whole envelopes, which spares it the 60 µs that each
message costs in Faust.
"""

import sys
from typing import Any

import faust

from tests.benchmarks.peers.work import WINDOW_SECONDS, Counter, added, events, key, sums, unix_seconds


def main(bootstrap: str, topic: str, partitions: int, folder: str) -> None:
    """Counts until it is stopped."""
    app = faust.App(
        "peer-faust",
        broker=f"kafka://{bootstrap}",
        store="memory://",
        datadir=folder,
        web_enabled=False,
        topic_partitions=partitions,
        topic_replication_factor=1,
        topic_disable_leader=True,
        table_standby_replicas=0,
        consumer_auto_offset_reset="earliest",
        consumer_max_fetch_size=1 << 21,
    )
    moment = [0.0]
    tumbling: Any = app.Table("usage", default=list, partitions=partitions).tumbling(WINDOW_SECONDS)
    windows = tumbling.relative_to(lambda _event: moment[0])
    counter = Counter(folder)

    async def count(envelopes: Any) -> None:
        async for envelope in envelopes:
            for event in events(envelope):
                moment[0] = unix_seconds(event)
                windows[key(event)].apply(added, sums(event))
                counter.count += 1

    app.agent(app.topic(topic, value_type=bytes, value_serializer="raw"))(count)
    counter.start()
    faust.Worker(app, loglevel="ERROR", redirect_stdouts=False).execute_from_commandline()


if __name__ == "__main__":
    bootstrap, topic, partitions, folder = sys.argv[1:]
    sys.argv = sys.argv[:1]
    main(bootstrap, topic, int(partitions), folder)
