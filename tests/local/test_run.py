"""The first half of `./run`, which must work before anything is installed, and the command line of the second."""

import ast
import importlib.machinery
import importlib.util
import json
import os
import socket
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from benchmarks import harness
from registry.local import __main__ as commands
from registry.local import bench, ports, programs
from registry.local import home as homes
from registry.local.errors import Refusal
from registry.local.home import CHECKOUT, home_named, open_home

RUN = CHECKOUT / "run"


@pytest.fixture
def run() -> ModuleType:
    """The launcher as a module; its name has no .py."""
    loader = importlib.machinery.SourceFileLoader("run", str(RUN))
    spec = importlib.util.spec_from_loader("run", loader)
    module = importlib.util.module_from_spec(spec)
    sys.dont_write_bytecode, before = True, sys.dont_write_bytecode
    loader.exec_module(module)
    sys.dont_write_bytecode = before
    return module


def test_it_can_be_read_by_a_python_too_old_to_run_it():
    ast.parse(RUN.read_text(), feature_version=(3, 6))


def test_an_old_python_is_named_with_the_way_out(run, monkeypatch):
    monkeypatch.setattr(run.sys, "version_info", (3, 8, 1))
    monkeypatch.setattr(run.shutil, "which", lambda _: None)
    with pytest.raises(SystemExit, match=r"needs Python 3\.11 or newer, and this is 3\.8\. Install"):
        run.hand_over_to_newer_python()


def test_an_old_python_hands_over_to_a_newer_one_that_is_there(run, monkeypatch):
    handed_over = []
    monkeypatch.setattr(run.sys, "version_info", (3, 8, 1))
    monkeypatch.setattr(run.shutil, "which", lambda name: "/opt/python3.12" if name == "python3.12" else None)
    monkeypatch.setattr(run.os, "execv", lambda *call: handed_over.append(call) or sys.exit())
    with pytest.raises(SystemExit):
        run.hand_over_to_newer_python()
    assert handed_over[0][0] == "/opt/python3.12"


@pytest.mark.parametrize(
    ("output", "sentence"),
    [
        (
            "WARNING: Retrying ... NewConnectionError\nERROR: No matching distribution found for amqp",
            "Check the network",
        ),
        ("ERROR: Could not install: [Errno 28] No space left on device", "The disk is full: free some space"),
        (
            "ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE",
            "not the one that was locked",
        ),
        ("ERROR: No matching distribution found for amqp==9", "No matching distribution found for amqp==9"),
    ],
)
def test_why_pip_failed_is_said_in_a_sentence(run, output, sentence):
    assert sentence in run.why_pip_failed(output)


def test_what_is_installed_is_known_by_its_pins(run, tmp_path, monkeypatch):
    locked = tmp_path / "locked.txt"
    locked.write_text(
        "amqp==5.4.2 \\\n    --hash=sha256:00\ncelery[redis]==5.7.0 ; python_version > '3' \\\n    --hash=sha256:00\n"
    )
    monkeypatch.setattr(run, "STAMP", tmp_path / "stamp")
    assert run.pins(locked.read_text()) == {"amqp==5.4.2", "celery[redis]==5.7.0"}
    assert not run.installed(locked)

    run.STAMP.write_text("amqp==5.4.2\ncelery[redis]==5.7.0\nother==1\n")
    assert run.installed(locked)

    run.STAMP.write_text("amqp==5.4.1\ncelery[redis]==5.7.0\n")
    assert not run.installed(locked)


def test_every_locked_file_agrees_on_every_version(run):
    pins = [
        run.pins((CHECKOUT / "requirements" / f"{name}.txt").read_text())
        for name in ("run", "libraries", "dev")
    ]
    assert pins[0] <= pins[2]
    assert pins[1] <= pins[2]


def test_an_interrupted_installation_is_begun_again(run, tmp_path, monkeypatch):
    made = []
    python = tmp_path / "bin" / "python"
    python.parent.mkdir()
    python.symlink_to(sys.executable)
    monkeypatch.setattr(run, "PYTHON", python)
    monkeypatch.setattr(run, "UNFINISHED", tmp_path / "unfinished")
    monkeypatch.setattr(run.subprocess, "call", lambda *_, **__: 0)
    monkeypatch.setattr(run.subprocess, "Popen", lambda argv, **_: made.append(argv) or sys.exit())
    run.make_environment()
    assert made == []

    run.UNFINISHED.touch()
    with pytest.raises(SystemExit):
        run.make_environment()
    assert "--clear" in made[0]


def test_help_names_every_command():
    said = subprocess.run([RUN, "help"], capture_output=True, text=True, check=True).stdout
    assert all(
        f"\n    {command} " in said
        for command in ("serve", "test", "check", "demo", "bench", "backup", "restore")
    )


