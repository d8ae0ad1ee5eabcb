//! Every statement of the crate is understood by both engines, against a migrated schema.

use remit_store::{Store, migrate, prepare, statements};

/// A store of its own on each engine at hand; PostgreSQL needs `REMIT_TEST_POSTGRES_URL` (see `scripts/pg`).
async fn stores(name: &str) -> (tempdir::Folder, Vec<Store>) {
    let folder = tempdir::Folder::new(name);
    let mut stores = vec![
        Store::open(&format!("sqlite://{}", folder.file("remit.db")))
            .await
            .unwrap(),
    ];
    match std::env::var("REMIT_TEST_POSTGRES_URL") {
        Ok(url) => stores.push(tempdir::own_database(&url, name).await),
        Err(_) => eprintln!("skipped on PostgreSQL: REMIT_TEST_POSTGRES_URL is not set"),
    }
    (folder, stores)
}

mod tempdir {
    use remit_store::Store;

    /// A folder that goes away with its owner.
    pub struct Folder(std::path::PathBuf);

    impl Folder {
        pub fn new(name: &str) -> Folder {
            let folder =
                std::env::temp_dir().join(format!("remit-store-{name}-{}", std::process::id()));
            std::fs::create_dir_all(&folder).unwrap();
            Folder(folder)
        }

        pub fn file(&self, name: &str) -> String {
            self.0.join(name).display().to_string()
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }

    /// A schema of its own in the test database, so that tests do not meet.
    pub async fn own_database(url: &str, name: &str) -> Store {
        let schema = format!("t_{name}_{}", std::process::id());
        let joined = if url.contains('?') { '&' } else { '?' };
        let store = Store::open(&format!("{url}{joined}options=-c%20search_path%3D{schema}"))
            .await
            .unwrap();
        remit_store::migrate::own_schema(&store, &schema)
            .await
            .unwrap();
        store
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn both_engines_understand_every_statement() {
    let (_folder, stores) = stores("statements").await;
    for store in &stores {
        let applied = migrate::run(store).await.unwrap();
        assert_eq!(applied, [1]);
        assert_eq!(
            migrate::run(store).await.unwrap(),
            [0_i64; 0],
            "a second start changes nothing"
        );
        let mut wrong = Vec::new();
        for (name, sql) in statements() {
            if let Err(error) = prepare(store, sql).await {
                wrong.push(format!("{name}: {error}"));
            }
        }
        assert!(wrong.is_empty(), "sqlite {}: {wrong:#?}", store.is_sqlite());
        for verdict in remit_store::check::run(store).await.unwrap() {
            assert!(verdict.broken.is_empty(), "{verdict:?}");
        }
    }
    assert!(statements().len() > 100);
}
