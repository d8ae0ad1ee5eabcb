use super::*;
use crate::account::Refusal;
use crate::payments::{DeskMethod, Take, take};

fn taken(
    standing: &Standing,
    amount: Payable,
    despite_live_payment: bool,
) -> Result<Vec<String>, Refusal> {
    let take_ = Take {
        payment: id(30),
        txn: id(31),
        method: DeskMethod::CardTerminal,
        amount,
        reference: None,
        despite_live_payment,
    };
    take(standing, take_, NOW).map(|decision| told(&decision))
}

#[test]
fn money_at_the_desk_settles_what_is_due_and_the_rest_is_credit() {
    for (due, amount, lines) in [
        (
            4500,
            500,
            vec![
                "desk terminal_clearing:500 receivable:-500",
                "total 4500 paid 500 refunded 0 due 4000 credit 0",
                "payment 500 by card_terminal",
            ],
        ),
        (
            4500,
            4500,
            vec![
                "desk terminal_clearing:4500 receivable:-4500",
                "total 4500 paid 4500 refunded 0 due 0 credit 0",
                "payment 4500 by card_terminal",
                "link sent to cancelled, settled",
            ],
        ),
        (
            4500,
            5000,
            vec![
                "desk terminal_clearing:5000 receivable:-4500 patient_credit:-500",
                "total 4500 paid 5000 refunded 0 due 0 credit 500",
                "finding surplus 500",
                "payment 5000 by card_terminal",
                "link sent to cancelled, settled",
            ],
        ),
    ] {
        assert_eq!(
            taken(&open(standing(0, due), due), payable(amount), false).unwrap(),
            lines
        );
    }
}

/// Hazard A24: a payment under way is closed first; where the provider could not be asked, it is closed as soon as it
/// can be, if it would take more than is still due.
#[test]
fn a_payment_under_way_is_closed_first() {
    let busy = live(open(standing(0, 4500), 4500), 4000);
    assert_eq!(taken(&busy, payable(500), false), Err(Refusal::LivePayment));
    let closes = |amount| {
        taken(&busy, payable(amount), true)
            .unwrap()
            .iter()
            .any(|l| l == "-> ensure closed")
    };
    assert_eq!(
        [closes(500), closes(501), closes(4500)],
        [false, true, true]
    );
}

#[test]
fn the_desk_takes_the_clinics_currency() {
    let euro = Payable::parse(Money::new(100, Currency::EUR)).unwrap();
    assert_eq!(
        taken(&standing(0, 4500), euro, false),
        Err(Refusal::OtherCurrency)
    );
}
