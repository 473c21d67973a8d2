"""Nothing that the supervisor started survives it, and what dies before it is started again."""

import os
import signal
import sys
from pathlib import Path

import pytest

from registry.local import connection, processes, stack
from registry.local.connection import Connection
from registry.local.errors import Refusal
from registry.local.home import PROCESSES_FILE, hold
from registry.local.programs import QUEUES, ready_file
from registry.local.supervisor import LOG_BYTES, Program, Supervisor
from tests.waiting import until

SLEEP = [sys.executable, "-c", "import time; time.sleep(600)"]
TELLING = [
    sys.executable,
    "-c",
    "import os, time; open(os.environ['ONEX_READY_FILE'], 'w').write(str(os.getpid())); time.sleep(600)",
]
FAMILY = [sys.executable, "-c", f"import subprocess; subprocess.run({SLEEP!r})"]
DEAF = [
    sys.executable,
    "-c",
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); time.sleep(600)",
]


def program(home: Path, argv: list[str], name: str = "child", **environment: str) -> Program:
    return Program(name, argv, {**os.environ, **environment}, home)


def recorded(home: Path) -> list[processes.Recorded]:
    return processes.read_records(home / PROCESSES_FILE)[0]


def families(home: Path) -> list[int]:
    """The process groups of the two families, once both are complete."""
    groups = [one.pid for one in recorded(home)]
    until(lambda: [members(group) for group in groups] == [2, 2])
    return groups


def members(group: int) -> int:
    return sum(one == group for one in processes._groups())


def test_a_dead_child_is_started_again_with_a_new_number(home, capsys):
    with stack.supervised(home) as supervisor:
        supervisor.start(program(home, SLEEP))
        first = supervisor.pids()["child"]
        os.kill(first, signal.SIGKILL)

        stack.stay(supervisor, until=lambda: supervisor.pids()["child"] != first)

        assert [one.pid for one in recorded(home)] == [supervisor.pids()["child"]]
    assert "child was killed by SIGKILL; restarting." in capsys.readouterr().out


def test_the_children_of_a_dead_child_end_before_it_is_started_again(home):
    with stack.supervised(home) as supervisor:
        supervisor.start(program(home, FAMILY))
        first = supervisor.pids()["child"]
        until(lambda: members(first) == 2)
        os.kill(first, signal.SIGKILL)

        stack.stay(supervisor, until=lambda: supervisor.pids()["child"] != first)

        until(lambda: members(first) == 0)


def test_a_child_that_keeps_dying_is_restarted_ever_more_slowly(home):
    with stack.supervised(home) as supervisor:
        now = 1_000.0
        supervisor.clock = lambda: now
        supervisor.start(program(home, [sys.executable, "-c", "raise SystemExit(3)"]))
        pauses = []
        for death in range(1, 10):
            until(lambda: "child" in supervisor.dead())
            supervisor.tend()
            child = supervisor.children["child"]
            assert child.deaths == death
            pauses.append(child.restart_at - now)
            now = child.restart_at - 0.001
            supervisor.tend()
            assert supervisor.children["child"] is child
            now = child.restart_at
            supervisor.tend()

        assert pauses == [0, 0.5, 1, 2, 4, 8, 16, 30, 30]


def test_a_child_that_ignores_the_request_to_end_is_killed(home, monkeypatch):
    monkeypatch.setattr(processes, "TERMINATE_SECONDS", 0.5)
    with stack.supervised(home) as supervisor:
        supervisor.start(program(home, DEAF))
        group = supervisor.pids()["child"]
        until(lambda: "deaf" in supervisor.log_of("child").read_text())
    assert members(group) == 0


