"""What the tasks of one worker process share, opened when the worker starts.

The send path lives on the loop thread; control and audience tasks use a pool of plain connections.
Each side is opened only when a task first needs it, in the process that needs it.
"""

from __future__ import annotations

import gc
import threading
from datetime import datetime, timedelta

from campaigns import database
from campaigns.callbacks import gathering
from campaigns.callbacks.delivering import Outgoing
from campaigns.database import Pool
from campaigns.providers import Providers
from campaigns.run.signing import Keyring
from campaigns.settings import Settings
from campaigns.watched import Watched
from worker import heart
from worker.batch import send_batch
from worker.callbacks import calling
from worker.callbacks.posting import Poster
from worker.drain import Drain
from worker.engine import Engine, open_engine
from worker.loop import LoopThread

#: Connections for control and audience tasks; one per thread of that worker.
CONTROL_POOL_SIZE = 8


class Runtime:
    """The engine on its loop thread, and the control side's pool."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        #: What reports are verified with.
        self.keyring = Keyring()
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._loop: LoopThread | None = None
        self._engine: Engine | None = None
        self._pool: Pool | None = None
        self._providers: Watched | None = None
        self._drain: Drain | None = None
        self._poster: Poster | None = None

    def open_send(self) -> Engine:
        """The engine, opened on first use.

        Raises:
            ConfigurationError: a URL is missing, or providers.toml is wrong.
        """
        with self._lock:
            if self._engine is None:
                self._loop = self._loop or LoopThread()
                self._engine = self._loop.run(open_engine(self.settings))
                self._watch_over_the_end()
                # What was loaded stays: looking through it again and again holds up departures.
                gc.collect()
                gc.freeze()
            return self._engine

    def send(self, batch_id: int) -> int:
        """Send one batch on the loop; returns how many rows were claimed."""
        engine = self.open_send()
        assert self._loop is not None
        return self._loop.run(send_batch(engine, batch_id))

    def open_control(self) -> None:
        """Check the settings and begin to say that this control worker is alive.

        Raises:
            ConfigurationError: a URL is missing, or providers.toml is wrong.
        """
        self.pool()
        self.providers()
        with self._lock:
            self._watch_over_the_end()
        threading.Thread(
            target=heart.beat, args=(self.pool, self._stopping), name="sluice-heart", daemon=True
        ).start()

    def open_callbacks(self) -> None:
        """Check the settings, and begin to say that this callbacks worker is alive.

        Raises:
            ConfigurationError: a URL is missing.
        """
        self.pool()
        with self._lock:
            self._loop = self._loop or LoopThread()
            self._poster = self._poster or Poster(self.settings.callback_networks)
            self._watch_over_the_end()
        threading.Thread(
            target=heart.beat, args=(self.pool, self._stopping, "callbacks"), name="sluice-heart",
            daemon=True,
        ).start()  # fmt: skip

    def gather(self, up_to: int) -> int | None:
        """Make callbacks of the events that are to be told now; how many, see ``gather``."""
        with self.pool().connection() as conn:
            gathered = gathering.gather(
                conn,
                up_to,
                window=timedelta(seconds=self.settings.callback_seconds),
                keep_days=self.settings.callback_days,
            )
        return None if gathered is None else gathered.messages

    def call(self, receiver_id: int) -> int | None:
        """Tell one receiver what is due; returns how many messages it took."""
        return calling.call(self.pool(), receiver_id, self._post, is_over=self._stopping.is_set)

    def _post(self, message: Outgoing, now: datetime) -> str | None:
        loop, poster = self._loop, self._poster
        assert loop is not None
        assert poster is not None
        return loop.run(poster.post(message.url, message.headers(now), message.body))

    def pool(self) -> Pool:
        """Connections for control and audience tasks."""
        with self._lock:
            if self._pool is None:
                self._pool = database.pool(self.settings.require_database(), size=CONTROL_POOL_SIZE)
                self._pool.open()
            return self._pool

    def providers(self) -> Providers:
        """The configured accounts, as the file has them now."""
        with self._lock:
            if self._providers is None:
                self._providers = Watched(self.settings.providers_file)
            return self._providers.current()

    def stop_claiming(self, *, hurry: bool = False) -> None:
        """Batches under way finish what they claimed and hand back the rest.

        ``hurry``: without waiting for the providers' answers. May be called inside a signal
        handler, so it takes no lock.
        """
        if self._engine is not None:
            self._engine.stopping = True
        if self._drain is not None:
            self._drain.begin(hurry=hurry)

    def wait_for_shutdown(self, seconds: float) -> bool:
        """Wait up to ``seconds``; true as soon as the process shuts down."""
        return self._stopping.wait(seconds)

    def _watch_over_the_end(self) -> None:
        if self._drain is None:
            self._drain = Drain(self.settings.drain_seconds, self._stopping.set, self._break_off)

    def _break_off(self, seconds: float) -> None:
        engine, loop = self._engine, self._loop
        if engine is not None and loop is not None:
            loop.call_soon(lambda: engine.break_off(seconds))

    def close(self) -> None:
        """Close what was opened; for the end of the process."""
        with self._lock:
            if self._engine is not None and self._loop is not None:
                self._loop.run(self._engine.aclose())
                self._engine = None
            if self._poster is not None:
                self._poster.close()
                self._poster = None
            if self._loop is not None:
                self._loop.stop()
                self._loop = None
            if self._pool is not None:
                self._pool.close()
                self._pool = None
