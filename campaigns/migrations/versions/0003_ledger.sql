-- What became of every message, event by event; what a crash leaves behind.

-- References that go out with messages and come back in reports are signed. The newest key signs,
-- every key verifies. gen_random_uuid draws on the system's strong source of randomness.
CREATE TABLE signing_keys (
    id         smallint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    key        bytea NOT NULL CHECK (length(key) = 32),
    created_at timestamptz NOT NULL DEFAULT now()
);
INSERT INTO signing_keys (key)
VALUES (uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()));

-- Appended, never changed. `status` and `report` of a delivery are a fold over its events that does
-- not depend on the order in which they come (campaigns/run/events.py). The key makes a repetition
-- harmless: for what we did it is the moment of the claim in microseconds, for what a provider says
-- it begins with 'r:', or 'p:' where only a part is spoken of, and names the message or the part.
-- Read through the view `delivery_history`, which knows of the submissions that only rows tell.
CREATE TABLE delivery_events (
    run_id      bigint NOT NULL,
    seq         integer NOT NULL,
    kind        text COLLATE "C" NOT NULL CHECK (kind IN
                    ('submitted', 'delivered', 'bounced', 'opened', 'clicked', 'failed', 'expired',
                     'suppressed', 'unknown', 'cancelled', 'resent')),
    key         text COLLATE "C" NOT NULL DEFAULT '',
    -- Of what we did: later than whatever we did to the row before.
    at          timestamptz NOT NULL,
    -- Not the end: the recipient waits for another attempt.
    retried     boolean NOT NULL DEFAULT false,
    provider    text,
    -- All ids that the provider gave a message, or the one that it reports on.
    message_ids text[],
    error_class text,
    code        text,
    PRIMARY KEY (run_id, seq, kind, key)
);

-- Where a message id leads, for providers that do not echo our reference in their reports.
CREATE TABLE message_ids (
    provider   text NOT NULL,
    message_id text COLLATE "C" NOT NULL,
    run_id     bigint NOT NULL,
    seq        integer NOT NULL,
    noted_at   timestamptz NOT NULL,
    PRIMARY KEY (provider, message_id)
);
CREATE INDEX message_ids_old ON message_ids (noted_at);

-- Reports whose message id nobody has noted: the response may still be on its way.
CREATE TABLE stray_reports (
    provider    text NOT NULL,
    message_id  text COLLATE "C" NOT NULL,
    kind        text COLLATE "C" NOT NULL,
    key         text COLLATE "C" NOT NULL,
    at          timestamptz NOT NULL,
    code        text,
    received_at timestamptz NOT NULL,
    PRIMARY KEY (provider, message_id, kind, key)
);

-- A worker claims all the rows of a page at once and settles them at once, and they grow by a half,
-- and by a half again: so much room keeps both heap-only updates. Where there is less of it, half of
-- the rows move to new pages, and the table ends as large, with two index entries more for each.
ALTER TABLE deliveries SET (fillfactor = 30);

ALTER TABLE deliveries
    -- A message of several parts has an id for each.
    ALTER COLUMN provider_message_id TYPE text[]
        USING CASE WHEN provider_message_id IS NOT NULL THEN ARRAY[provider_message_id] END,
    -- What kind of end it was: 'transient', 'permanent', 'content', 'policy', 'unreported',
    -- 'in_doubt', 'poisoned', 'operator'. The code tells the rest.
    ADD COLUMN error_class   text,
    -- Its provider sends reports, so silence up to the expiry is a failure.
    ADD COLUMN awaits_report boolean NOT NULL DEFAULT false,
    ADD COLUMN opened_at     timestamptz,
    ADD COLUMN clicked_at    timestamptz,
    -- The final report came after the expiry.
    ADD COLUMN late          boolean NOT NULL DEFAULT false,
    -- The provider's answer says that it took the message, and no event does: the row says it all, the
    -- claim, the moment (`settled_at`), the account and the ids. Whoever changes one of these writes
    -- the event first. Nearly every message has no other event of ours, and to write this one costs
    -- the send path as much as a third of its other writes.
    ADD COLUMN submitted     boolean NOT NULL DEFAULT false,
    ADD CONSTRAINT deliveries_submitted_check CHECK (status = 'accepted' OR NOT submitted);

