//! Where the company keeps what it knows: small JSON records under compare-and-swap. The floor above implements it
//! over its database; several nodes may serve the company at once.

use async_trait::async_trait;

/// A stored record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    pub id: String,
    /// 1 when first put, one more with each put.
    pub version: i64,
    /// JSON text.
    pub body: String,
    /// When the background work must look at it, in UTC milliseconds.
    pub due_at: Option<i64>,
}

/// The company's memory. `kind` and `id` are ASCII, `kind` up to 160 bytes (some name an account or a reference:
/// `event/sbx_acct_..`), `id` up to 128; ids are compared byte by byte (`COLLATE "C"` on PostgreSQL).
///
/// Every error is a sentence for the log.
#[async_trait]
pub trait Vault: Send + Sync {
    /// The record, or `None`.
    ///
    /// # Errors
    /// It could not be read.
    async fn get(&self, kind: &str, id: &str) -> Result<Option<Record>, String>;

    /// Writes version `expected_version + 1` if the stored version is `expected_version` (0: no record yet).
    /// `false`: somebody else was first, and nothing was written.
    ///
    /// # Errors
    /// It may or may not have been written.
    async fn put(
        &self,
        kind: &str,
        id: &str,
        expected_version: i64,
        body: String,
        due_at: Option<i64>,
    ) -> Result<bool, String>;

    /// Records of a kind with an id above `after_id` (an empty one: from the start), by id ascending.
    ///
    /// # Errors
    /// They could not be read.
    async fn list(&self, kind: &str, after_id: &str, limit: i64) -> Result<Vec<Record>, String>;

    /// Records of a kind with `due_at <= now`, the longest due first.
    ///
    /// # Errors
    /// They could not be read.
    async fn due(&self, kind: &str, now: i64, limit: i64) -> Result<Vec<Record>, String>;
}
