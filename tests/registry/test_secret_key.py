"""The key that an instance makes for itself: one for all of its processes, from their first moment."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

from registry import settings as module

TOGETHER = 8


def test_all_who_start_at_once_read_the_same_whole_key(tmp_path, monkeypatch):
    monkeypatch.delenv("SECRET_KEY", raising=False)
    for number in range(60):
        home = tmp_path / str(number)
        home.mkdir()
        monkeypatch.setattr(module, "ONEX_HOME", home)
        barrier = Barrier(TOGETHER)

        def start(_, barrier=barrier):
            barrier.wait()
            return module._secret_key()

        with ThreadPoolExecutor(TOGETHER) as pool:
            keys = set(pool.map(start, range(TOGETHER)))
        assert len(keys) == 1
        assert len(keys.pop()) > 50
        assert [file.name for file in home.iterdir()] == ["secret-key"]
        assert (home / "secret-key").stat().st_mode & 0o777 == 0o600
