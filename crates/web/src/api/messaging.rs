//! How a clinic's messages go out: connected, tested, disconnected. Secrets go in and never come out.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::Response;
use remit_app::App;
use remit_app::messaging::settings::{self, Connected, Input, Tested, View};
use remit_core::deliveries::Channel;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::body::{Nothing, not_null, present};
use super::call::{Answer, Call};
use super::guard::Caller;
use super::lists;
use super::money::Time;
use super::problem::Problem;
use super::words::DeliveryStatus;

/// How texts go out. What is not set, or not of this carrier, is null.
#[derive(Serialize, ToSchema)]
pub struct SmsChannel {
    /// `twilio`, `vonage` or `http`; null: nothing is connected.
    #[schema(example = "twilio")]
    provider: Option<&'static str>,
    /// What is sent goes into the demo's message tray.
    uses_tray: bool,
    sender: Option<String>,
    api_base: Option<String>,
    account_sid: Option<String>,
    auth_token_set: bool,
    api_key: Option<String>,
    api_secret_set: bool,
    signature_secret_set: bool,
    token_set: bool,
    /// The names of the further headers.
    header_names: Vec<String>,
    body_template: Option<String>,
    id_path: Option<String>,
    /// Where the carrier sends its delivery receipts.
    receipt_url: Option<String>,
    /// Whether receipts can be believed with what was entered.
    receipts_believed: bool,
    last_error: Option<LastError>,
    /// When a message was taken last, within a minute.
    last_success_at: Option<Time>,
}

/// How email goes out. What is not set is null.
#[derive(Serialize, ToSchema)]
pub struct EmailChannel {
    /// `smtp`; null: nothing is connected.
    #[schema(example = "smtp")]
    provider: Option<&'static str>,
    /// What is sent goes into the demo's message tray.
    uses_tray: bool,
    /// Without its password.
    #[schema(example = "smtp://desk@mail.example.com?tls=required")]
    smtp_url: Option<String>,
    password_set: bool,
    from: Option<String>,
    reply_to: Option<String>,
    /// Where bounces may be posted: JSON `{"message_id" or "reference", "status", "reason"}`.
    receipt_url: Option<String>,
    receipt_token_set: bool,
    /// The mailbox that is read for emails that came back, without its password.
    #[schema(example = "imaps://desk@mail.example.com")]
    bounces_url: Option<String>,
    bounces_password_set: bool,
    /// When it was read last.
    bounces_read_at: Option<Time>,
    /// Why it could not be read the last time.
    bounces_error: Option<String>,
    last_error: Option<LastError>,
    /// When a message was taken last, within a minute.
    last_success_at: Option<Time>,
}

/// The last sending that went wrong.
#[derive(Serialize, ToSchema)]
pub struct LastError {
    /// What happened, and what to do.
    text: String,
    at: Time,
}

fn last_error(connected: Option<&Connected>) -> Option<LastError> {
    let (text, at) = connected?.last_error.clone()?;
    Some(LastError { text, at: Time(at) })
}

impl From<View> for SmsChannel {
    fn from(view: View) -> SmsChannel {
        let connected = view.connected.as_ref();
        let value = |name| Some(connected?.value(name)?.to_owned());
        let has = |name| connected.is_some_and(|connected| connected.has(name));
        SmsChannel {
            provider: connected.map(|connected| connected.kind.name),
            uses_tray: view.is_tray,
            sender: value("sender"),
            api_base: value("api_base"),
            account_sid: value("account_sid"),
            auth_token_set: has("auth_token"),
            api_key: value("api_key"),
            api_secret_set: has("api_secret"),
            signature_secret_set: has("signature_secret"),
            token_set: has("token"),
            header_names: connected.map_or_else(Vec::new, |all| all.header_names.clone()),
            body_template: value("body_template"),
            id_path: value("id_path"),
            receipt_url: connected.map(|connected| connected.receipt_url.clone()),
            receipts_believed: connected.is_some_and(|connected| connected.hears_receipts),
            last_error: last_error(connected),
            last_success_at: connected
                .and_then(|connected| connected.last_success_at)
                .map(Time),
        }
    }
}

