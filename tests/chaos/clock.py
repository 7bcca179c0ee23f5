"""The clock of a log: that of the wall, ahead by what a run has leaped, so that days pass while a round is played.

Every process that writes to the log puts this time on its records, and the topic keeps it: what a broker's clock would
say if the run had waited.
"""

import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from aiokafka.producer.producer import AIOKafkaProducer
from confluent_kafka.admin import AdminClient, AlterConfigOpType, ConfigEntry, ConfigResource, ResourceType

from tests.chaos.replacing import replace

VARIABLE: Final = "CHAOS_CLOCK"
KEPT_TIMES: Final = {"message.timestamp.type": "CreateTime", "message.timestamp.after.max.ms": str((1 << 63) - 1)}
"""Settings of a topic whose records keep the time that their senders give, however far ahead of the broker's it is."""
ANSWER_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Clock:
    """file: how far it is ahead (ms), for all processes; without the file it is not."""

    file: Path

    @classmethod
    def of_environment(cls) -> "Clock":
        """The clock of the run that started this process."""
        return cls(Path(os.environ[VARIABLE]))

    @property
    def environment(self) -> dict[str, str]:
        """What a process needs to know it."""
        return {VARIABLE: str(self.file)}

    @property
    def ahead_ms(self) -> int:
        """How far it is ahead of the wall's."""
        return int(self.file.read_text()) if self.file.exists() else 0

    def now_ms(self) -> int:
        """Unix milliseconds."""
        return round(time.time() * 1000) + self.ahead_ms

    def leap(self, by_ms: int) -> None:
        """Lets so much time pass at once."""
        fresh = self.file.with_suffix(".new")
        fresh.write_text(str(self.ahead_ms + by_ms))
        fresh.replace(self.file)


def keep_times(bootstrap: str, topic: str) -> None:
    """Lets an existing topic keep the times that senders give."""
    entries = [
        ConfigEntry(name, value, incremental_operation=AlterConfigOpType.SET) for name, value in KEPT_TIMES.items()
    ]
    admin = AdminClient({"bootstrap.servers": bootstrap, "log_level": 0})
    asked = admin.incremental_alter_configs([ConfigResource(ResourceType.TOPIC, topic, incremental_configs=entries)])
    for answer in asked.values():
        answer.result(ANSWER_SECONDS)


def send_by(clock: Clock) -> None:
    """Puts this clock's time on whatever this process's worker writes to Kafka."""
    send = AIOKafkaProducer.send

    async def sent(self: AIOKafkaProducer, *what: Any, **how: Any) -> Any:
        return await send(self, *what, **(how | {"timestamp_ms": clock.now_ms()}))

    replace(AIOKafkaProducer, "send", sent)