def test_what_children_write_goes_to_a_log_of_bounded_size(home):
    supervisor = Supervisor(home, lambda _: None)
    log = supervisor.log_of("child")
    log.write_bytes(b"x" * (LOG_BYTES + 1))

    supervisor.tend()

    assert log.stat().st_size == 0
    assert log.with_suffix(".log.1").stat().st_size == LOG_BYTES + 1


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_request_to_stop_leaves_no_process_and_no_trace(home, start_supervisor, number):
    supervisor = start_supervisor()
    groups = families(home)

    supervisor.send_signal(number)

    assert supervisor.wait(15) == 0
    assert [members(group) for group in groups] == [0, 0]
    assert not (home / PROCESSES_FILE).exists()


def test_killing_the_supervisor_leaves_no_process(home, start_supervisor):
    supervisor = start_supervisor()
    groups = families(home)

    supervisor.kill()
    supervisor.wait()

    until(lambda: not (home / PROCESSES_FILE).exists())
    assert [members(group) for group in groups] == [0, 0]


def test_the_next_start_ends_what_a_killed_supervisor_and_watchdog_left(home, start_supervisor):
    supervisor = start_supervisor()
    groups = families(home)
    # The supervisor's other child: forked, so in no group of its children.
    watchdog = next(pid for pid in children_of(supervisor.pid) if pid not in groups)
    os.kill(watchdog, signal.SIGKILL)
    supervisor.kill()
    supervisor.wait()
    assert [members(group) for group in groups] == [2, 2]

    with hold(home):
        assert [members(group) for group in groups] == [0, 0]


def test_a_number_that_another_process_has_by_now_is_left_alone(home):
    other = processes.Recorded("web", os.getpid(), "some other time")
    processes.write_records(home / PROCESSES_FILE, [other], "")

    with hold(home):
        pass  # and this process is still here


def test_a_second_start_says_where_the_first_one_runs(home, start_supervisor):
    supervisor = start_supervisor()
    Connection("http://127.0.0.1:1234", "", "", "", "", pids={"supervisor": supervisor.pid}).write(home)

    with (
        pytest.raises(
            Refusal, match=rf"Already running .* at http://127.0.0.1:1234 \(supervisor {supervisor.pid}\)"
        ),
        hold(home),
    ):
        pass


def test_the_connection_file_is_private_and_believed_only_while_its_supervisor_lives(home):
    Connection("http://x", "", "", "", "", pids={"supervisor": os.getpid()}).write(home)
    assert (home / connection.FILE_NAME).stat().st_mode & 0o777 == 0o600
    assert connection.find(home)

    Connection("http://x", "", "", "", "", pids={"supervisor": 2**22 + 1}).write(home)
    assert connection.find(home) is None


def test_workers_are_waited_for_until_each_has_written_its_own_number(home):
    with stack.supervised(home) as supervisor:
        for queue in QUEUES:
            supervisor.start(program(home, TELLING, queue, ONEX_READY_FILE=str(ready_file(home, queue))))

        stack._await_workers(supervisor)

        for queue in QUEUES:
            assert ready_file(home, queue).read_text() == str(supervisor.pids()[queue])


def test_a_worker_that_never_takes_messages_is_named_with_its_log(home, monkeypatch):
    monkeypatch.setattr(stack, "READY_SECONDS", 0.0)
    with stack.supervised(home) as supervisor:
        for queue in QUEUES:
            # What an earlier worker wrote says nothing about this one.
            ready_file(home, queue).write_text(str(os.getpid()))
            supervisor.start(program(home, SLEEP, queue))

        with pytest.raises(Refusal, match=r"workers alerts, replay, work\. See .*alerts\.log"):
            stack._await_workers(supervisor)


def test_a_worker_that_keeps_dying_is_named_with_its_last_words(home):
    with stack.supervised(home) as supervisor:
        for queue in QUEUES:
            supervisor.start(program(home, [sys.executable, "-c", "raise SystemExit('no broker')"], queue))

        with pytest.raises(Refusal, match=r"does not start\. The last it said: no broker"):
            stack._await_workers(supervisor)


def children_of(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
