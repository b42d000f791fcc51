-- Lines that user code wrote. The id is the time in nanoseconds since the Unix epoch, made unique.
CREATE TABLE logs (
    function_id TEXT NOT NULL,
    id BIGINT NOT NULL,
    version BIGINT NOT NULL,
    level BIGINT NOT NULL,
    request_id TEXT,
    instance BIGINT,
    message TEXT NOT NULL,
    PRIMARY KEY (function_id, id)
);

CREATE INDEX logs_by_time ON logs (id);

-- One row for each invocation; or for several of one kind, when there were too many, with sums.
CREATE TABLE invocations (
    id BIGINT PRIMARY KEY,
    function_id TEXT NOT NULL,
    version BIGINT NOT NULL,
    trigger_kind TEXT NOT NULL,
    outcome TEXT NOT NULL,
    request_id TEXT NOT NULL,
    unix_ms BIGINT NOT NULL,
    start_kind TEXT,
    queue_us BIGINT NOT NULL,
    fork_us BIGINT NOT NULL,
    load_us BIGINT NOT NULL,
    handler_us BIGINT NOT NULL,
    total_us BIGINT NOT NULL,
    billed_ms BIGINT NOT NULL,
    memory_limit_mb BIGINT NOT NULL,
    memory_used_kib BIGINT NOT NULL,
    cpu_us BIGINT NOT NULL,
    count BIGINT NOT NULL
);

CREATE INDEX invocations_by_function ON invocations (function_id, id);

-- Sums of invocations as JSON, written in the transaction that writes the invocations: since the beginning (span 0,
-- start 0), for each minute (span 1) and for each day (span 2) in which there were any. `start` is the span's first
-- millisecond since the Unix epoch.
CREATE TABLE figures (
    function_id TEXT NOT NULL,
    span BIGINT NOT NULL,
    start_unix_ms BIGINT NOT NULL,
    figures TEXT NOT NULL,
    PRIMARY KEY (function_id, span, start_unix_ms)
);

CREATE INDEX figures_by_time ON figures (span, start_unix_ms);
