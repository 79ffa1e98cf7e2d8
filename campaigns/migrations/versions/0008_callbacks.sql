-- Events that are told to others: to the URL that a campaign names, and to the endpoints of its team.

-- A team's own receiver, as Standard Webhooks have it (https://www.standardwebhooks.com).
CREATE TABLE webhook_endpoints (
    id              uuid PRIMARY KEY,
    team_id         uuid NOT NULL REFERENCES teams,
    url             text NOT NULL,
    events          text[] NOT NULL CHECK (
                        events <@ ARRAY['submitted', 'delivered', 'bounced', 'opened', 'clicked'] AND events <> '{}'),
    -- What messages are signed with: needed as it is, so it cannot be stored as a digest.
    secret          bytea NOT NULL,
    -- Signs as well until then, so that the receiver may change over when it likes.
    previous_secret bytea,
    previous_until  timestamptz,
    created_at      timestamptz NOT NULL,
    updated_at      timestamptz NOT NULL,
    CHECK ((previous_secret IS NULL) = (previous_until IS NULL))
);
CREATE INDEX webhook_endpoints_team ON webhook_endpoints (team_id, created_at);

-- How it goes with one receiver: a campaign's URL, or an endpoint.
CREATE TABLE receivers (
    id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    campaign_id     uuid UNIQUE REFERENCES campaigns ON DELETE CASCADE,
    endpoint_id     uuid UNIQUE REFERENCES webhook_endpoints ON DELETE CASCADE,
    -- It said itself that it is gone for good (HTTP status 410), or the team took it out.
    disabled_reason text CHECK (disabled_reason IN ('gone', 'operator')),
    -- When there is something to do for it; null: nothing waits.
    next_at         timestamptz,
    -- It failed, and is left alone for a moment, whatever else waits for it.
    resting_until   timestamptz,
    published_at    timestamptz,
    publications    integer NOT NULL DEFAULT 0,
    -- One process at a time tells it things.
    lease_token     uuid,
    lease_until     timestamptz,
    -- Attempts in a row that it did not answer for, and with which code the last one.
    failures        integer NOT NULL DEFAULT 0,
    failing_since   timestamptz,
    last_code       text,
    last_attempt_at timestamptz,
    last_success_at timestamptz,
    CHECK (num_nonnulls(campaign_id, endpoint_id) = 1)
) WITH (fillfactor = 50);
CREATE INDEX receivers_due ON receivers (next_at) WHERE next_at IS NOT NULL;

-- Events that nobody has been told yet, written by the statement that notes them, and once. They are
-- taken out in portions, by their place in the queue.
CREATE TABLE event_outbox (
    id       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    run_id   bigint NOT NULL,
    seq      integer NOT NULL,
    kind     text COLLATE "C" NOT NULL,
    at       timestamptz NOT NULL,
    code     text,
    noted_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- What one receiver is told at once: events of one kind in one run. Addresses stay in the ledger. No
-- foreign key to the run: of one that is gone there is nothing left to tell.
CREATE TABLE callbacks (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    receiver_id bigint NOT NULL REFERENCES receivers ON DELETE CASCADE,
    -- Stays the same from attempt to attempt, so that the receiver knows a repetition.
    message_id  uuid NOT NULL DEFAULT gen_random_uuid(),
    run_id      bigint NOT NULL,
    kind        text COLLATE "C" NOT NULL,
    seqs        integer[] NOT NULL,
    ats         timestamptz[] NOT NULL,
    codes       text[] NOT NULL,
    state       text NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'delivered', 'dead')),
    attempts    smallint NOT NULL DEFAULT 0,
    -- How the last attempt failed.
    code        text,
    created_at  timestamptz NOT NULL,
    -- Since when it has been tried: a replay begins anew.
    since       timestamptz NOT NULL,
    next_at     timestamptz NOT NULL,
    settled_at  timestamptz,
    CHECK ((state = 'waiting') = (settled_at IS NULL)),
    CHECK (cardinality(seqs) = cardinality(ats) AND cardinality(seqs) = cardinality(codes))
);
CREATE INDEX callbacks_due ON callbacks (receiver_id, next_at, id) WHERE state = 'waiting';
CREATE INDEX callbacks_since ON callbacks (since) WHERE state = 'waiting';
CREATE INDEX callbacks_settled ON callbacks (settled_at) WHERE state <> 'waiting';
CREATE INDEX callbacks_dead ON callbacks (receiver_id) WHERE state = 'dead';
CREATE INDEX callbacks_receiver ON callbacks (receiver_id, created_at);

-- Which kinds a campaign's own URL is told, by channel. Of text messages two, as the Callback API has it;
-- of the other channels all that their providers report.
CREATE FUNCTION told_by_form(channel text) RETURNS text[] IMMUTABLE LANGUAGE sql
RETURN CASE channel WHEN 'sms' THEN ARRAY['delivered', 'bounced']
                    ELSE ARRAY['submitted', 'delivered', 'bounced', 'opened', 'clicked'] END;

-- Which kinds anybody is to be told about a campaign; nearly always none. Nobody is told of test sends.
CREATE FUNCTION announced_kinds(campaign uuid) RETURNS text[] STABLE LANGUAGE sql
RETURN coalesce((
    SELECT array_agg(DISTINCT k.kind ORDER BY k.kind)
    FROM campaigns c
    CROSS JOIN LATERAL (
        SELECT unnest(told_by_form(c.sending_type)) AS kind WHERE c.event_callback IS NOT NULL
        UNION ALL
        SELECT unnest(e.events)
        FROM webhook_endpoints e
        JOIN receivers v ON v.endpoint_id = e.id AND v.disabled_reason IS NULL
        WHERE e.team_id = c.team_id
    ) k
    WHERE c.id = campaign AND NOT c.is_test), '{}');

-- Kinds of events of this run that go into the outbox: by `announced_kinds`, when the run is made and
-- when an endpoint of its team changes. The send path chooses its statements by it.
ALTER TABLE runs ADD COLUMN announces text[] NOT NULL DEFAULT '{}';

-- Campaigns that named a URL before anybody could call it.
UPDATE runs r SET announces = announced_kinds(r.campaign_id)
FROM campaigns c WHERE c.id = r.campaign_id AND c.event_callback IS NOT NULL AND r.status <> 'finished';

ALTER TABLE heartbeats
    DROP CONSTRAINT heartbeats_kind_check,
    ADD CONSTRAINT heartbeats_kind_check CHECK (kind IN ('send', 'control', 'beat', 'callbacks'));
