//! The style guide: every part of the pages in each of its states, made by the same macros and pieces of template as
//! the pages themselves. Demo only.

use askama::Template;

use super::chart::Chart;
use super::links::{LinkWindow, Tab};
use super::online_payments::LinkRow;
use super::summary::{Figure, Step};
use super::{Field, TimelineEntry, Toast};

/// `GET /styleguide`.
#[derive(Template)]
#[template(path = "demo/styleguide.html")]
pub struct Styleguide {
    pub tabs: Vec<Tab>,
    pub follow_up_count: u64,
    pub rows: Vec<LinkRow>,
    pub window: LinkWindow,
    pub timeline: Vec<TimelineEntry>,
    pub chart: Chart,
    pub figures: Vec<Figure>,
    pub funnel: Vec<Step>,
    pub toasts: Vec<Toast>,
    /// As the pages' own address where a piece asks for it.
    pub here: &'static str,
    pub empty: Field,
    pub filled: Field,
    pub wrong: Field,
}

impl Styleguide {
    /// Custom properties of the style sheet and what each is for, in the order of its `tokens` layer.
    pub const COLOURS: &[(&str, &str)] = &[
        ("bg", "Behind everything"),
        ("surface", "Cards, fields"),
        ("raised", "Windows, menus"),
        ("sunken", "Wells, hover"),
        ("line", "Between rows"),
        ("line-strong", "Edges of buttons"),
        ("control", "Edges of fields"),
        ("ink", "Text"),
        ("ink-2", "Secondary text"),
        ("ink-3", "Captions"),
        ("brand", "Main button, links"),
        ("brand-hover", "The same, pointed at"),
        ("brand-soft", "Chosen"),
        ("focus", "Focus ring"),
        ("danger", "Errors, the present minute"),
        ("danger-bg", "Behind errors"),
        ("created-fg", "Created"),
        ("sent-fg", "Sent"),
        ("accessed-fg", "Accessed, warnings"),
        ("paid-fg", "Paid"),
        ("expired-fg", "Expired"),
        ("cancelled-fg", "Cancelled"),
        ("progress-fg", "In progress"),
        ("c1", "Chart: card"),
        ("c2", "Chart: Klarna"),
        ("c3", "Chart: Clearpay"),
        ("c4", "Chart: other"),
    ];

    /// Sizes of type, in pixels at the usual setting, with what is set in them.
    pub const SIZES: &[(&str, &str)] = &[
        ("xs", "12 px, captions"),
        ("sm", "13 px, hints and details"),
        ("md", "14 px, text"),
        ("lg", "16 px, headings of cards"),
        ("xl", "18 px, headings of windows"),
        ("2xl", "22 px, the page’s heading"),
        ("3xl", "28 px, figures"),
        ("4xl", "36 px, reserved"),
    ];
}

/// `GET /styleguide/patient`: the same for the patient's pages, in their own style sheet.
#[derive(Template)]
#[template(path = "demo/styleguide_patient.html")]
pub struct StyleguidePatient {
    pub plan: super::patient::Plan,
}

/// `GET /styleguide/window`: a window over the guide.
#[derive(Template)]
#[template(path = "demo/styleguide_window.html")]
pub struct StyleguideWindow;
