//! Every staff route with the one permission it needs: the table that the router is made of, so that no route can be
//! outside it (suite S11).

use std::sync::Arc;

use axum::RequestExt as _;
use axum::body::{Body, to_bytes};
use axum::extract::{Form as Fields, Request, State};
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
    account, api_keys, appointments, booking, checkout, clinic, diary, digest, ending, exports,
    find, findings, follow_up, link_panel, link_rows, links, merging, messaging, methods, new_link,
    new_patient, notifications, online_payments, patients, payment, payments, people,
    practitioners, providers, receipts, refunds, reminders, reschedule, selection, sending_limits,
    sentences, services, shortcuts, sign_in, summary, templates,
};
use crate::pages::Section;
use crate::pages::message::{Message, PlainMessage};

/// One route: how it is asked for, what it needs, who answers.
pub struct Door {
    pub method: Method,
    pub path: &'static str,
    pub permission: Permission,
    pub handler: MethodRouter<Arc<App>>,
}

fn see(path: &'static str, permission: Permission, handler: MethodRouter<Arc<App>>) -> Door {
    Door {
        method: Method::GET,
        path,
        permission,
        handler,
    }
}

fn act(path: &'static str, permission: Permission, handler: MethodRouter<Arc<App>>) -> Door {
    Door {
        method: Method::POST,
        path,
        permission,
        handler,
    }
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
        act("/sign-out", Look, post(sign_in::leave)),
        see("/", Look, get(diary::show)),
        see("/diary", Look, get(diary::show)),
        see("/appointments/new", Book, get(booking::show)),
        act("/appointments/new", Book, post(booking::preview)),
        act("/appointments", Book, post(booking::book)),
        see("/appointments/{id}", Look, get(appointments::show)),
        act("/appointments/{id}/status", Book, post(appointments::change_status)),
        see("/appointments/{id}/end", Book, get(ending::show)),
        act("/appointments/{id}/end", Book, post(ending::save)),
        see("/appointments/{id}/reschedule", Book, get(reschedule::show)),
        act("/appointments/{id}/reschedule", Book, post(reschedule::save)),
        act("/appointments/{id}/charges", TakeMoney, post(appointments::add_charge)),
        act("/appointments/{id}/charges/{charge}/remove", TakeMoney, post(appointments::remove_charge)),
        act("/appointments/{id}/checkout", TakeMoney, post(checkout::check_out)),
        see("/payment-links/{id}", Look, get(links::show)),
        see("/payment-links/{id}/receipt", Look, get(receipts::of_link)),
        act("/payment-links/{id}/deliveries", TakeMoney, post(links::deliver)),
        act("/payment-links/{id}/cancel", TakeMoney, post(links::cancel)),
        act("/payment-links/{id}/renew", TakeMoney, post(links::renew)),
        see("/payment-links/{id}/follow-up", Look, get(follow_up::show_row)),
        act("/payment-links/{id}/follow-up", TakeMoney, post(follow_up::mark)),
        see("/payment-links/{id}/row", Look, get(link_rows::show)),
        see("/payment-links/{id}/timeline", Look, get(link_panel::show)),
        act("/appointments/{id}/payment-links", TakeMoney, post(new_link::make)),
        see("/financials/online-payments/new", TakeMoney, get(new_link::show)),
        act("/financials/online-payments/export", TakeMoney, post(exports::export)),
        act("/financials/online-payments/selection", TakeMoney, post(selection::act)),
        see("/payment-links/{id}/refund", TakeMoney, get(refunds::of_link)),
        see("/payments/{id}", Look, get(payment::show)),
        see("/payments/{id}/receipt", Look, get(receipts::show)),
        act("/payments/{id}/receipt", TakeMoney, post(receipts::send)),
        see("/payments/{id}/receipt.pdf", Look, get(receipts::file)),
        see("/payments/{id}/refund", TakeMoney, get(refunds::show)),
        act("/payments/{id}/refund", TakeMoney, post(refunds::give_back)),
        act("/payments/{id}/correct", TakeMoney, post(refunds::correct)),
        act("/refunds/{id}/approve", Refund, post(payment::approve)),
        act("/refunds/{id}/decline", TakeMoney, post(payment::decline)),
        see("/financials", Look, get(online_payments::start)),
        see("/financials/online-payments", Look, get(online_payments::show)),
        see("/financials/online-payments/follow-up", Look, get(follow_up::show)),
        see("/financials/summary", Look, get(summary::show)),
        see("/financials/summary.csv", Look, get(summary::csv)),
        see("/financials/payments", Look, get(payments::show)),
        see("/financials/findings", Look, get(findings::show)),
        act("/financials/findings/{id}/close", Refund, post(findings::close)),
        act("/financials/findings/{id}/ask", Refund, post(findings::ask)),
        see("/financials/findings/{id}/match", Refund, get(findings::matching::show)),
        act("/financials/findings/{id}/match", Refund, post(findings::matching::place)),
        act("/financials/failed-work/{id}/retry", Refund, post(findings::retry)),
        act("/financials/events/retry", Refund, post(findings::apply_again)),
        act("/financials/credits/{id}/keep", Refund, post(findings::keep)),
        see("/find", Look, get(find::show)),
        see("/shortcuts", Look, get(shortcuts::show)),
        see("/notifications", Look, get(notifications::show)),
        act("/notifications/read", Look, post(notifications::read)),
        see("/patients", Look, get(patients::list)),
        see("/patients/new", Book, get(new_patient::show)),
        act("/patients/new", Book, post(new_patient::create)),
        see("/patients/{id}", Look, get(patients::show)),
        act("/patients/{id}", Book, post(patients::save)),
        act("/patients/{id}/notes", Book, post(patients::note)),
        act("/patients/{id}/notes/{note}/strike", Book, post(patients::strike)),
        see("/patients/{id}/merge", Configure, get(merging::show)),
        act("/patients/{id}/merge", Configure, post(merging::merge)),
    ]
}

