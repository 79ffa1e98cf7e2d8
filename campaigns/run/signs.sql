-- Signs of life, for the tick and for people: who was seen, and which account is held until when.

-- name: note_cooling
-- For the tick and for people; the limiter in Redis is what holds the account. Only lengthens.
INSERT INTO provider_states (provider, cooling_until, cooling_reason, updated_at)
VALUES (%(provider)s, coalesce(%(now)s::timestamptz, clock_timestamp()) + make_interval(secs => %(seconds)s),
        %(reason)s, coalesce(%(now)s::timestamptz, clock_timestamp()))
ON CONFLICT (provider) DO UPDATE
SET cooling_until = greatest(provider_states.cooling_until, excluded.cooling_until),
    cooling_reason = excluded.cooling_reason,
    updated_at = excluded.updated_at;

-- name: beat_heart
INSERT INTO heartbeats (name, kind, seen_at)
VALUES (%(name)s, %(kind)s, coalesce(%(now)s::timestamptz, clock_timestamp()))
ON CONFLICT (name) DO UPDATE SET kind = excluded.kind, seen_at = excluded.seen_at;
