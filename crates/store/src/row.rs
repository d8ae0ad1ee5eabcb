//! Rows as both engines answer them. Written here because the library's own derive is a macro crate that links both
//! database drivers once more: it would have SQLite compiled twice in every first build.

/// A struct whose fields are the columns of their names; after `with`, fields that are rows of their own, read from the
/// same columns.
macro_rules! row {
    ($(#[$meta:meta])* $vis:vis struct $name:ident { $($(#[$doc:meta])* $at:vis $field:ident: $type:ty,)* }
        $(with $($inner:ident: $row:ty),+)?) => {
        $(#[$meta])*
        $vis struct $name {
            $($(#[$doc])* $at $field: $type,)*
            $($($inner: $row,)+)?
        }

        row!(@read $name, sqlx::sqlite::SqliteRow, [$($field)*], [$($($inner: $row),+)?]);
        row!(@read $name, sqlx::postgres::PgRow, [$($field)*], [$($($inner: $row),+)?]);
    };
    (@read $name:ident, $of:ty, [$($field:ident)*], [$($inner:ident: $row:ty),*]) => {
        impl<'r> sqlx::FromRow<'r, $of> for $name {
            fn from_row(row: &'r $of) -> sqlx::Result<Self> {
                Ok(Self {
                    $($field: sqlx::Row::try_get(row, stringify!($field))?,)*
                    $($inner: <$row as sqlx::FromRow<'r, $of>>::from_row(row)?,)*
                })
            }
        }
    };
}
