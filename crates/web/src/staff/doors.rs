//! Every staff route with the one permission it needs: the table that the router is made of, so that no route can be
//! outside it (suite S11).

use std::pin::Pin;
use std::sync::Arc;

use axum::RequestExt as _;
use axum::body::{Body, to_bytes};
use axum::extract::{Form as Fields, Request, State};
use axum::handler::Handler;
use axum::http::Method;
use axum::middleware::Next;
use axum::response::Response;
use axum::routing::{MethodRouter, get, post};
use remit_app::App;
use remit_core::roles::Permission;
use remit_core::roles::Permission::{Administer, Book, Configure, Look, Refund, TakeMoney};

use super::answer::{Failed, Failure, page};
use super::desk::Desk;
use super::forms::{FORM_BYTES_MAX, Form, Upload, has_file, with_file};
use super::session::{SignedIn, same_token, stranger};
use super::{
    account, api_keys, appointments, audit, booking, checkout, clinic, diary, digest, ending,
    exports, find, findings, follow_up, link_panel, link_rows, links, merging, messaging, methods,
    new_link, new_patient, notifications, online_payments, patients, payment, payments, people,
    practitioners, providers, receipts, refunds, reminders, reschedule, selection, sending_limits,
    sentences, services, shortcuts, sign_in, summary, templates,
};
use crate::pages::Section;
use crate::pages::message::{Message, PlainMessage};

/// A handler whatever it reads from the request. All doors are of this one type: what axum wraps around a handler would
/// otherwise be compiled for each of them.
type Answerer = Arc<dyn Fn(Request, Arc<App>) -> Answering + Send + Sync>;
type Answering = Pin<Box<dyn Future<Output = Response> + Send>>;

/// One route: how it is asked for, what it needs, who answers.
pub struct Door {
    pub method: Method,
    pub path: &'static str,
    pub permission: Permission,
    answerer: Answerer,
}

