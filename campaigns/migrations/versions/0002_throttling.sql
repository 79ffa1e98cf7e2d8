-- Calendars, recurrence, lanes, shares, adaptive accounts and frequency caps.

ALTER TABLE teams
    ADD COLUMN timezone           text NOT NULL DEFAULT 'UTC',
    -- Lists of {"days": [...], "from": "09:00", "to": "18:00"} (campaigns/schedule/calendars.py).
    ADD COLUMN sending_hours      jsonb,
    ADD COLUMN quiet_hours        jsonb,
    ADD COLUMN holidays           date[] NOT NULL DEFAULT '{}',
    -- Over all accounts: "100/s".
    ADD COLUMN rate               text,
    -- Messages per recipient over all campaigns; null: no cap, 0: none allowed.
    ADD COLUMN frequency_cap_day  integer CHECK (frequency_cap_day >= 0),
    ADD COLUMN frequency_cap_week integer CHECK (frequency_cap_week >= 0),
    ADD COLUMN updated_at         timestamptz NOT NULL DEFAULT now();

ALTER TABLE campaigns
    ADD COLUMN timezone         text NOT NULL DEFAULT 'UTC',
    ADD COLUMN schedule_rrule   text,
    ADD COLUMN schedule_exdates timestamptz[] NOT NULL DEFAULT '{}',
    ADD COLUMN schedule_rdates  timestamptz[] NOT NULL DEFAULT '{}',
    -- The next occurrence that has no run yet, and the last one of the series (null: endless).
    ADD COLUMN next_dt          timestamptz,
    ADD COLUMN last_dt          timestamptz,
    ADD COLUMN overlap          text NOT NULL DEFAULT 'skip' CHECK (overlap IN ('skip', 'queue', 'allow')),
    -- Seconds after which an occurrence that did not start is missed.
    ADD COLUMN start_deadline   integer CHECK (start_deadline > 0),
    ADD COLUMN catch_up         text NOT NULL DEFAULT 'one' CHECK (catch_up IN ('skip', 'one', 'all')),
    ADD COLUMN catch_up_cap     integer NOT NULL DEFAULT 10 CHECK (catch_up_cap > 0),
    ADD COLUMN jitter           integer NOT NULL DEFAULT 0 CHECK (jitter >= 0),
    ADD COLUMN rate             text,
    ADD COLUMN pacing           text NOT NULL DEFAULT 'evenly' CHECK (pacing IN ('evenly', 'asap')),
    ADD COLUMN warm_up          jsonb,
    ADD COLUMN sending_hours    jsonb,
    ADD COLUMN quiet_hours      jsonb,
    ADD COLUMN holidays         date[] NOT NULL DEFAULT '{}',
    ADD COLUMN recipient_local  boolean NOT NULL DEFAULT false,
    ADD COLUMN priority         text NOT NULL DEFAULT 'normal' CHECK (priority IN ('urgent', 'normal', 'bulk')),
    ADD COLUMN weight           integer NOT NULL DEFAULT 1 CHECK (weight BETWEEN 1 AND 1000),
    -- SMS segments of one message, as far as the template tells.
    ADD COLUMN segments         smallint NOT NULL DEFAULT 1 CHECK (segments > 0),
    DROP CONSTRAINT campaigns_leftover_check,
    ADD CONSTRAINT campaigns_leftover_check CHECK (leftover IN ('continue', 'next_window', 'expire'));

UPDATE campaigns SET next_dt = scheduled_send_date WHERE status IN ('draft', 'scheduled');
UPDATE campaigns SET last_dt = scheduled_send_date;

DROP INDEX campaigns_due;
-- A recurring campaign is due again while an earlier run of it is still sending.
CREATE INDEX campaigns_due ON campaigns (next_dt) WHERE status IN ('scheduled', 'sending');

ALTER TABLE runs
    -- Start of its present window: its occurrence, until what is left moves on to the next window.
    ADD COLUMN window_at          timestamptz,
    -- The campaign's own rate: what was not used of the last message, and up to when it is counted.
    ADD COLUMN metered_credit     double precision,
    ADD COLUMN metered_until      timestamptz,
    -- Warm-up: the day that is counted, and what had been handed out before it.
    ADD COLUMN ramp_day           integer,
    ADD COLUMN ramp_base          integer,
    -- Recipients without a valid time zone of their own, where that is asked for.
    ADD COLUMN timezone_fallbacks integer NOT NULL DEFAULT 0,
    DROP CONSTRAINT runs_reason_check,
    ADD CONSTRAINT runs_reason_check CHECK (reason IN
        ('completed', 'empty', 'expired', 'stopped', 'skipped', 'missed'));
