-- API keys. Of the secret only a SHA-256 is kept: it is random and long, so nothing slower is needed.
CREATE TABLE api_keys (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    role TEXT NOT NULL,
    -- Names of functions with commas between; absent for all.
    functions TEXT,
    secret_hash TEXT NOT NULL,
    created_unix_ms BIGINT NOT NULL,
    created_by TEXT NOT NULL
);
