//! Sign-in: the one staff page without the frame.

use askama::Template;

use super::Field;

/// `GET|POST /sign-in`.
#[derive(Template)]
#[template(path = "staff/sign_in.html")]
pub struct SignIn {
    pub csrf: String,
    pub email: Field,
    pub password: Field,
    /// Said above the form when the pair was wrong or the door is throttled; never says which of the two.
    pub refused: Option<String>,
    /// The demo's address and password, to try.
    pub demo: Option<DemoSignIn>,
    /// Where to go afterwards: a path of ours.
    pub next: String,
    pub test_mode: bool,
}

pub struct DemoSignIn {
    pub email: String,
    pub password: String,
    /// Somebody at reception, with the same password.
    pub reception: Option<String>,
    pub tour: Vec<TourStep>,
}

/// Something to try in the demo.
pub struct TourStep {
    /// Where it is done; asks for a sign-in first where that is needed.
    pub href: &'static str,
    pub title: &'static str,
    pub text: &'static str,
}
