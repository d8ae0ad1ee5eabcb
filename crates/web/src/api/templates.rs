//! The texts of messages: the clinic's own and the standard ones.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::response::Response;
use remit_app::App;
use remit_app::templates::{self as verbs, TemplateView, Which};
use remit_core::templates::{Finding, Part, Placeholder, Text, TextChannel};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::body::{not_null, present};
use super::call::{Answer, Call};
use super::guard::Caller;
use super::lists;
use super::money::{MoneyBody, Time};
use super::problem::{FieldError, Kind, Problem};

/// One text that is in use.
#[derive(Serialize, ToSchema)]
pub struct MessageTemplate {
    /// `sms` or `email`.
    channel: &'static str,
    /// `en`, `cy`, `pl`, `fr`, `de`, `es` or `ar`.
    language: &'static str,
    /// `deposit`, `balance`, `reminder`, `expiring`, `receipt` or `refund`.
    purpose: &'static str,
    /// Emails only.
    subject: Option<String>,
    body: String,
    /// Nobody has written another.
    standard: bool,
    /// Null until the text was changed for the first time.
    version: Option<i64>,
    updated_at: Option<Time>,
    updated_by: Option<String>,
}

#[derive(Serialize, ToSchema)]
pub struct MessageTemplates {
    data: Vec<MessageTemplate>,
    /// Always null: there are as many as languages, channels and purposes.
    next_cursor: Option<String>,
}

/// One version of a text.
#[derive(Serialize, ToSchema)]
pub struct MessageTemplateVersion {
    version: i64,
    /// Null: the standard text.
    body: Option<String>,
    subject: Option<String>,
    made_at: Time,
    made_by: String,
}

/// A text as it would arrive, with a made-up patient.
#[derive(Serialize, ToSchema)]
pub struct MessagePreview {
    subject: Option<String>,
    text: String,
    /// Emails only.
    html: Option<String>,
    /// SMS only.
    segments: Option<i64>,
    /// `gsm_7` or `ucs_2`; SMS only.
    alphabet: Option<&'static str>,
    /// What one such message costs; SMS only.
    cost: Option<MoneyBody>,
    /// What might be better. A text with worse is not saved.
    advice: Vec<FieldError>,
}

/// One text with how it would arrive and what became of it.
#[derive(Serialize, ToSchema)]
pub struct MessageTemplateDetail {
    channel: &'static str,
    language: &'static str,
    purpose: &'static str,
    /// Emails only.
    subject: Option<String>,
    body: String,
    /// Nobody has written another.
    standard: bool,
    /// Null until the text was changed for the first time.
    version: Option<i64>,
    updated_at: Option<Time>,
    updated_by: Option<String>,
    /// What may stand in curly brackets.
    placeholders: Vec<&'static str>,
    preview: MessagePreview,
    /// Newest first.
    versions: Vec<MessageTemplateVersion>,
}

/// A new text, or null in `body` for the standard one.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangedTemplate {
    /// Emails only.
    #[serde(default, deserialize_with = "not_null")]
    #[schema(nullable = false)]
    subject: Option<String>,
    #[serde(default, deserialize_with = "present")]
    #[schema(required = true, value_type = Option<String>)]
    body: Option<Option<String>>,
}

fn template(view: &TemplateView) -> MessageTemplate {
    let newest = view.versions.first();
    let is_email = view.which.channel == TextChannel::Email;
    MessageTemplate {
        channel: view.which.channel.name(),
        language: view.which.language.tag,
        purpose: view.which.purpose.name(),
        subject: is_email.then(|| view.text.subject.clone()),
        body: view.text.body.clone(),
        standard: view.is_standard,
        version: newest.map(|version| version.version),
        updated_at: newest.map(|version| Time(version.made_at)),
        updated_by: newest.map(|version| version.made_by.clone()),
    }
}

async fn detail(
    app: &App,
    actor: &remit_app::Actor,
    view: TemplateView,
) -> Result<MessageTemplateDetail, Problem> {
    let which = view.which;
    let preview = verbs::preview(app, actor.clinic, which, &view.text).await?;
    let is_email = which.channel == TextChannel::Email;
    let segments = preview.segments;
    let template = template(&view);
    Ok(MessageTemplateDetail {
        channel: template.channel,
        language: template.language,
        purpose: template.purpose,
        subject: template.subject,
        body: template.body,
        standard: template.standard,
        version: template.version,
        updated_at: template.updated_at,
        updated_by: template.updated_by,
        placeholders: Placeholder::ALL
            .into_iter()
            .filter(|one| one.fits(which.purpose))
            .map(Placeholder::name)
            .collect(),
        preview: MessagePreview {
            subject: preview.message.subject,
            text: preview.message.text,
            html: preview.message.html,
            segments: segments.map(|one| i64::try_from(one.count).unwrap_or(i64::MAX)),
            alphabet: segments.map(|one| if one.unicode { "ucs_2" } else { "gsm_7" }),
            cost: preview.cost.map(Into::into),
            advice: preview.findings.iter().map(field_error).collect(),
        },
        versions: view
            .versions
            .into_iter()
            .map(|version| MessageTemplateVersion {
                version: version.version,
                subject: version
                    .text
                    .as_ref()
                    .filter(|_| is_email)
                    .map(|text| text.subject.clone()),
                body: version.text.map(|text| text.body),
                made_at: Time(version.made_at),
                made_by: version.made_by,
            })
            .collect(),
    })
}

