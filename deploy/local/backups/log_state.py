"""Whether a backup and the log of this installation belong together: both in, reasons against it out."""

from dataclasses import dataclass

from confluent_kafka import KafkaException
from tenacity import Retrying, retry_if_exception_type, stop_after_delay, wait_fixed

from deploy.errors import NotRunning
from deploy.local.installation import Installation
from stream_jobs.worker.resume import LogInspector
from stream_jobs.worker.settings import WorkerSettings
from warehouse.backups.manifest import Log
from warehouse.log_partitions import PARTITIONS_PER_GENERATION

POLL_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class FoundLog:
    """The events topic as it is now, and as it is to be counted. starts, ends: offsets by partition."""

    events_topic: str
    partitions: int
    generation: int
    topic_id: str
    starts: dict[int, int]
    ends: dict[int, int]

    @property
    def log_ends(self) -> dict[int, int]:
        """The ends by log partition."""
        first = self.generation * PARTITIONS_PER_GENERATION
        return {first + number: end for number, end in self.ends.items()}


def found_log(installation: Installation, patience_seconds: float = 0.0) -> FoundLog:
    """Asks the broker. Raises NotRunning when it does not answer; a topic that was just made is waited for."""
    settings, bootstrap = installation.settings, installation.plan.kafka_bootstrap
    asked = WorkerSettings(home=installation.home.folder, kafka_bootstrap=bootstrap, events_topic=settings.events_topic)
    inspector, partitions = LogInspector(asked), list(range(settings.partitions))
    try:
        state = Retrying(
            retry=retry_if_exception_type(KafkaException),
            wait=wait_fixed(POLL_SECONDS),
            stop=stop_after_delay(patience_seconds),
            reraise=True,
        )(inspector.state, partitions)
    except KafkaException as silence:
        raise NotRunning(
            f"Kafka at {bootstrap} does not tell of {settings.events_topic}: {silence}; see ./tally status"
        ) from silence
    return FoundLog(
        settings.events_topic,
        settings.partitions,
        settings.topic_generation,
        state.topic_id,
        dict(state.start),
        dict(state.end),
    )


def refusals(then: Log, now: FoundLog, *, other_log: bool) -> list[str]:
    """Why workers could not count on from the backup here, each with its cure.

    other_log: it is known and wanted that the log is counted under a higher generation than the backup's.
    """
    raised = f"TALLY_TOPIC_GENERATION={then.generation + 1} ./tally restore --other-log …"
    apart = f"restore the log, or count it apart from the backup's numbers: {raised}"
    reasons = []
    if then.events_topic != now.events_topic:
        reasons.append(
            f"the backup is of the topic {then.events_topic}, this installation reads {now.events_topic}: set "
            f"TALLY_EVENTS_TOPIC={then.events_topic}"
        )
    if then.partitions != now.partitions:
        reasons.append(
            f"the backup is of a topic with {then.partitions} partitions, this one has {now.partitions}: set "
            f"TALLY_PARTITIONS={then.partitions} before the topic is made"
        )
    if now.generation < then.generation:
        reasons.append(
            f"the backup has generation {then.generation} of the topic, this installation counts {now.generation}: set "
            f"TALLY_TOPIC_GENERATION={then.generation}"
        )
    if reasons:
        return reasons
    if now.generation > then.generation:
        if other_log:
            return []
        return [
            f"the backup has generation {then.generation} of the topic, this installation counts {now.generation}: "
            "with --other-log the log is counted from its beginning, apart from what the backup has"
        ]
    if then.topic_id and then.topic_id != now.topic_id:
        return [f"the topic was recreated (id {then.topic_id} in the backup, {now.topic_id} now): {apart}"]
    lost = sorted(p for p, end in (then.next_offsets or {}).items() if now.ends.get(p, 0) < end)
    if lost:
        return [f"the log has lost records since the backup was made, in partitions {lost}: {apart}"]
    return []


def gone(now: FoundLog, applied: dict[int, int]) -> list[int]:
    """Kafka partitions whose log no longer reaches back to progress: workers refuse them and say the cure."""
    return sorted(p for p, offset in applied.items() if now.starts.get(p, 0) > offset + 1)