impl From<View> for EmailChannel {
    fn from(view: View) -> EmailChannel {
        let connected = view.connected.as_ref();
        let value = |name| Some(connected?.value(name)?.to_owned());
        let has = |name| connected.is_some_and(|connected| connected.has(name));
        let watched = connected.and_then(|connected| connected.bounces.as_ref());
        EmailChannel {
            provider: connected.map(|connected| connected.kind.name),
            uses_tray: view.is_tray,
            smtp_url: value("smtp_url"),
            password_set: has("password"),
            from: value("from"),
            reply_to: value("reply_to"),
            receipt_url: connected.map(|connected| connected.receipt_url.clone()),
            receipt_token_set: has("receipt_token"),
            bounces_url: value("bounces_url"),
            bounces_password_set: has("bounces_password"),
            bounces_read_at: watched.and_then(|watched| watched.read_at).map(Time),
            bounces_error: watched.and_then(|watched| watched.error.clone()),
            last_error: last_error(connected),
            last_success_at: connected
                .and_then(|connected| connected.last_success_at)
                .map(Time),
        }
    }
}

/// A field that may be emptied: left out it stays, null or an empty text empties it.
type Settable = Option<Option<String>>;

/// What is left out stays as it is, as long as `provider` does; what is not the carrier's own is refused.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangedSms {
    /// `twilio`, `vonage` or `http`; needed the first time. Another one starts anew.
    #[serde(default, deserialize_with = "not_null")]
    #[schema(nullable = false)]
    provider: Option<String>,
    /// What the patient sees: a number, or a name of up to 11 letters and digits; with Twilio a messaging service too.
    #[serde(default, deserialize_with = "present")]
    sender: Settable,
    /// Another address of the carrier's API: https, or http to this machine. Of an HTTP gateway: where messages are
    /// posted.
    #[serde(default, deserialize_with = "present")]
    api_base: Settable,
    /// Twilio.
    #[serde(default, deserialize_with = "present")]
    account_sid: Settable,
    /// Twilio.
    #[serde(default, deserialize_with = "present")]
    auth_token: Settable,
    /// Vonage.
    #[serde(default, deserialize_with = "present")]
    api_key: Settable,
    /// Vonage.
    #[serde(default, deserialize_with = "present")]
    api_secret: Settable,
    /// Vonage signs its delivery receipts with it; without it none is believed.
    #[serde(default, deserialize_with = "present")]
    signature_secret: Settable,
    /// HTTP gateway: sent as `Authorization: Bearer`, and what its receipts prove themselves with.
    #[serde(default, deserialize_with = "present")]
    token: Settable,
    /// HTTP gateway: further headers by name.
    #[serde(default, deserialize_with = "present")]
    headers: Option<Option<BTreeMap<String, String>>>,
    /// HTTP gateway: the body with `{{to}}`, `{{from}}`, `{{text}}` and `{{reference}}`, as a text or as a JSON object.
    /// Without it a JSON object of these four.
    #[serde(default, deserialize_with = "present")]
    body_template: Option<Option<BodyTemplate>>,
    /// HTTP gateway: where its answer has the message's id; `id` without it.
    #[serde(default, deserialize_with = "present")]
    id_path: Settable,
}

#[derive(Deserialize, ToSchema)]
#[serde(untagged)]
pub enum BodyTemplate {
    Text(String),
    #[schema(value_type = Object)]
    Object(serde_json::Map<String, serde_json::Value>),
}

impl BodyTemplate {
    fn text(&self) -> String {
        match self {
            BodyTemplate::Text(text) => text.clone(),
            BodyTemplate::Object(object) => serde_json::Value::from(object.clone()).to_string(),
        }
    }
}

