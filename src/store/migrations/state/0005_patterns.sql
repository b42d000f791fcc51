-- When each function is called, as learned call by call; JSON of a fixed size. Times are milliseconds since the Unix epoch.

CREATE TABLE arrival_patterns (
    function_id TEXT PRIMARY KEY REFERENCES functions (id) ON DELETE CASCADE,
    pattern TEXT NOT NULL,
    saved_unix_ms BIGINT NOT NULL
);