fn field_error(finding: &Finding) -> FieldError {
    FieldError {
        field: finding.part.name().into(),
        message: finding.advice.to_string(),
    }
}

/// List the texts of messages
#[utoipa::path(get, path = "/settings/message-templates", tag = "Settings", operation_id = "list_message_templates",
    responses((status = 200, body = MessageTemplates)))]
pub async fn list(
    State(app): State<Arc<App>>,
    Caller(actor): Caller,
    _: lists::NoQuery,
) -> Result<Json<MessageTemplates>, Problem> {
    let views = verbs::list(&app, actor.clinic).await?;
    Ok(Json(MessageTemplates {
        data: views.iter().map(template).collect(),
        next_cursor: None,
    }))
}

/// Read the text of a message
#[utoipa::path(get, path = "/settings/message-templates/{channel}/{language}/{purpose}", tag = "Settings",
    operation_id = "get_message_template",
    params(("channel" = String, Path), ("language" = String, Path), ("purpose" = String, Path)),
    responses((status = 200, body = MessageTemplateDetail)))]
pub async fn get(
    State(app): State<Arc<App>>,
    Caller(actor): Caller,
    Path((channel, language, purpose)): Path<(String, String, String)>,
    _: lists::NoQuery,
) -> Result<Json<MessageTemplateDetail>, Problem> {
    let which = Which::parse(&channel, &language, &purpose)?;
    let view = verbs::get(&app, actor.clinic, which).await?;
    Ok(Json(detail(&app, &actor, view).await?))
}

/// Change the text of a message
#[utoipa::path(put, path = "/settings/message-templates/{channel}/{language}/{purpose}", tag = "Settings",
    operation_id = "change_message_template", request_body = ChangedTemplate,
    params(("channel" = String, Path), ("language" = String, Path), ("purpose" = String, Path)),
    responses((status = 200, body = MessageTemplateDetail)))]
pub async fn save(
    Path((channel, language, purpose)): Path<(String, String, String)>,
    call: Call<ChangedTemplate>,
) -> Result<Response, Problem> {
    call.run(async move |work| {
        let which = Which::parse(&channel, &language, &purpose)?;
        let text = wished(which, &work.body)?;
        if let Some(text) = &text
            && let Err(refused) = verbs::check(&work.app, work.actor.clinic, which, text).await?
        {
            return Err(problem(&refused));
        }
        let view = verbs::save(&work.app, &work.actor, which, text.as_ref()).await?;
        Answer::ok(&detail(&work.app, &work.actor, view).await?)
    })
    .await
}

fn wished(which: Which, body: &ChangedTemplate) -> Result<Option<Text>, Problem> {
    let is_email = which.channel == TextChannel::Email;
    if body.subject.is_some() && !is_email {
        let message = "An SMS has no subject. Leave it out.";
        return Err(Problem::invalid(Part::Subject.name(), message));
    }
    match (&body.body, &body.subject) {
        (None, _) => {
            let message = "Send a text, or null for the standard one.";
            Err(Problem::invalid(Part::Body.name(), message))
        }
        (Some(None), Some(_)) => {
            let message = "The standard text has its own subject. Leave it out.";
            Err(Problem::invalid(Part::Subject.name(), message))
        }
        (Some(None), None) => Ok(None),
        (Some(Some(text)), subject) => {
            let subject = subject.as_deref().unwrap_or_default();
            Ok(Some(Text::tidied(subject, text)))
        }
    }
}

/// Everything that stands against a text, at once.
fn problem(refused: &[Finding]) -> Problem {
    let errors: Vec<FieldError> = refused.iter().map(field_error).collect();
    let detail: Vec<&str> = errors.iter().map(|error| error.message.as_str()).collect();
    let mut problem = Problem::new(Kind::InvalidFields, detail.join(" "));
    problem.errors = errors;
    problem
}