impl ChangedSms {
    fn input(&self) -> Result<Input, Problem> {
        let headers = match &self.headers {
            Some(Some(headers)) => {
                let text = serde_json::to_string(headers);
                Some(Some(text.map_err(|error| Problem::internal(&error))?))
            }
            Some(None) => Some(None),
            None => None,
        };
        let template = self.body_template.as_ref();
        let template = template.map(|template| template.as_ref().map(BodyTemplate::text));
        Ok(Input {
            provider: self.provider.clone(),
            fields: sent([
                ("sender", &self.sender),
                ("api_base", &self.api_base),
                ("account_sid", &self.account_sid),
                ("auth_token", &self.auth_token),
                ("api_key", &self.api_key),
                ("api_secret", &self.api_secret),
                ("signature_secret", &self.signature_secret),
                ("token", &self.token),
                ("headers", &headers),
                ("body_template", &template),
                ("id_path", &self.id_path),
            ]),
        })
    }
}

fn sent<const N: usize>(
    fields: [(&'static str, &Settable); N],
) -> Vec<(&'static str, Option<String>)> {
    let sent = fields.into_iter();
    sent.filter_map(|(name, value)| Some((name, value.clone()?)))
        .collect()
}

/// What is left out stays as it is.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangedEmail {
    /// `smtps://name:password@host`, or `smtp://...?tls=required`; plain `smtp://` only to this machine. Needed the first
    /// time. The password is kept apart and never shown.
    #[serde(default, deserialize_with = "present")]
    smtp_url: Settable,
    /// Instead of within `smtp_url`.
    #[serde(default, deserialize_with = "present")]
    password: Settable,
    /// `Your Clinic <pay@clinic.example>` or the bare address.
    #[serde(default, deserialize_with = "present")]
    from: Settable,
    #[serde(default, deserialize_with = "present")]
    reply_to: Settable,
    /// What bounces posted to `receipt_url` prove themselves with: `Authorization: Bearer`, or the key of
    /// `Remit-Signature`. Without it none is believed.
    #[serde(default, deserialize_with = "present")]
    receipt_token: Settable,
    /// A mailbox that is read every minute for emails that came back, and never changed: the one of the sender's address.
    /// `imaps://name:password@host`, with `/Folder` for another than the inbox. The password is kept apart and never shown.
    #[serde(default, deserialize_with = "present")]
    bounces_url: Settable,
    /// Instead of within `bounces_url`.
    #[serde(default, deserialize_with = "present")]
    bounces_password: Settable,
}

impl ChangedEmail {
    fn input(&self) -> Input {
        Input {
            provider: None,
            fields: sent([
                ("smtp_url", &self.smtp_url),
                ("password", &self.password),
                ("from", &self.from),
                ("reply_to", &self.reply_to),
                ("receipt_token", &self.receipt_token),
                ("bounces_url", &self.bounces_url),
                ("bounces_password", &self.bounces_password),
            ]),
        }
    }
}

/// Where a test message goes.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewTestMessage {
    /// A mobile number, or an email address.
    to: String,
}

/// What came of a test message.
#[derive(Serialize, ToSchema)]
pub struct TestMessage {
    /// `sent`, `failed` or `uncertain`.
    status: DeliveryStatus,
    /// What happened, and what to do.
    reason: Option<String>,
}

impl From<Tested> for TestMessage {
    fn from(tested: Tested) -> TestMessage {
        let (status, reason) = match tested {
            Tested::Sent => (DeliveryStatus::Sent, None),
            Tested::Failed(why) => (DeliveryStatus::Failed, Some(why)),
            Tested::Uncertain(why) => (DeliveryStatus::Uncertain, Some(why)),
        };
        TestMessage { status, reason }
    }
}

/// Read how texts go out
#[utoipa::path(get, path = "/settings/messaging/sms", tag = "Settings", operation_id = "get_sms",
    responses((status = 200, body = SmsChannel)))]
pub async fn get_sms(
    State(app): State<Arc<App>>,
    Caller(actor): Caller,
    _: lists::NoQuery,
) -> Result<Json<SmsChannel>, Problem> {
    Ok(Json(
        settings::get(&app, actor.clinic, Channel::Sms)
            .await?
            .into(),
    ))
}

