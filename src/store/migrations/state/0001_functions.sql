-- Functions, their versions, and what points to them. Times are milliseconds since the Unix epoch.

CREATE TABLE functions (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    current_version BIGINT NOT NULL,
    -- The number of the newest version; numbers are never used twice.
    last_version BIGINT NOT NULL,
    -- Counts every change, for ETag.
    generation BIGINT NOT NULL,
    created_unix_ms BIGINT NOT NULL,
    updated_unix_ms BIGINT NOT NULL
);

CREATE TABLE versions (
    function_id TEXT NOT NULL REFERENCES functions (id) ON DELETE CASCADE,
    number BIGINT NOT NULL,
    -- SHA-256 of settings and code: two versions with one digest do the same.
    digest TEXT NOT NULL,
    -- SHA-256 of the archive of the code as uploaded; names its object.
    archive TEXT NOT NULL,
    archive_bytes BIGINT NOT NULL,
    -- Names the tree of packages that the code needs; empty when it needs none.
    dependencies TEXT NOT NULL,
    -- Settings as JSON; values of variables are sealed.
    manifest TEXT NOT NULL,
    build_log TEXT NOT NULL,
    created_unix_ms BIGINT NOT NULL,
    created_by TEXT NOT NULL,
    PRIMARY KEY (function_id, number)
);

CREATE INDEX versions_by_archive ON versions (archive);

CREATE TABLE aliases (
    function_id TEXT NOT NULL REFERENCES functions (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    version BIGINT NOT NULL,
    updated_unix_ms BIGINT NOT NULL,
    PRIMARY KEY (function_id, name)
);

-- Every move of a function from one version to another: deployments and rollbacks.
CREATE TABLE deployments (
    function_id TEXT NOT NULL REFERENCES functions (id) ON DELETE CASCADE,
    generation BIGINT NOT NULL,
    action TEXT NOT NULL,
    from_version BIGINT,
    to_version BIGINT NOT NULL,
    digest TEXT NOT NULL,
    created_unix_ms BIGINT NOT NULL,
    created_by TEXT NOT NULL,
    PRIMARY KEY (function_id, generation)
);

-- Answers to POST requests that carried an Idempotency-Key, sealed, for a day.
CREATE TABLE idempotency (
    key TEXT PRIMARY KEY,
    request_digest TEXT NOT NULL,
    status BIGINT,
    response TEXT,
    created_unix_ms BIGINT NOT NULL
);