UPDATE runs SET window_at = starts_at;
ALTER TABLE runs ALTER COLUMN window_at SET NOT NULL;
CREATE INDEX runs_campaign ON runs (campaign_id) WHERE status <> 'finished';

-- The part of a run that shares one calendar: rows lo <= seq < hi. Most runs have one lane; where
-- recipients are sent to in their own time, each time zone is a lane. Written by the tick alone.
CREATE TABLE lanes (
    run_id         bigint NOT NULL REFERENCES runs ON DELETE CASCADE,
    lane           smallint NOT NULL,
    -- The recipients' zone; null: the calendars' own zones count.
    timezone       text,
    lo             integer NOT NULL DEFAULT 0,
    hi             integer NOT NULL,
    -- Rows from here on were never cut into a slice. A hint for the cutter, not a truth about sends.
    next_seq       integer NOT NULL,
    -- The active interval around now, or the next one: a claim outside of it takes nothing. Null:
    -- closed.
    gate_opens_at  timestamptz,
    gate_closes_at timestamptz,
    -- The pacing line: how many should be left uncut at pace_until (scheduler.pacing).
    pace_remaining double precision,
    pace_until     timestamptz,
    PRIMARY KEY (run_id, lane),
    CHECK (lo <= next_seq AND next_seq <= hi)
) WITH (fillfactor = 50);
INSERT INTO lanes (run_id, lane, hi, next_seq, gate_opens_at, gate_closes_at, pace_remaining, pace_until)
SELECT id, 0, total, least(next_seq, total), gate_opens_at, gate_closes_at, pace_remaining, pace_until
FROM runs WHERE status <> 'resolving';
ALTER TABLE runs
    DROP COLUMN next_seq, DROP COLUMN gate_opens_at, DROP COLUMN gate_closes_at,
    DROP COLUMN pace_remaining, DROP COLUMN pace_until;

ALTER TABLE slices
    ADD COLUMN lane     smallint NOT NULL DEFAULT 0,
    -- How often the rows of a retry were tried: which account of a chain is next.
    ADD COLUMN attempts smallint NOT NULL DEFAULT 0;

ALTER TABLE batches
    -- Limits beside the account's own: of the sender, of the team. Messages per second.
    ADD COLUMN limit_keys  text[] NOT NULL DEFAULT '{}',
    ADD COLUMN limit_rates double precision[] NOT NULL DEFAULT '{}',
    -- Others at the account obey limits of their own, and need room between its messages.
    ADD COLUMN interleaved boolean NOT NULL DEFAULT false,
    -- Whether claims have to look at frequency caps; set when it is leased, or later by the team.
    ADD COLUMN capped      boolean NOT NULL DEFAULT false,
    ADD CHECK (cardinality(limit_keys) = cardinality(limit_rates));

ALTER TABLE provider_states
    -- Connections in a row that did not come about; from some number on the circuit is open.
    ADD COLUMN failures    integer NOT NULL DEFAULT 0,
    ADD COLUMN circuit     text NOT NULL DEFAULT 'closed' CHECK (circuit IN ('closed', 'open')),
    -- The part of the account's rate that is used, as it was at factor_at (campaigns/schedule/adaptive.py).
    ADD COLUMN rate_factor double precision NOT NULL DEFAULT 1 CHECK (rate_factor > 0 AND rate_factor <= 1),
    ADD COLUMN factor_at   timestamptz;

-- Whom a team with a frequency cap wrote to in the last days, newest last.
CREATE TABLE recipient_touches (
    team_id uuid NOT NULL REFERENCES teams,
    address text NOT NULL,
    sent_at timestamptz[] NOT NULL,
    PRIMARY KEY (team_id, address)
) WITH (fillfactor = 70);

-- The account that a message was last handed to: of a chain of accounts it need not be the first.
ALTER TABLE deliveries ADD COLUMN provider text;
