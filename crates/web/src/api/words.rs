//! Enumerated values as the contract writes them: lower snake_case. Each stands beside its type of the rules, and a
//! word that only one of them knows does not compile.

use remit_core::payments::{DeskMethod, PaidBy};
use remit_core::refunds::RefundState;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

macro_rules! words {
    ($($(#[$doc:meta])* $name:ident = $rule:ty { $($word:ident),+ $(,)? })*) => { $(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
        #[serde(rename_all = "snake_case")]
        pub enum $name { $($word),+ }

        impl From<$rule> for $name {
            fn from(rule: $rule) -> $name {
                match rule { $(<$rule>::$word => $name::$word),+ }
            }
        }

        impl From<$name> for $rule {
            fn from(word: $name) -> $rule {
                match word { $($name::$word => <$rule>::$word),+ }
            }
        }
    )* };
}

words! {
    LinkStatus = remit_core::links::LinkState { Created, Sent, Accessed, Paid, Expired, Cancelled }
    /// Stands beside the status, never instead of it.
    Badge = remit_core::links::Badge { Late, InProgress, PartRefunded, Refunded, Disputed, DeliveryFailed }
    /// Why a link ended without money.
    Closing = remit_core::links::Closing { Expired, Superseded, Cancelled, Settled, AppointmentCancelled }
    Purpose = remit_core::methods::PurposeKind { Deposit, Balance, Custom }
    OnlineMethod = remit_core::methods::Method { Card, Klarna, Clearpay }
    DeskMethodWord = DeskMethod { Cash, CardTerminal, BankTransfer }
    Channel = remit_core::deliveries::Channel { Sms, Email, Qr, Copy }
    DeliveryStatus = remit_core::deliveries::DeliveryStatus { Queued, Sent, Uncertain, Delivered, Failed }
    AppointmentStatus = remit_core::appointments::Status {
        Booked, Confirmed, Arrived, InProgress, Completed, Cancelled, NoShow
    }
    /// What becomes of what is paid for an appointment that does not take place: a fee that the clinic keeps, the
    /// patient's credit, or given back.
    PaidIs = remit_app::appointments::PaidIs { Kept, Credited, Refunded }
    /// Whether a second person let a refund above the clinic's limit go.
    Approval = remit_core::refunds::Approval { Needed, Approved, Declined }
    DisputeStatus = remit_core::disputes::DisputeState { NeedsResponse, UnderReview, Won, Lost, Withdrawn }
    ChargeKind = remit_core::appointments::ChargeKind { Service, Extra, Discount }
}

/// How money came in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PaymentMethod {
    Card,
    Klarna,
    Clearpay,
    Cash,
    CardTerminal,
    BankTransfer,
}

impl From<PaidBy> for PaymentMethod {
    fn from(paid_by: PaidBy) -> PaymentMethod {
        use remit_core::methods::Method;
        match paid_by {
            PaidBy::Online(Method::Card) => PaymentMethod::Card,
            PaidBy::Online(Method::Klarna) => PaymentMethod::Klarna,
            PaidBy::Online(Method::Clearpay) => PaymentMethod::Clearpay,
            PaidBy::Desk(DeskMethod::Cash) => PaymentMethod::Cash,
            PaidBy::Desk(DeskMethod::CardTerminal) => PaymentMethod::CardTerminal,
            PaidBy::Desk(DeskMethod::BankTransfer) => PaymentMethod::BankTransfer,
        }
    }
}

/// `pending` until the provider is done with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RefundStatus {
    Pending,
    Succeeded,
    Failed,
}

impl From<RefundState> for RefundStatus {
    fn from(state: RefundState) -> RefundStatus {
        match state {
            RefundState::Requested | RefundState::Unknown | RefundState::Pending => {
                RefundStatus::Pending
            }
            RefundState::Succeeded => RefundStatus::Succeeded,
            RefundState::Failed => RefundStatus::Failed,
        }
    }
}

/// How a link is handed over by the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum MessageChannel {
    Sms,
    Email,
}

impl From<MessageChannel> for remit_core::deliveries::Channel {
    fn from(channel: MessageChannel) -> Self {
        match channel {
            MessageChannel::Sms => Self::Sms,
            MessageChannel::Email => Self::Email,
        }
    }
}

/// What a method may be used for. A custom part counts as balance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum MethodPurpose {
    Deposit,
    Balance,
}

/// Why a message was sent: staff or a program sent the link, or it left by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryPurpose {
    Link,
    /// The link was not opened, or opened and not paid.
    Reminder,
    /// The link ends soon.
    Expiring,
}

impl From<remit_core::deliveries::DeliveryPurpose> for DeliveryPurpose {
    fn from(purpose: remit_core::deliveries::DeliveryPurpose) -> DeliveryPurpose {
        use remit_core::reminders::Kind;
        match purpose.automatic() {
            None => DeliveryPurpose::Link,
            Some(Kind::Unopened | Kind::Unpaid) => DeliveryPurpose::Reminder,
            Some(Kind::Expiring) => DeliveryPurpose::Expiring,
        }
    }
}
