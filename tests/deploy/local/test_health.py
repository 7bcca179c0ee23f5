"""What a person is shown when a service does not come up."""

import time
from pathlib import Path

from deploy.local.health import last_lines, waits_for
from deploy.local.probes import audit_news, audit_trouble, worker, worker_standby, worker_trouble
from deploy.local.services import Service
from deploy.local.supervision import ProcessState


def service(answer: str) -> Service:
    return Service("api", ["true"], {}, lambda _: answer)


def test_a_process_that_does_not_run_is_what_is_waited_for() -> None:
    assert waits_for(service(""), ProcessState("api", "BACKOFF", 0, 0)) == "its process, which is backoff"


def test_a_running_process_is_asked() -> None:
    assert waits_for(service("no answer"), ProcessState("api", "RUNNING", 7, 0)) == "no answer"
    assert waits_for(service(""), ProcessState("api", "RUNNING", 7, 0)) == ""


def test_the_end_of_a_log(tmp_path: Path) -> None:
    log = tmp_path / "api.log"
    log.write_bytes(b"first\n" * 100_000 + b"second last\n\xffodd\n")
    assert last_lines(log, 2) == ["second last", "�odd"]
    assert last_lines(tmp_path / "none.log", 2) == []


def test_a_worker_is_ready_when_the_present_process_has_partitions(tmp_path: Path) -> None:
    ask = worker(tmp_path, "worker-0")
    assert ask(7) == "its start"
    (tmp_path / "worker-0.json").write_text('{"pid": 7}')
    assert ask(7) == "partitions"
    (tmp_path / "worker-0.ready").write_text("7\n")
    assert ask(7) == ""
    assert ask(8) == "its start"


def test_a_worker_says_itself_what_it_waits_for(tmp_path: Path) -> None:
    (tmp_path / "worker-0.ready").write_text("7\n")
    since = time.time() - 125
    (tmp_path / "worker-0.json").write_text(f'{{"pid": 7, "waiting_for": {{"the warehouse": {since}}}}}')
    assert worker(tmp_path, "worker-0")(7) == "the warehouse for 2 min"


def test_a_worker_says_which_partitions_need_an_operator_and_that_it_stands_by(tmp_path: Path) -> None:
    (tmp_path / "worker-0.ready").write_text("7\n")
    (tmp_path / "worker-0.json").write_text('{"pid": 7, "refused": {"3": "the topic was recreated: restore it"}}')
    assert worker(tmp_path, "worker-0")(7) == ""
    assert worker_trouble(tmp_path, "worker-0")(7) == "you: partition 3 is refused: the topic was recreated: restore it"
    (tmp_path / "worker-0.json").write_text('{"pid": 7, "standby": true}')
    assert worker(tmp_path, "worker-0")(7) == ""
    assert worker_standby(tmp_path, "worker-0")(7) == "nothing: stands by, all partitions are taken"


def test_the_audit_says_what_it_found_and_troubles_people_only_with_differences(tmp_path: Path) -> None:
    ended = time.time() - 125
    told = '{{"pid": 7, "audit": {{"finished": {}, "differing": {}, "message": "{} of 90 rows differ"}}}}'
    assert audit_news(tmp_path, "auditor")(7) == ""
    (tmp_path / "auditor.json").write_text(told.format(ended, 0, 0))
    assert audit_trouble(tmp_path, "auditor")(7) == ""
    assert audit_news(tmp_path, "auditor")(7) == "last audit 2 min ago: 0 of 90 rows differ"
    (tmp_path / "auditor.json").write_text(told.format(ended, 3, 3))
    assert (
        audit_trouble(tmp_path, "auditor")(7) == "you: last audit 2 min ago: 3 of 90 rows differ; see ./tally reconcile"
    )