/// The settings, and what each person changes by themselves.
#[rustfmt::skip]
fn settings_doors() -> Vec<Door> {
    vec![
        see("/settings", Look, get(methods::start)),
        see("/settings/payment-methods", Look, get(methods::show)),
        act("/settings/payment-methods", Configure, post(methods::save)),
        see("/settings/messages/texts", Look, get(templates::show)),
        act("/settings/messages/texts", Configure, post(templates::save)),
        act("/settings/messages/texts/preview", Configure, post(templates::preview)),
        see("/settings/providers", Administer, get(providers::show)),
        act("/settings/providers/{provider}", Administer, post(providers::save)),
        act("/settings/providers/{provider}/test", Administer, post(providers::test)),
        act("/settings/providers/{provider}/register", Administer, post(providers::register)),
        act("/settings/providers/{provider}/enable", Administer, post(providers::enable)),
        act("/settings/providers/{provider}/disable", Administer, post(providers::disable)),
        see("/settings/messages", Administer, get(messaging::show)),
        act("/settings/messages/{channel}", Administer, post(messaging::save)),
        act("/settings/messages/{channel}/test", Administer, post(messaging::test)),
        act("/settings/messages/{channel}/disconnect", Administer, post(messaging::disconnect)),
        see("/settings/refunds", Look, get(refunds::limits)),
        act("/settings/refunds", Administer, post(refunds::save_limits)),
        see("/settings/reminders", Look, get(reminders::show)),
        act("/settings/reminders", Configure, post(reminders::save)),
        see("/settings/limits", Look, get(sending_limits::show)),
        act("/settings/limits", Configure, post(sending_limits::save)),
        see("/settings/receipts", Look, get(receipts::settings)),
        act("/settings/receipts", Configure, post(receipts::save_settings)),
        see("/settings/digest", Look, get(digest::show)),
        act("/settings/digest", Configure, post(digest::save)),
        see("/settings/clinic", Look, get(clinic::show)),
        act("/settings/clinic", Configure, post(clinic::save)),
        see("/settings/clinic/preview", Look, get(clinic::show_preview)),
        act("/settings/clinic/logo", Configure, post(clinic::set_logo)),
        act("/settings/clinic/logo/remove", Configure, post(clinic::drop_logo)),
        see("/settings/staff", Administer, get(people::list)),
        see("/settings/staff/new", Administer, get(people::fresh)),
        act("/settings/staff/new", Administer, post(people::invite)),
        see("/settings/staff/{id}", Administer, get(people::show)),
        act("/settings/staff/{id}", Administer, post(people::save)),
        act("/settings/staff/{id}/password", Administer, post(people::reset)),
        act("/settings/staff/{id}/sign-out", Administer, post(people::sign_out)),
        act("/settings/staff/{id}/deactivate", Administer, post(people::deactivate)),
        act("/settings/staff/{id}/reactivate", Administer, post(people::reactivate)),
        see("/settings/api-keys", Administer, get(api_keys::list)),
        act("/settings/api-keys", Administer, post(api_keys::create)),
        act("/settings/api-keys/{id}/revoke", Administer, post(api_keys::revoke)),
        see("/account", Look, get(account::show)),
        act("/account", Look, post(account::save)),
        act("/account/password", Look, post(account::change_password)),
        act("/account/sessions/{id}/end", Look, post(account::end_session)),
        act("/account/sign-out-others", Look, post(account::end_others)),
        see("/settings/services", Look, get(services::list)),
        see("/settings/services/new", Configure, get(services::fresh)),
        act("/settings/services/new", Configure, post(services::create)),
        see("/settings/services/{id}", Configure, get(services::show)),
        act("/settings/services/{id}", Configure, post(services::change)),
        see("/settings/practitioners", Look, get(practitioners::list)),
        see("/settings/practitioners/new", Configure, get(practitioners::fresh)),
        act("/settings/practitioners/new", Configure, post(practitioners::create)),
        see("/settings/practitioners/{id}", Configure, get(practitioners::show)),
        act("/settings/practitioners/{id}", Configure, post(practitioners::change)),
        act("/settings/practitioners/{id}/retire", Configure, post(practitioners::retire)),
        act("/settings/practitioners/{id}/absences", Configure, post(practitioners::add_absence)),
        act("/settings/practitioners/{id}/absences/{absence}/remove", Configure, post(practitioners::remove_absence)),
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
