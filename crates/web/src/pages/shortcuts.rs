//! The list of keyboard shortcuts, as a page and as the window that `?` opens.

use askama::Template;

use super::Shell;

/// `GET /shortcuts`.
#[derive(Template)]
#[template(path = "staff/shortcuts.html")]
pub struct ShortcutsPage {
    pub shell: Shell,
    pub keys: Vec<Keys>,
}

/// The same over another page.
#[derive(Template)]
#[template(path = "staff/shortcuts_dialog.html")]
pub struct ShortcutsDialog {
    pub keys: Vec<Keys>,
}

/// Keys of one place: each pressed one after the other, and what they do.
pub struct Keys {
    pub place: &'static str,
    pub lines: &'static [(&'static [&'static str], &'static str)],
}

const EVERYWHERE: Keys = Keys {
    place: "Everywhere",
    lines: &[
        (
            &["Ctrl K"],
            "Find a patient, appointment, link or page, or do something",
        ),
        (&["G", "D"], "Go to the diary"),
        (&["G", "P"], "Go to patients"),
        (&["G", "F"], "Go to financials: Online Payments"),
        (&["G", "S"], "Go to settings"),
        (&["?"], "This list"),
        (&["Esc"], "Close the window, the menu or the list"),
    ],
};
const BOOKING: Keys = Keys {
    place: "Booking",
    lines: &[
        (&["N"], "New appointment, on the day that is shown"),
        (
            &["M"],
            "Move the appointment that has the focus in the diary",
        ),
    ],
};
const ROWS: Keys = Keys {
    place: "Online Payments and Follow up",
    lines: &[
        (&["J"], "Next row"),
        (&["K"], "Previous row"),
        (&["Enter"], "Open the row"),
        (&["X"], "Select the row, or take the selection back"),
    ],
};
const LISTS: Keys = Keys {
    place: "Find or do, and the patient of a booking",
    lines: &[
        (&["↓"], "Next in the list"),
        (&["↑"], "Previous in the list"),
        (&["Enter"], "Take it"),
    ],
};

/// Every key there is for somebody who may book or may not.
#[must_use]
pub fn all(may_book: bool) -> Vec<Keys> {
    let mut all = vec![EVERYWHERE];
    if may_book {
        all.push(BOOKING);
    }
    all.extend([ROWS, LISTS]);
    all
}
