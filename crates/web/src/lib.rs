//! The doors: staff pages, patient pages, JSON API, provider webhooks; templates and assets.

pub mod assets;
pub mod pages;