impl Door {
    fn new<H, T>(method: Method, path: &'static str, permission: Permission, handler: H) -> Door
    where
        H: Handler<T, Arc<App>, Future = Answering>,
    {
        Door {
            method,
            path,
            permission,
            answerer: Arc::new(move |request, app| handler.clone().call(request, app)),
        }
    }

    /// The door as axum opens it: only to the door's method.
    pub(super) fn handler(self) -> MethodRouter<Arc<App>> {
        let answerer = self.answerer;
        let handler = move |State(app): State<Arc<App>>, request: Request| answerer(request, app);
        if self.method == Method::POST {
            post(handler)
        } else {
            get(handler)
        }
    }
}

fn see<H, T>(path: &'static str, permission: Permission, handler: H) -> Door
where
    H: Handler<T, Arc<App>, Future = Answering>,
{
    Door::new(Method::GET, path, permission, handler)
}

fn act<H, T>(path: &'static str, permission: Permission, handler: H) -> Door
where
    H: Handler<T, Arc<App>, Future = Answering>,
{
    Door::new(Method::POST, path, permission, handler)
}

/// The table.
pub fn doors() -> Vec<Door> {
    let mut doors = desk_doors();
    doors.extend(settings_doors());
    doors
}

/// The desk: diary, patients, money.
#[rustfmt::skip]
fn desk_doors() -> Vec<Door> {
    vec![
        act("/sign-out", Look, sign_in::leave),
        see("/", Look, diary::show),
        see("/diary", Look, diary::show),
        see("/appointments/new", Book, booking::show),
        act("/appointments/new", Book, booking::preview),
        act("/appointments", Book, booking::book),
        see("/appointments/{id}", Look, appointments::show),
        act("/appointments/{id}/status", Book, appointments::change_status),
        see("/appointments/{id}/end", Book, ending::show),
        act("/appointments/{id}/end", Book, ending::save),
        see("/appointments/{id}/reschedule", Book, reschedule::show),
        act("/appointments/{id}/reschedule", Book, reschedule::save),
        act("/appointments/{id}/charges", TakeMoney, appointments::add_charge),
        act("/appointments/{id}/charges/{charge}/remove", TakeMoney, appointments::remove_charge),
        act("/appointments/{id}/checkout", TakeMoney, checkout::check_out),
        see("/payment-links/{id}", Look, links::show),
        see("/payment-links/{id}/receipt", Look, receipts::of_link),
        act("/payment-links/{id}/deliveries", TakeMoney, links::deliver),
        act("/payment-links/{id}/cancel", TakeMoney, links::cancel),
        act("/payment-links/{id}/renew", TakeMoney, links::renew),
        see("/payment-links/{id}/follow-up", Look, follow_up::show_row),
        act("/payment-links/{id}/follow-up", TakeMoney, follow_up::mark),
        see("/payment-links/{id}/row", Look, link_rows::show),
        see("/payment-links/{id}/timeline", Look, link_panel::show),
        act("/appointments/{id}/payment-links", TakeMoney, new_link::make),
        see("/financials/online-payments/new", TakeMoney, new_link::show),
        act("/financials/online-payments/export", TakeMoney, exports::export),
        act("/financials/online-payments/selection", TakeMoney, selection::act),
        see("/payment-links/{id}/refund", TakeMoney, refunds::of_link),
        see("/payments/{id}", Look, payment::show),
        see("/payments/{id}/receipt", Look, receipts::show),
        act("/payments/{id}/receipt", TakeMoney, receipts::send),
        see("/payments/{id}/receipt.pdf", Look, receipts::file),
        see("/payments/{id}/refund", TakeMoney, refunds::show),
        act("/payments/{id}/refund", TakeMoney, refunds::give_back),
        act("/payments/{id}/correct", TakeMoney, refunds::correct),
        act("/refunds/{id}/approve", Refund, payment::approve),
        act("/refunds/{id}/decline", TakeMoney, payment::decline),
        see("/financials", Look, online_payments::start),
        see("/financials/online-payments", Look, online_payments::show),
        see("/financials/online-payments/follow-up", Look, follow_up::show),
        see("/financials/summary", Look, summary::show),
        see("/financials/summary.csv", Look, summary::csv),
        see("/financials/payments", Look, payments::show),
        see("/financials/findings", Look, findings::show),
        act("/financials/findings/{id}/close", Refund, findings::close),
        act("/financials/findings/{id}/ask", Refund, findings::ask),
        see("/financials/findings/{id}/match", Refund, findings::matching::show),
        act("/financials/findings/{id}/match", Refund, findings::matching::place),
        act("/financials/failed-work/{id}/retry", Refund, findings::retry),
        act("/financials/events/retry", Refund, findings::apply_again),
        act("/financials/credits/{id}/keep", Refund, findings::keep),
        see("/find", Look, find::show),
        see("/shortcuts", Look, shortcuts::show),
        see("/notifications", Look, notifications::show),
        act("/notifications/read", Look, notifications::read),
        see("/patients", Look, patients::list),
        see("/patients/new", Book, new_patient::show),
        act("/patients/new", Book, new_patient::create),
        see("/patients/{id}", Look, patients::show),
        act("/patients/{id}", Book, patients::save),
        act("/patients/{id}/notes", Book, patients::note),
        act("/patients/{id}/notes/{note}/strike", Book, patients::strike),
        see("/patients/{id}/merge", Configure, merging::show),
        act("/patients/{id}/merge", Configure, merging::merge),
    ]
}

/// The settings, and what each person changes by themselves.
#[rustfmt::skip]
fn settings_doors() -> Vec<Door> {
    vec![
        see("/settings", Look, methods::start),
        see("/settings/payment-methods", Look, methods::show),
        act("/settings/payment-methods", Configure, methods::save),
        see("/settings/messages/texts", Look, templates::show),
        act("/settings/messages/texts", Configure, templates::save),
        act("/settings/messages/texts/preview", Configure, templates::preview),
        see("/settings/providers", Administer, providers::show),
        act("/settings/providers/{provider}", Administer, providers::save),
        act("/settings/providers/{provider}/test", Administer, providers::test),
        act("/settings/providers/{provider}/register", Administer, providers::register),
        act("/settings/providers/{provider}/enable", Administer, providers::enable),
        act("/settings/providers/{provider}/disable", Administer, providers::disable),
        see("/settings/messages", Administer, messaging::show),
        act("/settings/messages/{channel}", Administer, messaging::save),
        act("/settings/messages/{channel}/test", Administer, messaging::test),
        act("/settings/messages/{channel}/disconnect", Administer, messaging::disconnect),
        see("/settings/refunds", Look, refunds::limits),
        act("/settings/refunds", Administer, refunds::save_limits),
        see("/settings/reminders", Look, reminders::show),
        act("/settings/reminders", Configure, reminders::save),
        see("/settings/limits", Look, sending_limits::show),
        act("/settings/limits", Configure, sending_limits::save),
        see("/settings/receipts", Look, receipts::settings),
        act("/settings/receipts", Configure, receipts::save_settings),
        see("/settings/digest", Look, digest::show),
        act("/settings/digest", Configure, digest::save),
        see("/settings/clinic", Look, clinic::show),
        act("/settings/clinic", Configure, clinic::save),
        see("/settings/clinic/preview", Look, clinic::show_preview),
        act("/settings/clinic/logo", Configure, clinic::set_logo),
        act("/settings/clinic/logo/remove", Configure, clinic::drop_logo),
        see("/settings/staff", Administer, people::list),
        see("/settings/staff/new", Administer, people::fresh),
        act("/settings/staff/new", Administer, people::invite),
        see("/settings/staff/{id}", Administer, people::show),
        act("/settings/staff/{id}", Administer, people::save),
        act("/settings/staff/{id}/password", Administer, people::reset),
        act("/settings/staff/{id}/sign-out", Administer, people::sign_out),
        act("/settings/staff/{id}/deactivate", Administer, people::deactivate),
        act("/settings/staff/{id}/reactivate", Administer, people::reactivate),
        see("/settings/api-keys", Administer, api_keys::list),
        act("/settings/api-keys", Administer, api_keys::create),
        act("/settings/api-keys/{id}/revoke", Administer, api_keys::revoke),
        see("/settings/audit", Configure, audit::show),
        see("/account", Look, account::show),
        act("/account", Look, account::save),
        act("/account/password", Look, account::change_password),
        act("/account/sessions/{id}/end", Look, account::end_session),
        act("/account/sign-out-others", Look, account::end_others),
        see("/settings/services", Look, services::list),
        see("/settings/services/new", Configure, services::fresh),
        act("/settings/services/new", Configure, services::create),
        see("/settings/services/{id}", Configure, services::show),
        act("/settings/services/{id}", Configure, services::change),
        see("/settings/practitioners", Look, practitioners::list),
        see("/settings/practitioners/new", Configure, practitioners::fresh),
        act("/settings/practitioners/new", Configure, practitioners::create),
        see("/settings/practitioners/{id}", Configure, practitioners::show),
        act("/settings/practitioners/{id}", Configure, practitioners::change),
        act("/settings/practitioners/{id}/retire", Configure, practitioners::retire),
        act("/settings/practitioners/{id}/absences", Configure, practitioners::add_absence),
        act("/settings/practitioners/{id}/absences/{absence}/remove", Configure, practitioners::remove_absence),
    ]
}

#[derive(Clone)]
pub struct Guard {
    pub app: Arc<App>,
    pub permission: Permission,
}

/// Lets a request in: somebody is signed in, their role may do this, the form is theirs. Turns a failure into its page.
pub async fn admit(State(guard): State<Guard>, request: Request, next: Next) -> Response {
    let (mut parts, body) = request.into_parts();
    let who = match SignedIn::find(&guard.app, &parts.headers).await {
        Ok(Some(who)) => who,
        Ok(None) => return stranger(&parts),
        Err(error) => return plain(&Failure::Verb(error)),
    };
    let posted = parts.method == Method::POST;
    let desk = match Desk::of(&guard.app, who.clone(), &parts).await {
        Ok(desk) => desk,
        Err(error) => return plain(&Failure::Verb(error)),
    };
    if !desk.may(guard.permission) {
        return framed(&desk, &Failure::Verb(remit_app::Error::Forbidden)).await;
    }
    let mut body = body;
    if posted {
        let (form, upload) = match read(&parts, body, &who).await {
            Ok(read) => read,
            Err(failure) => return framed(&desk, &failure).await,
        };
        parts.extensions.insert(form);
        parts.extensions.insert(upload);
        body = Body::empty();
    }
    parts.extensions.insert(who);
    let request = Request::from_parts(parts, body);
    let answer = if posted {
        // The verb goes on to its end although the browser has hung up: it must not be cut between two steps.
        match tokio::spawn(next.run(request)).await {
            Ok(answer) => answer,
            Err(error) => {
                tracing::error!("a staff form failed: {error}");
                return plain(&Failure::Verb(remit_app::Error::Setup(
                    "a form failed".into(),
                )));
            }
        }
    } else {
        next.run(request).await
    };
    match answer.extensions().get::<Failed>().cloned() {
        Some(failed) => framed(&desk, &failed.0).await,
        None => answer,
    }
}

/// Reads the form and checks that it comes from a page of this session (hazard B12).
async fn read(
    parts: &axum::http::request::Parts,
    body: Body,
    who: &SignedIn,
) -> Result<(Form, Upload), Failure> {
    let (form, upload) = if has_file(parts) {
        with_file(parts, body).await?
    } else {
        (fields(parts, body).await?, Upload::default())
    };
    if same_token(&who.csrf, form.text("csrf")) {
        Ok((form, upload))
    } else {
        Err(Failure::OldPage)
    }
}

/// The fields of a form.
pub async fn fields(parts: &axum::http::request::Parts, body: Body) -> Result<Form, Failure> {
    let bytes = to_bytes(body, FORM_BYTES_MAX)
        .await
        .map_err(|_| Failure::TooLarge)?;
    let mut request = Request::new(Body::from(bytes));
    *request.method_mut() = Method::POST;
    *request.headers_mut() = parts.headers.clone();
    let read: Result<Fields<Vec<(String, String)>>, _> = request.extract().await;
    read.map(|Fields(fields)| Form(fields))
        .map_err(|_| Failure::Unreadable)
}

/// The failure as a page in the clinic's frame.
async fn framed(desk: &Desk, failure: &Failure) -> Response {
    let told = sentences::failure(failure, &desk.clock);
    log(failure);
    match desk.shell(Section::None).await {
        Ok(shell) => {
            let message = Message {
                shell,
                heading: told.heading.into(),
                text: told.text,
                link: (told.link.0.into(), told.link.1.into()),
            };
            page(told.status, &message)
        }
        Err(_) => plain(failure),
    }
}

/// The failure as a page for whoever it is.
pub fn plain(failure: &Failure) -> Response {
    let told = sentences::failure(failure, &super::clock::Clock::new("UTC", 0));
    log(failure);
    let message = PlainMessage {
        heading: told.heading.into(),
        text: told.text,
        link: Some((told.link.0.into(), told.link.1.into())),
    };
    page(told.status, &message)
}

/// What only an operator can mend is logged, once, here.
fn log(failure: &Failure) {
    if let Failure::Verb(error) = failure
        && sentences::status(error).is_server_error()
    {
        tracing::error!("a staff page failed: {error}");
    }
}