def test_options_without_a_command_are_those_of_serve():
    options = commands._parse(["--port", "0", "--seconds", "1.5"])
    assert (options.command, options.port, options.seconds) == (commands._serve, 0, 1.5)


@pytest.mark.parametrize("arguments", [["--port", "70000"], ["--port", "web"], ["nonsense"], ["bench"]])
def test_wrong_usage_ends_with_status_2(arguments, capsys):
    with pytest.raises(SystemExit) as ended:
        commands._parse(arguments)
    assert ended.value.code == 2


def test_an_unknown_benchmark_is_answered_with_those_there_are():
    with pytest.raises(Refusal, match="There is no benchmark"):
        bench.bench("nonsense", None)


def test_what_cannot_be_measured_yet_says_so_in_a_sentence():
    with pytest.raises(Refusal, match=r"^otlp cannot be measured: [^.]*\.$"):
        bench.bench("otlp", None)


def test_every_benchmark_has_its_chapter():
    page = (CHECKOUT / "docs" / "benchmarks.md").read_text()
    assert [name for name in bench.names() if f"\n## {name}\n" not in page] == []
    assert {"alerts", "catalogue", "compat", "events", "foundation", "sdk"} <= set(bench.names())


def test_a_benchmark_writes_a_table_for_people_and_all_figures_for_machines(tmp_path, monkeypatch, capsys):
    def measure(report):
        with report.timed("asking"):
            report.count("asked", 3)
        report.metric("asked_per_s", 1_234.5, "questions/s")
        report.ratio("of_the_other", 0.5)

    file = tmp_path / "figures.json"
    monkeypatch.setattr(sys, "argv", ["bench", "--json", str(file)])
    harness.main(measure)

    written = json.loads(file.read_text())
    assert written["metrics"] == {"asked_per_s": {"value": 1234.5, "unit": "questions/s"}}
    assert (written["ratios"], written["counts"]) == ({"of_the_other": 0.5}, {"asked": 3})
    assert set(written["durations"]) == {"asking"}
    assert set(written["machine"]) == {"processor", "cores", "memory_mb", "system", "python"}
    assert {"commit", "modified", "measured_at"} <= set(written)
    assert "asked_per_s            1,234 questions/s" in capsys.readouterr().out


@pytest.mark.parametrize(("share", "value"), [(0.5, 51), (0.99, 100), (1, 100)])
def test_a_percentile_is_a_value_that_was_measured(share, value):
    assert harness.percentile(range(100, 0, -1), share) == value


def test_a_taken_port_is_named_with_the_way_out():
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(Refusal, match=rf"Port {port} is taken .*--port {port + 1}, or --port 0"):
            ports.reserve("127.0.0.1", port)


def test_a_reserved_port_is_refused_to_a_second_registry():
    with ports.reserve("127.0.0.1", 0) as reserved, pytest.raises(Refusal, match="is taken"):
        ports.reserve("127.0.0.1", ports.port_of(reserved))


@pytest.mark.parametrize("host", ["203.0.113.7", "no such name"])
def test_a_host_that_is_not_ours_is_refused(host):
    with pytest.raises(Refusal, match="is no address of this machine"):
        ports.reserve(host, 0)


def test_a_home_that_cannot_be_used_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(Refusal, match="is a file, not a folder"):
        open_home(tmp_path / "file")
    with pytest.raises(Refusal, match="cannot be used"):
        open_home(tmp_path / "file" / "below")


def test_the_home_of_another_user_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(homes.os, "geteuid", lambda: 4242)
    with pytest.raises(Refusal, match="belongs to another user"):
        open_home(tmp_path)


def test_test_demo_and_bench_have_homes_of_their_own(monkeypatch):
    monkeypatch.delenv("ONEX_HOME", raising=False)
    assert home_named() == CHECKOUT / ".onex"
    assert home_named("-test") == CHECKOUT / ".onex-test"
    monkeypatch.setenv("ONEX_HOME", "/srv/one")
    assert home_named("-demo") == Path("/srv/one-demo")


def test_deliveries_are_allowed_to_the_reserved_receiver_besides_what_is_allowed_anyway(monkeypatch):
    monkeypatch.setenv("OUTBOUND_ALLOW", "10.0.0.1:80")
    environment = programs.environment(Path("/srv/one"), host="127.0.0.1", port=1, receiver="127.0.0.1:2")
    assert environment["OUTBOUND_ALLOW"] == "10.0.0.1:80,127.0.0.1:2"
    assert environment["ONEX_HOME"] == "/srv/one"
    assert os.environ["OUTBOUND_ALLOW"] == "10.0.0.1:80"
