//! Seeded faults for the simulator's self-test (suite S2): each must be caught within 1,000 seeds. They exist only
//! under the feature `planted-faults`, which no release switches on; without it [`planted`] is the constant `false`.

/// A way in which a rule could be wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Money for an attempt that had ended is not posted (hazard A9).
    LateSuccessIgnored,
    /// Only what is due is posted of a receipt (hazard A1).
    SurplusDropped,
    /// A link charges what it was issued for, whatever is due by now.
    OldAmount,
    /// A link ends when the sweep says so, not when its time is over (hazard B4).
    ExpiryByRow,
    /// A report is applied although the attempt stands higher (hazard A7).
    RankIgnored,
    /// A balance that falls leaves link and session as they are (hazard A24).
    NothingClosed,
    /// A dispute is posted whole each time it is heard of, not by its difference (hazard A23).
    DisputeDoubled,
    /// An answer about a dispute is applied over one that was asked for later (hazard A23).
    DisputeOrderIgnored,
    /// A reminder leaves although its link has ended or is paid.
    ReminderAfterEnd,
    /// Reminders go on without end.
    RemindersUnbounded,
}

impl Fault {
    pub const ALL: [Fault; 10] = [
        Fault::LateSuccessIgnored,
        Fault::SurplusDropped,
        Fault::OldAmount,
        Fault::ExpiryByRow,
        Fault::RankIgnored,
        Fault::NothingClosed,
        Fault::DisputeDoubled,
        Fault::DisputeOrderIgnored,
        Fault::ReminderAfterEnd,
        Fault::RemindersUnbounded,
    ];
}

#[cfg(feature = "planted-faults")]
thread_local! {
    static PLANTED: std::cell::Cell<Option<Fault>> = const { std::cell::Cell::new(None) };
}

/// Plants a fault on this thread, or takes it out.
#[cfg(feature = "planted-faults")]
pub fn plant(fault: Option<Fault>) {
    PLANTED.with(|planted| planted.set(fault));
}

#[cfg(feature = "planted-faults")]
pub(crate) fn planted(fault: Fault) -> bool {
    PLANTED.with(std::cell::Cell::get) == Some(fault)
}

#[cfg(not(feature = "planted-faults"))]
#[inline]
pub(crate) const fn planted(_: Fault) -> bool {
    false
}
