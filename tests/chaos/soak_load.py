"""Campaign after campaign at full speed; each is judged when it is over, and then removed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

from campaigns.database import Connection
from tests.chaos.installation import Installation
from tests.chaos.judgement import Fault, Row, Verdict, is_explained, judge, rows_of

#: The next campaign follows when so much of one is left to send of those before it: while its
#: recipients are written, they are sent.
LEFT = 0.8

#: A run is judged so long after its end, when the carrier's log is written.
LOG_DELAY = timedelta(seconds=3)

#: The tables of what a run leaves behind, beside those that go with its campaign.
_TABLES_OF_RUNS = """
    SELECT c.table_name AS name FROM information_schema.columns c
    JOIN information_schema.tables t USING (table_schema, table_name)
    WHERE c.column_name = 'run_id' AND t.table_schema = 'public' AND t.table_type = 'BASE TABLE'
      AND c.table_name NOT IN ('slices', 'lanes')
    ORDER BY 1
"""


@dataclass
class Load:
    """Keeps an installation busy."""

    here: Installation
    group: UUID
    #: Of each campaign.
    recipients: int
    verdict: Verdict = field(default_factory=Verdict)
    #: Codes of unknown rows.
    codes: Counter[str] = field(default_factory=Counter)
    #: Unknown rows without a fault, to look into.
    unexplained: list[tuple[int, Row]] = field(default_factory=list)
    judged: int = 0
    #: Messages of campaigns that are judged.
    _arrived_before: int = 0
    #: Campaigns that are not judged yet. An id is kept until its submission was answered.
    _open: list[UUID] = field(default_factory=list)
    _next: UUID = field(default_factory=uuid4)

    def step(self, conn: Connection, faults: Sequence[Fault], *, more: bool = True) -> None:
        """Judge what is over and submit what is missing, unless there is to be no ``more``."""
        self.here.arrivals.read()
        for campaign, run_id in self._finished(conn):
            self._judge(conn, run_id, faults)
            self._remove(conn, campaign, run_id)
            self._open.remove(campaign)
        if more and self._left() < LEFT * self.recipients:
            self.here.submit(conn, self.group, self._next)
            self._open.append(self._next)
            self._next = uuid4()

    @property
    def idle(self) -> bool:
        """Whether everything that was submitted is judged."""
        return not self._open

    def _left(self) -> int:
        """How many messages of the open campaigns have not arrived yet."""
        arrived = self.here.arrivals.total - self._arrived_before
        return len(self._open) * self.recipients - arrived

    def _finished(self, conn: Connection) -> list[tuple[UUID, int]]:
        query = (
            "SELECT campaign_id, id FROM runs WHERE campaign_id = ANY (%s) "
            "AND status = 'finished' AND finished_at < %s"
        )
        over = conn.execute(query, (self._open, datetime.now(UTC) - LOG_DELAY)).fetchall()
        return [(row["campaign_id"], row["id"]) for row in over]

    def _judge(self, conn: Connection, run_id: int, faults: Sequence[Fault]) -> None:
        rows = rows_of(conn, run_id)
        self.verdict += judge(rows, self.here.arrivals.by_run.get(run_id, {}), faults)
        unknown = [row for row in rows if row.status == "unknown"]
        self.codes.update(str(row.code) for row in unknown)
        self.unexplained += [(run_id, row) for row in unknown if not is_explained(row, faults)]
        self._arrived_before += self.here.arrivals.by_run.get(run_id, Counter()).total()
        # What comes after this has come too late: nobody may get anything from a run that is over.
        self.here.arrivals.by_run[run_id] = Counter()
        self.judged += 1

    def strays(self) -> int:
        """Messages that arrived after their run was over and judged; to be asked at the end."""
        return sum(sum(counts.values()) for counts in self.here.arrivals.by_run.values())

    def _remove(self, conn: Connection, campaign: UUID, run_id: int) -> None:
        with conn.transaction():
            for table in conn.execute(_TABLES_OF_RUNS).fetchall():
                conn.execute(f"DELETE FROM {table['name']} WHERE run_id = %s", (run_id,))
            conn.execute("DELETE FROM campaigns WHERE id = %s", (campaign,))