/// Connect SMS, or change how texts go out
///
/// Takes the place of the demo's message tray.
#[utoipa::path(put, path = "/settings/messaging/sms", tag = "Settings", operation_id = "change_sms",
    request_body = ChangedSms, responses((status = 200, body = SmsChannel)))]
pub async fn save_sms(call: Call<ChangedSms>) -> Result<Response, Problem> {
    call.run(async move |work| {
        let input = work.body.input()?;
        let saved = settings::save(&work.app, &work.actor, Channel::Sms, &input).await?;
        Answer::ok(&SmsChannel::from(saved))
    })
    .await
}

/// Disconnect SMS
///
/// Nothing goes out by SMS any more; a clinic in test mode has the message tray again.
#[utoipa::path(delete, path = "/settings/messaging/sms", tag = "Settings", operation_id = "disconnect_sms",
    request_body(content = Option<Nothing>), responses((status = 200, body = SmsChannel)))]
pub async fn disconnect_sms(call: Call<Nothing>) -> Result<Response, Problem> {
    call.run(async move |work| {
        settings::disconnect(&work.app, &work.actor, Channel::Sms).await?;
        let view = settings::get(&work.app, work.actor.clinic, Channel::Sms).await?;
        Answer::ok(&SmsChannel::from(view))
    })
    .await
}

/// Send a test text
///
/// Answers once the carrier took it, or would not.
#[utoipa::path(post, path = "/settings/messaging/sms/test", tag = "Settings", operation_id = "test_sms",
    request_body = NewTestMessage, responses((status = 200, body = TestMessage)))]
pub async fn test_sms(call: Call<NewTestMessage>) -> Result<Response, Problem> {
    test(call, Channel::Sms).await
}

/// Read how email goes out
#[utoipa::path(get, path = "/settings/messaging/email", tag = "Settings", operation_id = "get_email",
    responses((status = 200, body = EmailChannel)))]
pub async fn get_email(
    State(app): State<Arc<App>>,
    Caller(actor): Caller,
    _: lists::NoQuery,
) -> Result<Json<EmailChannel>, Problem> {
    Ok(Json(
        settings::get(&app, actor.clinic, Channel::Email)
            .await?
            .into(),
    ))
}

/// Connect email, or change how it goes out
///
/// Takes the place of the demo's message tray.
#[utoipa::path(put, path = "/settings/messaging/email", tag = "Settings", operation_id = "change_email",
    request_body = ChangedEmail, responses((status = 200, body = EmailChannel)))]
pub async fn save_email(call: Call<ChangedEmail>) -> Result<Response, Problem> {
    call.run(async move |work| {
        let input = work.body.input();
        let saved = settings::save(&work.app, &work.actor, Channel::Email, &input).await?;
        Answer::ok(&EmailChannel::from(saved))
    })
    .await
}

/// Disconnect email
///
/// Nothing goes out by email any more; a clinic in test mode has the message tray again.
#[utoipa::path(delete, path = "/settings/messaging/email", tag = "Settings", operation_id = "disconnect_email",
    request_body(content = Option<Nothing>), responses((status = 200, body = EmailChannel)))]
pub async fn disconnect_email(call: Call<Nothing>) -> Result<Response, Problem> {
    call.run(async move |work| {
        settings::disconnect(&work.app, &work.actor, Channel::Email).await?;
        let view = settings::get(&work.app, work.actor.clinic, Channel::Email).await?;
        Answer::ok(&EmailChannel::from(view))
    })
    .await
}

/// Send a test email
///
/// Answers once the mail server took it, or would not.
#[utoipa::path(post, path = "/settings/messaging/email/test", tag = "Settings", operation_id = "test_email",
    request_body = NewTestMessage, responses((status = 200, body = TestMessage)))]
pub async fn test_email(call: Call<NewTestMessage>) -> Result<Response, Problem> {
    test(call, Channel::Email).await
}

async fn test(call: Call<NewTestMessage>, channel: Channel) -> Result<Response, Problem> {
    call.run(async move |work| {
        let tested = settings::test(&work.app, &work.actor, channel, &work.body.to).await?;
        Answer::ok(&TestMessage::from(tested))
    })
    .await
}
