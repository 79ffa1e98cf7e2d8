-- The first shape of the ledger. Times are timestamptz, money and addresses are text, ids of
-- things a user names are uuids, ids of things only the engine names are bigints.

CREATE TABLE teams (
    id             uuid PRIMARY KEY,
    name           text NOT NULL UNIQUE,
    -- ISO 3166 code that phone numbers without an international prefix belong to.
    default_region text,
    created_at     timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE api_tokens (
    id         uuid PRIMARY KEY,
    team_id    uuid NOT NULL REFERENCES teams,
    name       text NOT NULL,
    -- SHA-256 of the token; the token itself is shown once and never stored.
    digest     bytea NOT NULL UNIQUE,
    created_at timestamptz NOT NULL DEFAULT now(),
    revoked_at timestamptz
);

CREATE TABLE contact_groups (
    id                 uuid PRIMARY KEY,
    team_id            uuid NOT NULL REFERENCES teams,
    name               text NOT NULL,
    description        text NOT NULL DEFAULT '',
    kind               text NOT NULL CHECK (kind IN ('optin', 'optout')),
    -- The team's default_optouts: always excluded, cannot be deleted.
    is_default_optouts boolean NOT NULL DEFAULT false,
    deletable          boolean NOT NULL DEFAULT true,
    -- Names of the custom fields seen in this group's contacts.
    headers            text[] NOT NULL DEFAULT '{}',
    created_at         timestamptz NOT NULL DEFAULT now(),
    updated_at         timestamptz NOT NULL DEFAULT now(),
    UNIQUE (team_id, name),
    CHECK (NOT is_default_optouts OR (kind = 'optout' AND NOT deletable))
);
CREATE UNIQUE INDEX contact_groups_default_optouts ON contact_groups (team_id)
    WHERE is_default_optouts;

-- A contact belongs to one group. Within it, it is told apart by its first address in the order
-- phone, email, telegram, viber, webpush; that is what makes an import repeatable.
CREATE TABLE contacts (
    id         bigint GENERATED ALWAYS AS IDENTITY,
    group_id   uuid NOT NULL REFERENCES contact_groups ON DELETE CASCADE,
    phone      text,
    email      text,
    telegram   text,
    viber      text,
    webpush    text,
    fields     jsonb NOT NULL DEFAULT '{}',
    identity   text NOT NULL GENERATED ALWAYS AS (
                   CASE WHEN phone IS NOT NULL THEN 'phone:' || phone
                        WHEN email IS NOT NULL THEN 'email:' || email
                        WHEN telegram IS NOT NULL THEN 'telegram:' || telegram
                        WHEN viber IS NOT NULL THEN 'viber:' || viber
                        WHEN webpush IS NOT NULL THEN 'webpush:' || webpush
                   END) STORED,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    -- In this order, so that a group's contacts are listed page by page from the index.
    PRIMARY KEY (group_id, id),
    UNIQUE (group_id, identity)
);
CREATE INDEX contacts_phone ON contacts (group_id, phone) WHERE phone IS NOT NULL;
CREATE INDEX contacts_email ON contacts (group_id, email) WHERE email IS NOT NULL;
CREATE INDEX contacts_telegram ON contacts (group_id, telegram) WHERE telegram IS NOT NULL;
CREATE INDEX contacts_viber ON contacts (group_id, viber) WHERE viber IS NOT NULL;
CREATE INDEX contacts_webpush ON contacts (group_id, webpush) WHERE webpush IS NOT NULL;

CREATE TABLE templates (
    id         uuid PRIMARY KEY,
    team_id    uuid NOT NULL REFERENCES teams,
    name       text NOT NULL,
    body       text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE campaigns (
    id                    uuid PRIMARY KEY,
    team_id               uuid NOT NULL REFERENCES teams,
    name                  text NOT NULL,
    sender                text NOT NULL,
    sending_type          text NOT NULL CHECK (sending_type IN
                              ('sms', 'webpush', 'email', 'telegram', 'rbm', 'viber', 'whatsapp')),
    provider              text NOT NULL,
    template_uuid         uuid REFERENCES templates ON DELETE SET NULL,
    -- The text as it stood when the campaign was saved: what was reviewed is what is sent.
    template              text NOT NULL,
    template_vars         jsonb NOT NULL DEFAULT '{}',
    schedule_type         text NOT NULL CHECK (schedule_type IN ('now', 'once', 'scheduled')),
    scheduled_send_date   timestamptz NOT NULL,
    scheduled_finish_date timestamptz,
    expiry_date           timestamptz,
    throttled             boolean NOT NULL DEFAULT false,
    leftover              text NOT NULL DEFAULT 'continue' CHECK (leftover IN ('continue', 'expire')),
    manually_paused       boolean NOT NULL DEFAULT false,
    status                text NOT NULL CHECK (status IN
                              ('draft', 'scheduled', 'sending', 'finished', 'stopped', 'failed',
                               'deleted')),
    -- Why the campaign failed, in words.
    error                 text,
    is_test               boolean NOT NULL DEFAULT false,
    event_callback        text,
    -- Fingerprint of the submission: a repeated one is recognised, a different one refused.
    submission            text NOT NULL,
    created_at            timestamptz NOT NULL,
    updated_at            timestamptz NOT NULL,
    started_sending_at    timestamptz,
    finished_sending_at   timestamptz,
    CHECK (scheduled_finish_date > scheduled_send_date),
    CHECK (expiry_date > scheduled_send_date)
);
CREATE INDEX campaigns_team ON campaigns (team_id, created_at DESC);
CREATE INDEX campaigns_due ON campaigns (scheduled_send_date) WHERE status = 'scheduled';

CREATE TABLE campaign_groups (
    campaign_id uuid NOT NULL REFERENCES campaigns ON DELETE CASCADE,
    role        text NOT NULL CHECK (role IN ('include', 'exclude')),
    -- Order of precedence for custom fields among the included groups.
    position    integer NOT NULL,
    -- No foreign key: a past campaign goes on naming the groups it was sent to after they are gone.
    -- A group that a campaign may still need is not deleted (campaigns/audience/groups.py).
    group_id    uuid NOT NULL,
    PRIMARY KEY (campaign_id, role, position),
    UNIQUE (campaign_id, role, group_id)
);
CREATE INDEX campaign_groups_group ON campaign_groups (group_id);

CREATE TABLE pauses (
    id          uuid PRIMARY KEY,
    campaign_id uuid NOT NULL REFERENCES campaigns ON DELETE CASCADE,
    start_at    timestamptz NOT NULL,
    end_at      timestamptz NOT NULL,
    created_at  timestamptz NOT NULL DEFAULT now(),
    CHECK (end_at > start_at)
);
CREATE INDEX pauses_campaign ON pauses (campaign_id, start_at);

-- One occurrence of a campaign.
CREATE TABLE runs (
    id                 bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    campaign_id        uuid NOT NULL REFERENCES campaigns ON DELETE CASCADE,
    occurrence         timestamptz NOT NULL,
    provider           text NOT NULL,
    status             text NOT NULL CHECK (status IN
                           ('resolving', 'sending', 'closing', 'finished')),
    -- Why a closing or finished run ends: completed, empty, expired, stopped.
    reason             text CHECK (reason IN ('completed', 'empty', 'expired', 'stopped')),
    starts_at          timestamptz NOT NULL,
    finishes_at        timestamptz,
    expires_at         timestamptz,
    -- The active interval around now, or the next one, written by the tick: a claim outside of it
    -- takes nothing. Null: closed.
    gate_opens_at      timestamptz,
    gate_closes_at     timestamptz,
    -- Opt-out groups that are looked at again by every claim.
    suppression_groups uuid[] NOT NULL DEFAULT '{}',
    total              integer NOT NULL DEFAULT 0,
    -- Rows from here on were never cut into a slice. A hint for the cutter, not a truth about sends.
    next_seq           integer NOT NULL DEFAULT 0,
    -- The pacing line: how many should be left uncut at pace_until (scheduler.pacing).
    pace_remaining     double precision,
    pace_until         timestamptz,
    accepted           integer NOT NULL DEFAULT 0,
    rejected           integer NOT NULL DEFAULT 0,
    failed             integer NOT NULL DEFAULT 0,
    unknown            integer NOT NULL DEFAULT 0,
    suppressed         integer NOT NULL DEFAULT 0,
    expired            integer NOT NULL DEFAULT 0,
    cancelled          integer NOT NULL DEFAULT 0,
    delivered          integer NOT NULL DEFAULT 0,
    undelivered        integer NOT NULL DEFAULT 0,
    -- When the resolve or close task was last published.
    published_at       timestamptz,
    created_at         timestamptz NOT NULL,
    started_at         timestamptz,
    finished_at        timestamptz,
    UNIQUE (campaign_id, occurrence)
) WITH (fillfactor = 50);
CREATE INDEX runs_open ON runs (id) WHERE status <> 'finished';

-- What workers counted since the last tick, which adds it to the run. One row per run and database
-- connection: on the run's own row all workers would queue up behind each other's commits.
CREATE TABLE run_tallies (
    run_id   bigint NOT NULL,
    backend  integer NOT NULL,
    accepted integer NOT NULL,
    rejected integer NOT NULL,
    failed   integer NOT NULL,
    unknown  integer NOT NULL,
    PRIMARY KEY (run_id, backend)
) WITH (fillfactor = 50);

-- The ledger: one row per recipient of a run. Work is found through slices, so no index mentions
-- the status, and a status change stays a heap-only update (PostgreSQL documentation, 66.7 HOT).
-- No foreign key: it would double the cost of filling the table.
CREATE TABLE deliveries (
    run_id              bigint NOT NULL,
    seq                 integer NOT NULL,
    address             text NOT NULL,
    fields              jsonb NOT NULL DEFAULT '{}',
    status              text NOT NULL DEFAULT 'pending' CHECK (status IN
                            ('pending', 'sending', 'accepted', 'rejected', 'failed', 'unknown',
                             'suppressed', 'expired', 'cancelled')),
    attempts            smallint NOT NULL DEFAULT 0,
    lease_token         uuid,
    claimed_at          timestamptz,
    settled_at          timestamptz,
    provider_message_id text,
    error_code          text,
    -- What the provider reported afterwards; independent of the order in which things arrive.
    report              text CHECK (report IN ('delivered', 'undelivered')),
    reported_at         timestamptz,
    PRIMARY KEY (run_id, seq),
    UNIQUE (run_id, address)
) WITH (fillfactor = 60);

-- What is handed to a worker: one provider's slices, leased by one worker at a time.
CREATE TABLE batches (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    provider     text NOT NULL,
    -- Not claimed yet; what counts as outstanding at the provider.
    messages     integer NOT NULL,
    status       text NOT NULL CHECK (status IN ('ready', 'leased')),
    -- The worker spreads the sends evenly over this interval.
    spread_from  timestamptz NOT NULL,
    spread_until timestamptz NOT NULL,
    lease_token  uuid,
    lease_until  timestamptz,
    created_at   timestamptz NOT NULL,
    published_at timestamptz,
    publications integer NOT NULL DEFAULT 0
);

-- A part of one run: the rows lo <= seq < hi, or exactly the rows in seqs. Without a batch it
-- waits to be cut again: 'returned' was never sent, 'retry' was refused for a while.
CREATE TABLE slices (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    run_id     bigint NOT NULL REFERENCES runs ON DELETE CASCADE,
    batch_id   bigint REFERENCES batches ON DELETE CASCADE,
    kind       text NOT NULL CHECK (kind IN ('fresh', 'returned', 'retry')),
    lo         integer NOT NULL,
    hi         integer NOT NULL,
    seqs       integer[],
    messages   integer NOT NULL,
    not_before timestamptz NOT NULL DEFAULT now(),
    CHECK (lo < hi),
    CHECK (batch_id IS NULL OR messages > 0)
);
CREATE INDEX slices_batch ON slices (batch_id);
CREATE INDEX slices_waiting ON slices (run_id, id) WHERE batch_id IS NULL;

-- What is known about a provider account between two requests, for the tick and for the status.
CREATE TABLE provider_states (
    provider       text PRIMARY KEY,
    cooling_until  timestamptz,
    cooling_reason text,
    updated_at     timestamptz NOT NULL
);

-- Who was seen alive: send workers and beats, so that a silent run can name what is missing.
CREATE TABLE heartbeats (
    name    text PRIMARY KEY,
    kind    text NOT NULL CHECK (kind IN ('send', 'control', 'beat')),
    seen_at timestamptz NOT NULL
);

-- Every installation has this team, and a team is never without its default_optouts. Their ids are
-- fixed, so that a client that names no team, or keeps the ids in its own configuration, needs
-- nothing changed when it is pointed at another installation.
INSERT INTO teams (id, name) VALUES ('00000000-0000-4000-8000-000000000001', 'default');
INSERT INTO contact_groups (id, team_id, name, description, kind, is_default_optouts, deletable)
VALUES ('00000000-0000-4000-8000-000000000002', '00000000-0000-4000-8000-000000000001',
        'default_optouts', 'People who opted out of everything this team sends', 'optout',
        true, false);
