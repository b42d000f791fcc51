-- Alerts, what they watch for, and whom they are told. Times are milliseconds since the Unix epoch.

-- Fields of rules that were set, as JSON: those of the platform under an empty id, and those of functions.
CREATE TABLE alert_rules (
    function_id TEXT PRIMARY KEY,
    rules TEXT NOT NULL,
    updated_unix_ms BIGINT NOT NULL
);

-- The id is the time in nanoseconds since the Unix epoch, made unique.
CREATE TABLE alerts (
    id BIGINT PRIMARY KEY,
    function_id TEXT NOT NULL,
    function_name TEXT NOT NULL,
    rule TEXT NOT NULL,
    -- What was measured when it began, and the threshold that it exceeded.
    value DOUBLE PRECISION NOT NULL,
    threshold DOUBLE PRECISION NOT NULL,
    since_unix_ms BIGINT NOT NULL,
    -- Both absent while it fires.
    until_unix_ms BIGINT,
    reason TEXT
);

-- A rule fires once at a time, whatever a crash does.
CREATE UNIQUE INDEX alerts_firing ON alerts (function_id, rule) WHERE until_unix_ms IS NULL;

CREATE TABLE alert_webhooks (
    id TEXT PRIMARY KEY,
    url TEXT NOT NULL,
    -- Sealed.
    secret TEXT,
    created_unix_ms BIGINT NOT NULL,
    created_by TEXT NOT NULL
);

-- One row for each webhook and event, written in the transaction that writes what it tells of.
CREATE TABLE alert_deliveries (
    id BIGINT PRIMARY KEY,
    webhook_id TEXT NOT NULL REFERENCES alert_webhooks (id) ON DELETE CASCADE,
    event TEXT NOT NULL,
    alert_id BIGINT,
    body TEXT NOT NULL,
    -- waiting, delivered or abandoned.
    state TEXT NOT NULL,
    attempts BIGINT NOT NULL,
    created_unix_ms BIGINT NOT NULL,
    next_unix_ms BIGINT NOT NULL,
    attempted_unix_ms BIGINT,
    status BIGINT,
    error TEXT
);

CREATE INDEX alert_deliveries_by_webhook ON alert_deliveries (webhook_id, id);
CREATE INDEX alert_deliveries_by_state ON alert_deliveries (state, webhook_id, next_unix_ms);
