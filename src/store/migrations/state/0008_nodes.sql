-- Platforms that share this database and the archives. Times are milliseconds since the Unix epoch, on the database's clock.

CREATE TABLE nodes (
    id TEXT PRIMARY KEY,
    host TEXT NOT NULL,
    version TEXT NOT NULL,
    started_unix_ms BIGINT NOT NULL,
    alive_unix_ms BIGINT NOT NULL
);

-- What nodes keep in memory and one of them has changed, numbered as it was committed: whoever has seen a number has seen
-- all below it.
CREATE TABLE changes (
    id BIGINT PRIMARY KEY,
    -- function, keys or alert-rules.
    kind TEXT NOT NULL,
    -- Of the function.
    key TEXT NOT NULL,
    -- Who has changed it.
    node TEXT NOT NULL,
    created_unix_ms BIGINT NOT NULL
);

-- What one node at a time does for all.
CREATE TABLE leases (
    name TEXT PRIMARY KEY,
    holder TEXT NOT NULL,
    until_unix_ms BIGINT NOT NULL
);
