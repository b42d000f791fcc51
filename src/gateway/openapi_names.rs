//! Names in the API's description, with what they stand for.

/// Groups of operations, in the order in which they are shown.
pub(super) const TAGS: [(&str, &str); 13] = [
    ("functions", "Deploy, list, show, update, delete"),
    ("invoke", "Call a function"),
    (
        "events",
        "Events, schedules, invocations that nobody waits for, and dead letters",
    ),
    (
        "connections",
        "WebSocket, and messages to whoever is connected",
    ),
    ("versions", "Versions, the way back, history, aliases"),
    ("variables", "Environment variables and secrets, one by one"),
    ("logs and figures", "What functions wrote, and how they did"),
    ("costs", "What invocations cost, here and elsewhere"),
    (
        "circuit breaker",
        "Keeps callers away from a function that fails",
    ),
    ("alerts", "What is watched, what fired, and who is told"),
    ("marketplace", "Functions to begin with"),
    ("access", "API keys, and who the caller is"),
    ("platform", "Health, master keys, this description"),
];

/// Parameters of paths, with a pattern or a maximum, and what they are.
pub(super) const PATH_PARAMETERS: [(&str, Kind, &str); 12] = [
    ("key", Kind::Text("^.+$"), "The function's id or name."),
    ("number", Kind::Number, "The number of a version."),
    (
        "alias",
        Kind::Text("^[A-Za-z][A-Za-z0-9_-]{0,63}$"),
        "The name of an alias.",
    ),
    (
        "name",
        Kind::Text("^[A-Za-z_][A-Za-z0-9_]*$"),
        "The name of a variable.",
    ),
    ("id", Kind::Text("^.+$"), "The id of an API key."),
    (
        "invocation",
        Kind::Text("^.+$"),
        "The id of the request that invoked.",
    ),
    (
        "trigger",
        Kind::Number,
        "The place of the trigger among those of the function, from 0.",
    ),
    ("connection", Kind::Text("^.+$"), "The id of a connection."),
    ("letter", Kind::Text("^.+$"), "The id of a dead letter."),
    ("alert", Kind::Text("^.+$"), "The id of an alert."),
    ("webhook", Kind::Text("^.+$"), "The id of a webhook."),
    (
        "template",
        Kind::Text("^.+$"),
        "The id of a template, with or without its `mp-`.",
    ),
];

/// What a path parameter may be.
#[derive(Debug, Clone, Copy)]
pub(super) enum Kind {
    /// A text of this pattern.
    Text(&'static str),
    /// A number of 32 bits.
    Number,
}
