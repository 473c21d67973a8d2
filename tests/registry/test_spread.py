import http.client
import subprocess
import sys
import threading
import time

import pytest

from registry.local.home import CHECKOUT
from registry.local.ports import port_of, reserve
from registry.spread import Loads, Spread

SERVER = 7
APPLICATION = """
import os, pathlib, time
from registry.spread import Loads, Spread

def answer(environ, start_response):
    time.sleep(0.01)
    body = str(os.getpid()).encode()
    start_response("200 OK", [("Content-Length", str(len(body)))])
    return [body]

application = Spread(answer, Loads(pathlib.Path(__file__).with_name("loads"), server=os.getppid(), process=os.getpid()))
"""


class Clock:
    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def processes(tmp_path, clock):
    """Loads as of several processes of one server; their numbers are of processes that live."""
    living = iter([subprocess.Popen(["sleep", "600"]) for _ in range(2)])
    started = []

    def start(server=SERVER):
        started.append(next(living))
        return Loads(tmp_path / "loads", server=server, process=started[-1].pid, clock=clock)

    yield start
    for process in [*started, *living]:
        process.kill()
        process.wait()


def asked(loads, protocol="HTTP/1.1"):
    """The headers of an answer."""
    told = []
    application = Spread(lambda _, start: start("200 OK", [("X-Own", "1")]) or [b""], loads)
    list(application({"SERVER_PROTOCOL": protocol}, lambda _, headers: told.extend(headers)))
    return dict(told)


def test_a_process_with_more_to_do_than_another_ends_a_connection(processes, clock):
    busy, _idle = processes(), processes()
    for _ in range(4):
        busy.begin()
    clock.now += 1
    assert asked(busy) == {"X-Own": "1", "Connection": "close"}
    assert asked(busy) == {"X-Own": "1"}, "one at a time: what it changes has to show first"
    clock.now += 1
    assert asked(busy)["Connection"] == "close"


def test_an_even_load_stays_where_it_is(processes, clock):
    first, second = processes(), processes()
    for loads in (first, second):
        for _ in range(4):
            loads.begin()
    clock.now += 1
    second.end()  # one request more or less is nothing
    clock.now += 1
    first.end()
    assert "Connection" not in asked(first)
    assert "Connection" not in asked(second)


def test_the_only_process_keeps_its_connections(processes, clock):
    alone, of_another_server = processes(), processes(server=SERVER + 1)
    for _ in range(9):
        alone.begin()
    clock.now += 1
    assert "Connection" not in asked(alone)
    assert "Connection" not in asked(of_another_server)


def test_a_client_without_such_a_header_is_told_nothing(processes, clock):
    busy, _idle = processes(), processes()
    for _ in range(4):
        busy.begin()
    clock.now += 1
    assert "Connection" not in asked(busy, protocol="HTTP/2.0")


def test_what_has_ended_is_forgotten(processes, clock):
    busy, _idle = processes(), processes()
    for _ in range(4):
        busy.begin()
    clock.now += 1
    for _ in range(4):
        busy.end()
    clock.now += 10
    assert "Connection" not in asked(busy)


def test_the_place_of_a_process_that_ended_is_taken_by_the_next(tmp_path, clock):
    file = tmp_path / "loads"
    gone = subprocess.Popen(["true"])
    gone.wait()
    for _ in range(200):
        Loads(file, server=SERVER, process=gone.pid, clock=clock)
    living = subprocess.Popen(["sleep", "600"])
    try:
        busy = Loads(file, server=SERVER, process=living.pid, clock=clock)
        for _ in range(4):
            busy.begin()
        clock.now += 1
        assert "Connection" not in asked(busy), "there is nobody else"
    finally:
        living.kill()
        living.wait()


def test_eight_clients_end_up_on_all_processes_of_a_server(tmp_path):
    (tmp_path / "spread_app.py").write_text(APPLICATION, encoding="utf-8")
    reserved = reserve("127.0.0.1", 0)
    port = port_of(reserved)
    argv = [sys.executable, "-m", "granian", "--interface", "wsgi", "--port", str(port), "--workers", "2"]
    server = subprocess.Popen(
        [*argv, "--working-dir", str(tmp_path), "spread_app:application"],
        env={"PYTHONPATH": f"{CHECKOUT}:{tmp_path}", "PATH": "/usr/bin:/bin"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    answered_by = {}
    stop = threading.Event()

    def ask(client):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        while not stop.is_set():
            try:
                connection.request("GET", "/")
                answered_by[client] = connection.getresponse().read()
            except OSError:  # it is still starting
                connection.close()
                time.sleep(0.05)
        connection.close()

    clients = [threading.Thread(target=ask, args=(number,)) for number in range(8)]
    for client in clients:
        client.start()
    try:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            time.sleep(0.1)
            by = list(answered_by.values())
            if len(by) == 8 and sorted(map(by.count, set(by))) in ([3, 5], [4, 4]):
                break
        else:
            pytest.fail(f"The clients stayed where they were: {answered_by}")
    finally:
        stop.set()
        for client in clients:
            client.join()
        server.terminate()
        server.wait(10)
        reserved.close()