ALTER TABLE deliveries RENAME COLUMN provider_message_id TO provider_message_ids;

-- All events: those that were written, and the submissions that the rows themselves tell.
CREATE VIEW delivery_history AS
SELECT run_id, seq, kind, key, at, retried, provider, message_ids, error_class, code
FROM delivery_events
UNION ALL
SELECT run_id, seq, 'submitted', coalesce((date_part('epoch', claimed_at) * 1e6)::bigint::text, ''),
       settled_at, false, provider, provider_message_ids, NULL, NULL
FROM deliveries WHERE submitted;

UPDATE deliveries
SET error_class = CASE status WHEN 'rejected' THEN 'permanent' WHEN 'unknown' THEN 'in_doubt'
                              WHEN 'suppressed' THEN 'policy' ELSE
                  CASE error_code WHEN 'failed_by_operator' THEN 'operator' ELSE 'transient' END END
WHERE status IN ('rejected', 'failed', 'unknown', 'suppressed');
-- What became of earlier messages, as far as their rows still tell.
INSERT INTO delivery_events (run_id, seq, kind, key, at, provider, message_ids, error_class, code)
SELECT run_id, seq,
       CASE status WHEN 'accepted' THEN 'submitted' WHEN 'rejected' THEN 'failed' ELSE status END,
       coalesce((date_part('epoch', claimed_at) * 1e6)::bigint::text, ''),
       coalesce(settled_at, claimed_at, now()), provider, provider_message_ids, error_class, error_code
FROM deliveries WHERE status NOT IN ('pending', 'sending');
INSERT INTO delivery_events (run_id, seq, kind, key, at, provider, code)
SELECT run_id, seq, CASE report WHEN 'delivered' THEN report ELSE 'failed' END, 'r:',
       coalesce(reported_at, now()), provider, error_code
FROM deliveries WHERE report IS NOT NULL;

ALTER TABLE runs
    -- When what was still unreported at the expiry was settled.
    ADD COLUMN reports_closed_at timestamptz,
    ADD COLUMN opened            integer NOT NULL DEFAULT 0,
    ADD COLUMN clicked           integer NOT NULL DEFAULT 0,
    -- Of those that failed: accepted, and without a final report up to now.
    ADD COLUMN unreported        integer NOT NULL DEFAULT 0,
    -- Final reports that came after the expiry.
    ADD COLUMN late              integer NOT NULL DEFAULT 0,
    -- When a row of it was last settled, as far as the tick has heard.
    ADD COLUMN progressed_at     timestamptz,
    -- How many workers died with it before they had claimed any row.
    ADD COLUMN deaths            smallint NOT NULL DEFAULT 0,
    DROP CONSTRAINT runs_reason_check,
    ADD CONSTRAINT runs_reason_check CHECK (reason IN
        ('completed', 'empty', 'expired', 'stopped', 'skipped', 'missed', 'poisoned'));
CREATE INDEX runs_unreported ON runs (expires_at)
    WHERE reports_closed_at IS NULL AND expires_at IS NOT NULL AND status = 'finished';

-- How often a worker died with rows of this slice in its hands, claimed and not sent.
ALTER TABLE slices ADD COLUMN losses smallint NOT NULL DEFAULT 0;

-- What is in doubt of a batch is sent again: whoever leased it sends with a key by which the provider
-- recognises a repetition. Its rows are `pending` again, of the class 'in_doubt', and their slices are
-- bound to that account: another one would not know the key.
ALTER TABLE batches ADD COLUMN resends boolean NOT NULL DEFAULT false;
ALTER TABLE slices ADD COLUMN bound_to text;
CREATE INDEX slices_bound ON slices (bound_to) WHERE bound_to IS NOT NULL;

-- What the watchdog found, for the operator.
CREATE TABLE findings (
    kind          text NOT NULL,
    subject       text NOT NULL,
    detail        text NOT NULL DEFAULT '',
    repaired      boolean NOT NULL DEFAULT false,
    times         integer NOT NULL DEFAULT 1,
    first_seen_at timestamptz NOT NULL,
    last_seen_at  timestamptz NOT NULL,
    PRIMARY KEY (kind, subject)
);
