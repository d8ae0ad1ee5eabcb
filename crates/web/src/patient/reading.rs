//! Which language a patient's page speaks: the one chosen on the page, else the patient's own; where no patient is
//! known, what the browser asks for.

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use axum::http::header::ACCEPT_LANGUAGE;
use axum::http::request::Parts;
use axum::http::{HeaderValue, header};
use axum::response::Response;
use remit_app::clinics::in_language;
use remit_core::UtcMs;
use remit_core::clinic::Clinic;
use remit_core::languages::{self, DateStyle, Language, PageWords};
use remit_core::money::Money;

use crate::cookies;

/// Remembers a choice, so that the pages after it and the way back from the provider keep to it.
const COOKIE: &str = "__Host-remit_language";
const COOKIE_SECONDS: i64 = 30 * 24 * 60 * 60;

/// What a request says about languages. Choosing one is a link (`?language=cy`), so it needs no script.
pub struct Reading {
    chosen: Option<&'static Language>,
    accepted: &'static Language,
    /// The choice was made by this very request.
    is_new: bool,
}

impl Reading {
    /// The language of a page about this patient's payment.
    pub fn of(&self, locale: &str) -> &'static Language {
        self.chosen.unwrap_or_else(|| languages::of_locale(locale))
    }

    /// The language that was chosen on a page, where one was (BCP 47).
    pub fn chosen(&self) -> Option<&'static str> {
        self.chosen.map(|language| language.html_lang)
    }

    /// The language of a page about nobody.
    pub fn of_nobody(&self) -> &'static Language {
        self.chosen.unwrap_or(self.accepted)
    }

    /// Keeps a choice that was just made.
    pub fn remember(&self, mut response: Response) -> Response {
        let cookie = self
            .chosen
            .filter(|_| self.is_new)
            .and_then(|language| cookies::set(COOKIE, language.tag, COOKIE_SECONDS));
        if let Some(cookie) = cookie {
            response.headers_mut().append(header::SET_COOKIE, cookie);
        }
        response
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Reading {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Reading, Infallible> {
        let asked = parts.uri.query().unwrap_or_default().split('&');
        let asked = asked
            .filter_map(|pair| pair.strip_prefix("language="))
            .find_map(languages::named);
        let kept = cookies::read(&parts.headers, COOKIE).and_then(languages::named);
        let accepted = parts
            .headers
            .get(ACCEPT_LANGUAGE)
            .map_or("", |value| HeaderValue::to_str(value).unwrap_or_default());
        Ok(Reading {
            chosen: asked.or(kept),
            accepted: languages::of_accept(accepted),
            is_new: asked.is_some(),
        })
    }
}

/// Says things in one language about one clinic.
#[derive(Clone, Copy)]
pub struct Voice<'a> {
    pub clinic: &'a Clinic,
    pub language: &'static Language,
}

impl Voice<'_> {
    pub fn words(&self) -> &'static PageWords {
        &self.language.page
    }

    pub fn money(&self, money: Money) -> String {
        self.language.isolated(&self.language.money(money))
    }

    pub fn date(&self, at: UtcMs, style: DateStyle) -> String {
        let date = in_language(self.clinic, at, self.language, style);
        self.language.isolated(&date)
    }

    /// `08:05`.
    pub fn time(&self, at: UtcMs) -> String {
        remit_app::clinics::in_zone(self.clinic, at, "%H:%M")
    }

    /// A text of ours with its values, each in its own direction.
    pub fn fill(&self, text: &str, values: &[(&str, &str)]) -> String {
        let values: Vec<(&str, String)> = values
            .iter()
            .map(|(name, value)| (*name, self.language.isolated(value)))
            .collect();
        let values: Vec<(&str, &str)> = values
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
            .collect();
        languages::fill(text, &values)
    }
}
