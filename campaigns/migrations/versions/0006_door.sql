-- What the HTTP door needs: tokens with scopes and an end, clients that obtain tokens, numbers.

-- A program that obtains its tokens itself: OAuth 2.0 client credentials (RFC 6749, section 4.4).
CREATE TABLE api_clients (
    id         uuid PRIMARY KEY,
    team_id    uuid NOT NULL REFERENCES teams,
    name       text NOT NULL,
    -- SHA-256 of the client's secret, which is shown once and never stored.
    digest     bytea NOT NULL,
    scopes     text[] NOT NULL CHECK (scopes <@ ARRAY['read', 'write', 'send'] AND scopes <> '{}'),
    -- Where it may ask for tokens from; empty: from anywhere.
    networks   cidr[] NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT now(),
    revoked_at timestamptz
);

ALTER TABLE api_tokens
    ADD COLUMN scopes     text[] NOT NULL DEFAULT '{read,write,send}'
        CHECK (scopes <@ ARRAY['read', 'write', 'send'] AND scopes <> '{}'),
    -- Worthless from then on. Null: until it is revoked.
    ADD COLUMN expires_at timestamptz,
    -- The client that obtained it: it ends with it.
    ADD COLUMN client_id  uuid REFERENCES api_clients;
CREATE INDEX api_tokens_client ON api_tokens (client_id) WHERE client_id IS NOT NULL;

-- The Callback API names campaigns and lists by numbers. They are unique here, and looked up with the
-- team all the same.
ALTER TABLE campaigns ADD COLUMN number bigint NOT NULL GENERATED ALWAYS AS IDENTITY UNIQUE;
ALTER TABLE contact_groups ADD COLUMN number bigint NOT NULL GENERATED ALWAYS AS IDENTITY UNIQUE;

-- A team's campaigns, newest first, with all that lists are filtered and sorted by: a team with
-- 100,000 campaigns is counted and sorted without a look at one of its rows, which are wide.
DROP INDEX campaigns_team;
CREATE INDEX campaigns_team ON campaigns (team_id, created_at DESC, id DESC)
    INCLUDE (status, manually_paused, sending_type, schedule_type, name, updated_at, next_dt)
    WHERE status <> 'deleted' AND NOT is_test;
