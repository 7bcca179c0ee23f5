"""What can stop a stream job, named by the operator's next move.

StreamJobError
├── WarehouseSetBack     the warehouse was restored under a running worker: restart (done by exiting)
├── LogReplaced          the topic was recreated or cut under a running worker: restart (done by exiting)
├── RefusalLifted        the cause of a refusal is gone: restart (done by exiting)
├── SetApart             poison was quarantined: restart (done by exiting), the worker goes on without it
├── RollbackFailed       a day could not be computed again: look at the table repairs; tried again at the next start
├── NoErasureKey         restore the key, or name its file
├── NoControlKey         restore the key, or name its file
├── JobRefused           ask for something else: the slice of the job is noted as failed
├── NotOurs              nothing: the partitions of a job moved on, and their owner does the slice
├── LogSilent            the broker sends nothing of what it has: ask again later
└── OffsetGap            an envelope is missing in what was delivered: restart (done by exiting)
"""


class StreamJobError(Exception):
    """Any failure of a stream job."""


class WarehouseSetBack(StreamJobError):
    """Stored progress is lower than what this worker wrote."""


class LogReplaced(StreamJobError):
    """The log is not the one that this worker began to read."""


class RefusalLifted(StreamJobError):
    """A partition that was refused may be resumed."""


class RollbackFailed(StreamJobError):
    """What other rules wrote behind progress could not be taken back; deleting its events would leave its sums."""


class LogSilent(StreamJobError):
    """What the log holds does not come."""


class OffsetGap(StreamJobError):
    """A delivered offset is higher than the next one expected."""


class SetApart(StreamJobError):
    """Events were quarantined after they had touched the state: only a fresh start knows what it is without them."""


class NoErasureKey(StreamJobError):
    """Erased events cannot be told from new ones."""


class NoControlKey(StreamJobError):
    """Control records can be neither signed nor believed."""


class JobRefused(StreamJobError):
    """A slice of a job must not be carried out."""


class NotOurs(StreamJobError):
    """The slice may have another owner by now."""
