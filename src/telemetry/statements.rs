//! Statements that insert many rows. Knows nothing of what the rows say.

use std::collections::HashMap;
use std::sync::Arc;

use crate::store::Backend;

/// Rows of one statement, so that there are only so many statements: the database keeps each one that it has prepared,
/// and those of many rows are large. SQLite takes at most 32,766 parameters.
const ROWS: [usize; 4] = [256, 32, 4, 1];

/// Those that were made, by their heads and how many rows they have: few, and one of many rows takes as long to write
/// down as its rows.
#[derive(Debug)]
pub(super) struct Statements {
    backend: Backend,
    made: HashMap<(&'static str, usize), Arc<str>>,
}

impl Statements {
    pub(super) fn new(backend: Backend) -> Self {
        Self {
            backend,
            made: HashMap::new(),
        }
    }

    /// The head and the placeholders of so many rows.
    pub(super) fn of(&mut self, head: &'static str, rows: usize, columns: usize) -> Arc<str> {
        let backend = self.backend;
        let make = || format!("{head}{}", placeholders(backend, rows, columns)).into();
        Arc::clone(self.made.entry((head, rows)).or_insert_with(make))
    }
}

/// Pieces of the lengths that statements have.
pub(super) fn batches<T>(mut rest: &[T]) -> impl Iterator<Item = &[T]> {
    std::iter::from_fn(move || {
        let length = ROWS.into_iter().find(|length| *length <= rest.len())?;
        let (batch, more) = rest.split_at(length);
        rest = more;
        Some(batch)
    })
}

/// `($1, $2), ($3, $4)`, or `(?, ?), (?, ?)` for SQLite: sqlx asks it for the name of each parameter when it binds one, and
/// SQLite goes through all names before it, which took most of the time that thousands of them took.
fn placeholders(backend: Backend, rows: usize, columns: usize) -> String {
    let parameter = |number: usize| match backend {
        Backend::Sqlite => "?".to_owned(),
        Backend::Postgres => format!("${number}"),
    };
    let row = |row: usize| {
        let parameters = (1..=columns).map(|column| parameter(row * columns + column));
        format!("({})", parameters.collect::<Vec<_>>().join(", "))
    };
    (0..rows).map(row).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_have_the_lengths_of_statements_and_leave_nothing_out() {
        let rows: Vec<usize> = (0..300).collect();
        let lengths: Vec<usize> = batches(&rows).map(<[usize]>::len).collect();
        assert_eq!(lengths, [256, 32, 4, 4, 4]);
        assert_eq!(batches(&rows).flatten().count(), 300);
    }

    #[test]
    fn a_statement_has_a_placeholder_for_each_value() {
        let head = "INSERT INTO t (a, b) VALUES ";
        let text = |backend| Statements::new(backend).of(head, 2, 2);
        assert_eq!(
            &*text(Backend::Sqlite),
            "INSERT INTO t (a, b) VALUES (?, ?), (?, ?)"
        );
        assert_eq!(
            &*text(Backend::Postgres),
            "INSERT INTO t (a, b) VALUES ($1, $2), ($3, $4)"
        );
    }
}
