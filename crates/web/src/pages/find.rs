//! Find or do: what a few typed words lead to, as a page, and as the list of the window that Ctrl K opens.

use askama::Template;

use super::{LinkStatus, Shell};

/// `GET /find?q=`: for whoever has no script, or opens it in a tab.
#[derive(Template)]
#[template(path = "staff/find.html")]
pub struct Find {
    pub shell: Shell,
    pub hits: Hits,
}

/// The list alone.
#[derive(Template)]
#[template(path = "staff/find_hits.html")]
pub struct FindHits {
    pub hits: Hits,
}

pub struct Hits {
    pub q: String,
    pub csrf: String,
    /// None is empty.
    pub groups: Vec<Group>,
}

impl Hits {
    /// Read out when the list has changed.
    #[must_use]
    pub fn count(&self) -> String {
        match self.groups.iter().map(|group| group.hits.len()).sum() {
            0 => "Nothing found".into(),
            1 => "1 result".into(),
            more => format!("{more} results"),
        }
    }
}

pub struct Group {
    pub name: &'static str,
    pub hits: Vec<Hit>,
}

/// One line that leads somewhere.
#[derive(Clone, Debug)]
pub struct Hit {
    pub href: String,
    pub icon: &'static str,
    pub title: String,
    /// May be empty.
    pub detail: String,
    pub opens: Opens,
    pub status: Option<LinkStatus>,
    /// The keys that do the same, as in the list of shortcuts; empty: none.
    pub keys: &'static str,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opens {
    Page,
    /// A window over the page; a page of its own without a script.
    Window,
    /// A form that posts.
    Post,
}
