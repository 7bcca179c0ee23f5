"""What an erasure tells about itself: counts and times in, what was removed where, what stays and until when out."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from stream_jobs.erasure.scope import Scope

STAYS: Final = (
    "how many events were ever counted, and keyed hashes of the erased events' ids: by them copies stay copies",
    "of what was asked of the log: its kind, who asked and when; bodies and notes are emptied where they name what was "
    "erased",
    "bytes of refused envelopes in which nobody can read whose they are",
    "what people saved, typed and chose in Superset (charts, queries, filters and its log of them), and answers in its "
    "cache: clear these there where they name what was erased",
)
STAYS_OF_USER: Final = (
    "sums of closed periods by day and model, which name nobody",
    "what events of other users, and requests about them, say of the user in texts and metadata of their own",
    "ids of fewer than eight characters among other words of the directory",
)
STAYS_OF_ORGANIZATION: Final = (
    "the organisation's name and calendar, and that it was erased",
    "its prices, multipliers and terms with their revisions: who set them and when; their notes are emptied",
    "its API keys with the names they were given, also revoked ones: `./tally keys revoke` ends those in use",
)
FILES: Final = "files of the warehouse that were replaced, and bodies and notes of requests"
UNKNOWN: Final = "Kafka's retention of that topic, which Kafka did not tell"


def certificate(
    scope: Scope,
    removed: Mapping[str, int],
    *,
    asked: datetime,
    now: datetime,
    due: datetime,
    kept: timedelta | None,
) -> dict[str, Any]:
    """removed: rows by table, and events.

    asked: when the log received the record; now: when everything before it had been read. due: of the second sweep.
    kept: how long after its arrival Kafka has a message at most; None: not known.
    """
    return {
        "organization": scope.organization,
        "subject": "organization" if scope.whole else "user",
        "removed": dict(removed),
        "stays": [*STAYS, *(STAYS_OF_ORGANIZATION if scope.whole else STAYS_OF_USER)],
        "only_time_clears": [
            {"what": "records of the event topic, the request among them", "until": _gone(asked, kept)},
            {"what": "records of the topic of refused events", "until": _gone(now, kept)},
            {"what": "backups made before", "until": "they are deleted"},
            {"what": FILES, "until": f"the second sweep, {_minute(due)}"},
        ],
    }


def completed(said: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    """The certificate once the sweeps have cleared what they clear: that is not listed any more."""
    listed = [each for each in said["only_time_clears"] if each["what"] != FILES]
    return {**said, "only_time_clears": listed, "complete": now.isoformat(timespec="seconds")}


def swept_again(said: Mapping[str, Any], removed: Mapping[str, int], now: datetime) -> dict[str, Any]:
    """The certificate after a late sweep, not complete until files are gone again. removed: rows by table by now."""
    listed = [each for each in said["only_time_clears"] if each["what"] != FILES]
    listed.append({"what": FILES, "until": f"some minutes after the sweep of {_minute(now)}"})
    told = {name: value for name, value in said.items() if name != "complete"}
    swept = now.isoformat(timespec="seconds")
    return told | {"removed": {**said["removed"], **removed}, "only_time_clears": listed, "swept": swept}


def _gone(since: datetime, kept: timedelta | None) -> str:
    return UNKNOWN if kept is None else _minute(since + kept)


def _minute(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"
