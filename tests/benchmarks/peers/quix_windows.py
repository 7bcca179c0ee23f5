"""Quix Streams: tumbling windows of a quarter hour with sums, RocksDB state with changelog.

Runs in the peers' environment: python -m tests.benchmarks.peers.quix_windows BOOTSTRAP TOPIC PARTITIONS FOLDER.
Its documented way to another key, group_by, sends every event through Kafka once more. The topic is partitioned by
organisation already, so events get their key in place here, by the transformation that group_by itself uses for
topics of one partition: kinder to it.
"""

import sys
from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from quixstreams import Application

from tests.benchmarks.peers.work import WINDOW_SECONDS, Counter, added, events, key, sums, unix_seconds

LATEST = timedelta(hours=25)
"""Events come up to a day late; without this grace they would be dropped."""


def main(bootstrap: str, topic: str, folder: str) -> None:
    """Counts until it is stopped."""
    counter = Counter(folder)

    def unpacked(envelope: bytes, _key: object, _time: int, headers: Any) -> Iterable[tuple[Any, str, int, Any]]:
        for event in events(envelope):
            yield sums(event), key(event), int(unix_seconds(event) * 1000), headers

    def counted(window: Any) -> None:
        counter.count += 1

    app = Application(
        broker_address=bootstrap,
        consumer_group="peer-quix",
        auto_offset_reset="earliest",
        state_dir=folder,
        loglevel="ERROR",
    )
    frame = app.dataframe(app.topic(topic, value_deserializer="bytes", key_deserializer="bytes"))
    frame = frame.__dataframe_clone__(stream=frame.stream.add_transform(unpacked, expand=True))
    windows = frame.tumbling_window(timedelta(seconds=WINDOW_SECONDS), grace_ms=LATEST)
    windows.reduce(added, lambda first: first).current().update(counted)
    counter.start()
    app.run()


if __name__ == "__main__":
    bootstrap, topic, _partitions, folder = sys.argv[1:]
    main(bootstrap, topic, folder)
