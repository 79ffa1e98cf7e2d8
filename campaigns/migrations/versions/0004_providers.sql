-- What vendors say beyond the one message: that they refuse the account, that an address is dead, when
-- a recipient may be tried again.

ALTER TABLE provider_states
    -- How often in a row the provider refused the account itself (credentials, credit, permission), and
    -- with which code, until it takes a message again.
    ADD COLUMN refusals integer NOT NULL DEFAULT 0,
    ADD COLUMN refusal  text,
    ADD CHECK ((refusals > 0) = (refusal IS NOT NULL));

-- The provider slows down this one recipient. Null: the backoff alone says when it is tried again.
ALTER TABLE deliveries ADD COLUMN retry_at timestamptz;

-- Addresses that a provider called dead for ever, for the channel they were tried on. Later runs of the
-- team leave them out, until somebody imports them again.
CREATE TABLE gone_addresses (
    team_id  uuid NOT NULL REFERENCES teams,
    channel  text NOT NULL,
    address  text NOT NULL,
    -- Which account learned it, and how the provider put it.
    provider text NOT NULL,
    code     text NOT NULL,
    noted_at timestamptz NOT NULL,
    PRIMARY KEY (team_id, channel, address)
);
