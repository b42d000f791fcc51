-- A part of a function's calls on another version: what was asked for, as JSON, and what became of it. Times are milliseconds
-- since the Unix epoch.

CREATE TABLE rollouts (
    function_id TEXT PRIMARY KEY REFERENCES functions (id) ON DELETE CASCADE,
    settings TEXT NOT NULL,
    -- Why the candidate was taken back; absent while the rollout runs.
    rolled_back TEXT,
    started_unix_ms BIGINT NOT NULL,
    started_by TEXT NOT NULL
);
