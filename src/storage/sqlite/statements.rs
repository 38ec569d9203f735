//! Statements of many rows in a few fixed sizes, so that each is compiled once a connection and then only bound.

use sqlx::{
    Arguments, Encode, SqliteConnection, Type,
    sqlite::{Sqlite, SqliteArguments},
};

/// How many rows one statement takes: the largest that fits is used first.
const SIZES: [usize; 5] = [256, 64, 16, 4, 1];

/// An `INSERT` of any number of rows.
pub(super) struct ManyRows {
    columns: usize,
    sized: [(usize, String); SIZES.len()],
}

impl ManyRows {
    /// Of `INSERT INTO t (a, b)`, its number of columns, and what follows the values.
    pub(super) fn new(head: &str, columns: usize, tail: &str) -> Self {
        let row = format!("({})", vec!["?"; columns].join(","));
        let sized = SIZES.map(|size| (size, format!("{head} VALUES {} {tail}", vec![row.as_str(); size].join(","))));
        Self { columns, sized }
    }

    /// Inserts the rows in their order.
    pub(super) async fn insert<T>(
        &'static self,
        connection: &mut SqliteConnection,
        rows: &[T],
        bind: impl Fn(&mut Bindings, &T),
    ) -> Result<(), sqlx::Error> {
        let mut rest = rows;
        for (size, sql) in &self.sized {
            while let Some((some, others)) = rest.split_at_checked(*size) {
                if rest.is_empty() {
                    return Ok(());
                }
                let mut bindings = Bindings::with_capacity(size * self.columns);
                for row in some {
                    bind(&mut bindings, row);
                }
                sqlx::query_with(sql.as_str(), bindings.finish()?).execute(&mut *connection).await?;
                rest = others;
            }
        }
        Ok(())
    }
}

/// The values of a statement in the making.
pub(super) struct Bindings {
    arguments: SqliteArguments,
    failed: Option<sqlx::Error>,
}

impl Bindings {
    fn with_capacity(values: usize) -> Self {
        let mut arguments = SqliteArguments::default();
        arguments.reserve(values, 0);
        Self { arguments, failed: None }
    }

    /// Adds a value; a failure is kept until the statement would run.
    pub(super) fn add<'t>(&mut self, value: impl Encode<'t, Sqlite> + Type<Sqlite>) {
        if let Err(error) = self.arguments.add(value) {
            self.failed.get_or_insert(sqlx::Error::Encode(error));
        }
    }

    fn finish(self) -> Result<SqliteArguments, sqlx::Error> {
        match self.failed {
            None => Ok(self.arguments),
            Some(error) => Err(error),
        }
    }
}

/// Keys per lookup, in a few fixed sizes; what does not fill one is padded with nulls, which match nothing.
pub(super) const KEYS_PER_LOOKUP: [usize; 3] = [1, 16, 256];

/// The smallest lookup that takes this many keys, or the largest.
pub(super) fn lookup_size(keys: usize) -> usize {
    KEYS_PER_LOOKUP.into_iter().find(|size| *size >= keys).unwrap_or(256)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_statement_has_a_row_of_placeholders_for_each_row() {
        let many = ManyRows::new("INSERT INTO t (a, b)", 2, "ON CONFLICT DO NOTHING");
        let (size, sql) = &many.sized[3];
        assert_eq!(*size, 4);
        assert_eq!(sql, "INSERT INTO t (a, b) VALUES (?,?),(?,?),(?,?),(?,?) ON CONFLICT DO NOTHING");
    }

    #[test]
    fn a_lookup_is_as_small_as_its_keys_allow() {
        assert_eq!([0, 1, 2, 16, 17, 256, 300].map(lookup_size), [1, 1, 16, 16, 256, 256, 256]);
    }
}
