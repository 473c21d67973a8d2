"""The folder as a broker: whatever several processes put is taken once, whole, and by nobody in half."""

import multiprocessing
import time
from queue import Empty

import pytest
from kombu import Connection

from registry import broker

PUTTERS, EACH = 3, 400


def connection(folder):
    broker.register()
    (folder / "messages").mkdir(exist_ok=True)
    options = {
        "data_folder_in": str(folder / "messages"),
        "data_folder_out": str(folder / "messages"),
        "control_folder": str(folder / "control"),
    }
    return Connection("folder://localhost", transport_options=options)


def put(folder, who):
    with connection(folder) as opened, opened.SimpleQueue("bells") as bells:
        for number in range(EACH):
            bells.put([who, number])


def take(folder, taken, stop):
    with connection(folder) as opened, opened.SimpleQueue("bells") as bells:
        while True:
            last = stop.is_set()
            try:
                while True:
                    message = bells.get_nowait()
                    taken.put(message.payload)
                    message.ack()
            except Empty:
                if last:
                    break
                time.sleep(0.001)


@pytest.fixture
def spawn():
    """Starts processes that share nothing with this one, and sees to their end."""
    context = multiprocessing.get_context("spawn")
    started = []

    def begin(target, *arguments):
        process = context.Process(target=target, args=arguments)
        process.start()
        started.append(process)
        return process

    begin.context = context
    yield begin
    for process in started:
        process.kill()
        process.join()


def test_what_several_processes_put_several_take_once_and_whole(spawn, tmp_path):
    taken, stop = spawn.context.Queue(), spawn.context.Event()
    takers = [spawn(take, tmp_path, taken, stop) for _ in range(2)]
    putters = [spawn(put, tmp_path, who) for who in range(PUTTERS)]
    got = [tuple(taken.get(timeout=60)) for _ in range(PUTTERS * EACH)]
    stop.set()
    for process in (*putters, *takers):
        process.join(30)
        assert process.exitcode == 0

    assert sorted(got) == [(who, number) for who in range(PUTTERS) for number in range(EACH)]
    assert taken.empty()
    assert list((tmp_path / "messages").iterdir()) == []


def test_what_one_process_puts_is_taken_in_order(tmp_path):
    with connection(tmp_path) as opened, opened.SimpleQueue("bells") as bells:
        for number in range(20):
            bells.put(number)
            time.sleep(0.002)  # the names of messages count milliseconds
        assert [bells.get_nowait().payload for _ in range(20)] == list(range(20))


def test_a_message_that_is_still_being_written_is_not_there_yet(tmp_path):
    with connection(tmp_path) as opened, opened.SimpleQueue("bells") as bells:
        (tmp_path / "messages" / "1_x.bells.msg.new").touch()
        with pytest.raises(Empty):
            bells.get_nowait()


def test_what_a_killed_process_left_half_done_is_swept_up_later(tmp_path, monkeypatch):
    messages = tmp_path / "messages"
    messages.mkdir()
    left_over = {messages / "1_x.bells.taken", messages / "1_x.bells.msg.4711"}
    for file in left_over:
        file.touch()
    # Another name: kombu remembers in which process a queue was declared, and not for which folder.
    with connection(tmp_path) as opened, opened.SimpleQueue("others") as bells:
        bells.put("whole")
        assert left_over < set(messages.iterdir())
        monkeypatch.setattr(broker, "LEFT_OVER_SECONDS", 0)
        with connection(tmp_path) as later, later.SimpleQueue("others"):
            assert not left_over & set(messages.iterdir())
        assert bells.get_nowait().payload == "whole"
