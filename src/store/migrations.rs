//! The schemas, as the steps that lead to them. A step that has landed never changes; a change is a new step.

use std::borrow::Cow;

use sqlx::SqlSafeStr;
use sqlx::migrate::{Migration, MigrationType, Migrator};

/// Which of the two schemas.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Schema {
    State,
    Telemetry,
}

/// Number, title and statements of a step.
type Step = (i64, &'static str, &'static str);

const STATE: &[Step] = &[
    (
        1,
        "functions",
        include_str!("migrations/state/0001_functions.sql"),
    ),
    (2, "keys", include_str!("migrations/state/0002_keys.sql")),
    (
        3,
        "alerts",
        include_str!("migrations/state/0003_alerts.sql"),
    ),
    (4, "queue", include_str!("migrations/state/0004_queue.sql")),
    (
        5,
        "patterns",
        include_str!("migrations/state/0005_patterns.sql"),
    ),
    (
        6,
        "rollouts",
        include_str!("migrations/state/0006_rollouts.sql"),
    ),
    (
        7,
        "alias splits",
        include_str!("migrations/state/0007_alias_splits.sql"),
    ),
    (8, "nodes", include_str!("migrations/state/0008_nodes.sql")),
];

const TELEMETRY: &[Step] = &[(
    1,
    "telemetry",
    include_str!("migrations/telemetry/0001_telemetry.sql"),
)];

impl Schema {
    /// Names the database's file.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::State => "state",
            Self::Telemetry => "telemetry",
        }
    }

    /// The last step there is, and the table in which a database remembers those that it has.
    pub(super) fn last_step(self) -> (i64, &'static str) {
        let (steps, table) = self.steps();
        (steps.last().map_or(0, |(number, _, _)| *number), table)
    }

    fn steps(self) -> (&'static [Step], &'static str) {
        match self {
            Self::State => (STATE, "state_migrations"),
            Self::Telemetry => (TELEMETRY, "telemetry_migrations"),
        }
    }

    /// Both schemas may share a database, so each remembers its steps in a table of its own.
    pub(super) fn migrator(self) -> Migrator {
        let (steps, table) = self.steps();
        let mut migrator = Migrator::with_migrations(steps.iter().map(migration).collect());
        migrator.dangerous_set_table_name(table);
        migrator
    }
}

fn migration(&(number, title, statements): &Step) -> Migration {
    let title = Cow::Borrowed(title);
    let statements = statements.into_sql_str();
    Migration::new(number, title, MigrationType::Simple, statements, false)
}
