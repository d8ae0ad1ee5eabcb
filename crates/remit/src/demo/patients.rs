//! The demo's patients: invented names, numbers from Ofcom's block for drama, addresses that cannot exist.

use std::sync::Arc;

use anyhow::Result;
use remit_app::patients::{self, PatientInput};
use remit_app::views::Patient;
use remit_app::{Actor, App};

const NAMES: &[&str] = &[
    "Gareth Evans",
    "Oliver Denby",
    "Hannah Whitlock",
    "Mohammed Iqbal",
    "Ruth Sandler",
    "Declan O’Rourke",
    "Charlotte Penn",
    "Carol Atherton",
    "Imogen Fairchild",
    "Sunita Mistry",
    "Rachel Oyelaran",
    "Beth Garside",
    "Fiona MacLeod",
    "Angharad Price",
    "Zoe Lambert",
    "Arthur Bannister",
    "Joan Pickersgill",
    "Peter Szymański",
    "Leanne Cartwright",
    "Daniel Achebe",
    "Winifred Hoyle",
    "Lewis Thornton",
    "Kate Ingleby",
    "Sam Whitfield",
    "Nadia Rossi",
    "Harriet Bowes",
    "Marcus Delaney",
    "Joyce Entwistle",
    "Eleanor Chadwick",
    "Priti Shah",
    "Owen Prosser",
    "Margaret Tilley",
    "Aisha Rahman",
    "Callum Baird",
    "Sofia Marin",
    "Geoffrey Lunn",
    "Tamsin Roe",
    "Idris Bevan",
    "Yasmin Haddad",
    "Colin Pardoe",
    "Freya Nordin",
    "Bola Adeyemi",
    "Rosalind Kerr",
    "Vikram Sethi",
];

/// Whose number no message reaches (the tray's own rule).
pub const UNREACHABLE: usize = 40;

/// Adds the patients, in the order of the diary.
pub async fn add(app: &Arc<App>, desk: &Actor) -> Result<Vec<Patient>> {
    let mut added = Vec::new();
    for (index, name) in NAMES.iter().enumerate() {
        let mailbox: String = name
            .to_lowercase()
            .replace('ń', "n")
            .replace(' ', ".")
            .chars()
            .filter(|c| c.is_ascii_alphanumeric() || *c == '.')
            .collect();
        let input = PatientInput {
            name: (*name).into(),
            email: Some(format!("{mailbox}@mail.example")),
            phone: Some(match index {
                UNREACHABLE => remit_app::tray::UNREACHABLE.into(),
                index => format!("+447700900{:03}", 101 + index * 7),
            }),
            locale: None,
        };
        added.push(patients::create(app, desk, None, input).await?);
    }
    Ok(added)
}
