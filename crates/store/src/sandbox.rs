//! The sandbox company's books: versioned documents, changed by compare-and-swap, so that any node may serve it.

use remit_core::UtcMs;

use crate::{Result, Store, Tx};

statements! {
    GET = ["SELECT id, version, body, due_at FROM sandbox_object WHERE kind = $1 AND id = $2"];
    INSERT = ["INSERT INTO sandbox_object (kind, id, version, body, due_at) VALUES ($1, $2, 1, $3, $4)
        ON CONFLICT (kind, id) DO NOTHING"];
    SWAP = ["UPDATE sandbox_object SET version = version + 1, body = $4, due_at = $5
        WHERE kind = $1 AND id = $2 AND version = $3"];
    LIST = ["SELECT id, version, body, due_at FROM sandbox_object WHERE kind = $1 AND id > $2 ORDER BY id LIMIT $3"];
    DUE = ["SELECT id, version, body, due_at FROM sandbox_object WHERE kind = $1 AND due_at IS NOT NULL
        AND due_at <= $2 ORDER BY due_at LIMIT $3"];
}

row! {
    /// One document.
    #[derive(Clone, Debug)]
    pub struct Document {
        pub id: String,
        pub version: i64,
        pub body: String,
        pub due_at: Option<UtcMs>,
    }
}

/// # Errors
/// The engine's own.
pub async fn get(store: &Store, kind: &str, id: &str) -> Result<Option<Document>> {
    read_opt!(store, Document, GET, kind.to_owned(), id.to_owned())
}

/// Writes a document if it still has the expected version (0: does not exist yet); false when it has not.
///
/// # Errors
/// The engine's own.
pub async fn put(
    tx: &mut Tx,
    kind: &str,
    id: &str,
    expected: i64,
    body: &str,
    due_at: Option<UtcMs>,
) -> Result<bool> {
    let (kind, id, body) = (kind.to_owned(), id.to_owned(), body.to_owned());
    let rows = if expected == 0 {
        exec!(tx, INSERT, kind, id, body, due_at)?
    } else {
        exec!(tx, SWAP, kind, id, expected, body, due_at)?
    };
    Ok(rows == 1)
}

/// Documents of a kind by id, after the given one.
///
/// # Errors
/// The engine's own.
pub async fn list(store: &Store, kind: &str, after: &str, limit: i64) -> Result<Vec<Document>> {
    read_all!(
        store,
        Document,
        LIST,
        kind.to_owned(),
        after.to_owned(),
        limit
    )
}

/// Documents whose time has come, oldest first.
///
/// # Errors
/// The engine's own.
pub async fn due(store: &Store, kind: &str, now: UtcMs, limit: i64) -> Result<Vec<Document>> {
    read_all!(store, Document, DUE, kind.to_owned(), now, limit)
}
