//! "Sometimes" marks: proof that a run reached the rare paths, and the faults that must not pass unseen.

use remit_core::faults::Fault;

macro_rules! marks {
    ($($name:ident),* $(,)?) => {
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Mark { $($name),* }
        impl Mark { pub const ALL: &'static [Mark] = &[$(Mark::$name),*]; }
    };
}

marks! {
    PaidInTime,
    LatePaidAfterExpiry,
    LatePaidAfterCancel,
    CreateAnswerLost,
    CreateCallLost,
    RetrieveAnswerLost,
    CloseAnswerLost,
    RefundAnswerLost,
    OverpaidByTerminal,
    DeskDespiteLivePayment,
    SurplusOnline,
    TwoTabsOneSession,
    SecondTabWaits,
    SupersededWhileOpen,
    ClosedThenStartedAgain,
    CloseTooLate,
    CloseBeforeAddressKnown,
    EventLost,
    EventTwice,
    EventSecondId,
    EventOutOfOrder,
    EventBeforeSaved,
    ReturnBeforeWebhook,
    AsyncSucceeded,
    AsyncFailed,
    RevivedAfterEnd,
    AmountMismatch,
    OtherCurrency,
    ProviderDown,
    LookedUpByReference,
    FoundByPolling,
    FoundByEventList,
    LinkExpiredByTick,
    StartRefusedExpired,
    PriceFellToCredit,
    VisitCancelledPaid,
    FeeKept,
    GivenRefundTakenBack,
    RefundReopened,
    RefundFailed,
    RefundFailedAfterSuccess,
    DeskRefund,
    DeskCorrected,
    SmsUncertain,
    SmsFoundByLookup,
    LeaseOutlived,
    ClockHeldByFloor,
    CrashBeforeFirstCommit,
    CrashBeforeCall,
    CrashBetweenCallAndCommit,
    CrashBeforeInboxStored,
    CrashAfterInboxStored,
    CrashAfterApply,
    CrashAfterSmsAccepted,
    CrashAfterRefundCall,
    DisputeOpened,
    DisputeWon,
    DisputeLost,
    DisputeOvertaken,
    DisputeBeforePayment,
    RefundRefusedDisputed,
    RefundThroughAfterAll,
    ReminderSent,
    ReminderWithdrawn,
    ReminderWaits,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Planted {
    /// A rule of core is wrong.
    Rule(Fault),
    /// An attempt is read before the lock, and the books have no unique source.
    NoSourceKey,
    /// A balance is read before the lock, and nothing keeps a second live attempt out.
    NoLiveIndex,
    FreshKeyOnCreate,
    FreshKeyOnRefund,
    TimeoutIsFailure,
    /// A repeated call sends other bytes.
    BodyNotFrozen,
    /// A call is repeated under its key after the provider has forgotten it.
    KeyOutlived,
    SmsSentAgain,
    /// An attempt is called closed without asking the provider.
    ClosedUnasked,
    NoReconciliation,
    /// Outside work is ticked off before it is done.
    DoneBeforeCall,
    RefundReservedAfterCall,
    /// Not a fault by itself: reads before the lock, with the unique keys in force.
    StaleReads,
    /// Only what the provider received in our own currency and amount is applied.
    MismatchIgnored,
    /// A reminder that was queued is sent without asking once more.
    ReminderUnchecked,
}

impl Planted {
    pub const ALL: &'static [Planted] = &[
        Planted::Rule(Fault::LateSuccessIgnored),
        Planted::Rule(Fault::SurplusDropped),
        Planted::Rule(Fault::OldAmount),
        Planted::Rule(Fault::ExpiryByRow),
        Planted::Rule(Fault::RankIgnored),
        Planted::Rule(Fault::NothingClosed),
        Planted::Rule(Fault::DisputeDoubled),
        Planted::Rule(Fault::DisputeOrderIgnored),
        Planted::NoSourceKey,
        Planted::NoLiveIndex,
        Planted::FreshKeyOnCreate,
        Planted::FreshKeyOnRefund,
        Planted::TimeoutIsFailure,
        Planted::BodyNotFrozen,
        Planted::KeyOutlived,
        Planted::SmsSentAgain,
        Planted::ClosedUnasked,
        Planted::NoReconciliation,
        Planted::DoneBeforeCall,
        Planted::RefundReservedAfterCall,
        Planted::MismatchIgnored,
        Planted::Rule(Fault::ReminderAfterEnd),
        Planted::Rule(Fault::RemindersUnbounded),
        Planted::ReminderUnchecked,
    ];
}
