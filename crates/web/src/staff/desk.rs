//! The desk: everything that a handler of a staff page needs to know of the request.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use remit_app::{
    Actor, App, ClinicContext, clinics, findings, follow_up, keys, links, notifications,
};
use remit_core::UtcMs;
use remit_core::clinic::{Clinic, initials};
use remit_core::contact::{Email, Phone};
use remit_core::deliveries::Channel;
use remit_core::ids::ClinicId;
use remit_core::money::{Currency, Money};
use remit_core::roles::Permission;

use super::answer::Failure;
use super::clock::Clock;
use super::session::{SignedIn, cookie};
use crate::pages::{Section, Shell, Theme};
use crate::patient::brand;

/// What the browser wants back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wants {
    Page,
    /// The window over another page.
    Dialog,
    /// The page, to take changed pieces out of.
    Live,
}

pub struct Desk {
    pub app: Arc<App>,
    pub who: SignedIn,
    pub context: Arc<ClinicContext>,
    pub clock: Clock,
    pub wants: Wants,
    theme: Theme,
    keys_off: bool,
}

impl Desk {
    /// # Errors
    /// The store's.
    pub async fn of(app: &Arc<App>, who: SignedIn, parts: &Parts) -> remit_app::Result<Desk> {
        let context = clinics::context(app, who.actor.clinic).await?;
        let clock = Clock::new(&context.clinic.zone, app.now().await?);
        let fragment = parts
            .headers
            .get("remit-fragment")
            .and_then(|value| value.to_str().ok());
        Ok(Desk {
            app: app.clone(),
            who,
            context,
            clock,
            wants: match fragment {
                Some("dialog") => Wants::Dialog,
                Some("live") => Wants::Live,
                _ => Wants::Page,
            },
            theme: cookie(&parts.headers, "theme").map_or(Theme::System, Theme::from_cookie),
            keys_off: cookie(&parts.headers, "keys") == Some("off"),
        })
    }

    pub fn actor(&self) -> &Actor {
        &self.who.actor
    }

    pub fn clinic(&self) -> ClinicId {
        self.who.actor.clinic
    }

    pub fn about(&self) -> &Clinic {
        &self.context.clinic
    }

    /// An amount in the clinic's currency, from minor units.
    pub fn money(&self, minor: i64) -> Money {
        Money::new(minor, self.currency())
    }

    pub fn currency(&self) -> Currency {
        self.context.clinic.currency
    }

    pub fn now(&self) -> UtcMs {
        self.clock.now
    }

    pub fn may(&self, permission: Permission) -> bool {
        self.who.actor.role.may(permission)
    }

    /// A patient's number as this person may see it: whole and grouped, or masked (hazard E4).
    pub fn phone(&self, e164: &str) -> String {
        if self.may(Permission::Contact) {
            Phone::grouped(e164)
        } else {
            Phone::mask(e164)
        }
    }

    /// The same as people in the clinic's country write it.
    pub fn number(&self, e164: &str) -> String {
        if self.may(Permission::Contact) {
            Phone::written_in(e164, &self.about().country)
        } else {
            Phone::mask(e164)
        }
    }

    /// A patient's email address as this person may see it.
    pub fn email(&self, address: &str) -> String {
        if self.may(Permission::Contact) {
            address.to_owned()
        } else {
            Email::mask(address)
        }
    }

    /// Where a message of this channel went, as this person may see it.
    pub fn reached(&self, channel: Channel, address: &str) -> String {
        match channel {
            Channel::Sms => self.phone(address),
            Channel::Email | Channel::Qr | Channel::Copy => self.email(address),
        }
    }

    /// A key for a form that is shown once (hazard A15).
    ///
    /// # Errors
    /// The operating system gave no random bits.
    pub fn key(&self) -> remit_app::Result<String> {
        keys::random_secret()
    }

    /// What stands around the page.
    ///
    /// # Errors
    /// The store's.
    pub async fn shell(&self, section: Section) -> remit_app::Result<Shell> {
        let clinic = self.about();
        let accessed = links::accessed(&self.app, self.clinic()).await?.links;
        let waiting = follow_up::waiting(&self.app, self.clinic(), accessed, self.now()).await?;
        let open_findings = findings::count(&self.app, self.clinic()).await?;
        let unread = notifications::unread(&self.app, self.actor()).await?;
        let actor = self.actor();
        Ok(Shell {
            clinic: clinic.name.clone(),
            place: clinic.strapline.clone(),
            initials: clinic.initials(),
            logo: brand::logo(&self.context),
            staff: actor.label.clone(),
            role: actor.role.title().into(),
            staff_initials: initials(&actor.label),
            section,
            follow_up: waiting,
            findings: open_findings.max(0).unsigned_abs(),
            unread: unread.max(0).unsigned_abs(),
            made_at: self.now(),
            test_mode: self.context.is_test(),
            csrf: self.who.csrf.clone(),
            may_book: self.may(Permission::Book),
            may_take: self.may(Permission::TakeMoney),
            may_configure: self.may(Permission::Configure),
            may_administer: self.may(Permission::Administer),
            theme: self.theme,
            keys_off: self.keys_off,
            toasts: vec![],
        })
    }
}

impl FromRequestParts<Arc<App>> for Desk {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Failure> {
        let who = parts
            .extensions
            .get::<SignedIn>()
            .cloned()
            .ok_or(remit_app::Error::Forbidden)?;
        Ok(Desk::of(app, who, parts).await?)
    }
}
