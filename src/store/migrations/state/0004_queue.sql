-- What is to be invoked later. Times are milliseconds since the Unix epoch.

CREATE TABLE deliveries (
    -- The time in nanoseconds since the Unix epoch, made unique: the order in which they were accepted.
    id BIGINT PRIMARY KEY,
    request_id TEXT NOT NULL,
    function_id TEXT NOT NULL,
    -- The number of a version, or an alias; empty for the current version.
    qualifier TEXT NOT NULL,
    -- async, event, cron or webhook.
    kind TEXT NOT NULL,
    -- What it came from.
    origin TEXT NOT NULL,
    -- Those that share a bound on how many run at a time.
    lane TEXT NOT NULL,
    event TEXT NOT NULL,
    -- none, json, text, text64 or binary; the last two in base64.
    body_kind TEXT NOT NULL,
    body TEXT NOT NULL,
    -- Those of one function with one key run in order; empty for none.
    ordering_key TEXT NOT NULL,
    depth BIGINT NOT NULL,
    traceparent TEXT NOT NULL,
    attempts_max BIGINT NOT NULL,
    first_pause_ms BIGINT NOT NULL,
    age_max_ms BIGINT NOT NULL,
    -- held, pending, running, succeeded or dead.
    state TEXT NOT NULL,
    attempts BIGINT NOT NULL,
    -- Which supervisor runs it; empty when none does.
    owner TEXT NOT NULL,
    created_unix_ms BIGINT NOT NULL,
    due_unix_ms BIGINT NOT NULL,
    ended_unix_ms BIGINT,
    status BIGINT,
    error_code TEXT,
    error TEXT,
    -- Of the payload.
    bytes BIGINT NOT NULL
);

-- What has ended is most of the table, and is looked at by request alone, or as a dead letter.
CREATE INDEX deliveries_due ON deliveries (lane, due_unix_ms, id) WHERE state = 'pending';
CREATE INDEX deliveries_open ON deliveries (function_id, ordering_key, id) WHERE ended_unix_ms IS NULL;
CREATE INDEX deliveries_owned ON deliveries (owner) WHERE owner <> '';
CREATE INDEX deliveries_dead ON deliveries (function_id, id) WHERE state = 'dead';
CREATE INDEX deliveries_ended ON deliveries (ended_unix_ms) WHERE ended_unix_ms IS NOT NULL;
CREATE INDEX deliveries_by_request ON deliveries (request_id);

-- Supervisors that run deliveries. What belongs to one that has not been heard of for a while is run by others.
CREATE TABLE queue_runners (
    id TEXT PRIMARY KEY,
    alive_unix_ms BIGINT NOT NULL
);

-- Requests that are done once, with what was answered then.
CREATE TABLE queue_once (
    key TEXT PRIMARY KEY,
    request_digest TEXT NOT NULL,
    answer TEXT NOT NULL,
    created_unix_ms BIGINT NOT NULL
);

CREATE INDEX queue_once_by_age ON queue_once (created_unix_ms);

-- The last tick of each schedule that was claimed, or passed over.
CREATE TABLE schedules (
    function_id TEXT NOT NULL,
    -- The place of the trigger among those of the function.
    trigger_number BIGINT NOT NULL,
    -- What ticks it: when that changes, it begins anew.
    definition TEXT NOT NULL,
    last_unix_ms BIGINT NOT NULL,
    PRIMARY KEY (function_id, trigger_number)
);
