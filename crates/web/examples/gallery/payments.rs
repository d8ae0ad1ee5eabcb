//! Link window, Online Payments, refund, findings.

use std::path::Path;

use remit_web::pages::findings::{
    self, Button, FailedWork, Finding, Findings, Place, Refund, View,
};
use remit_web::pages::links::{
    Life, LinkDialog, LinkPage, LinkWindow, OutcomeKind, QrCode, SendOutcome, SendRow, Step,
    StepState, Tab,
};
use remit_web::pages::online_payments::{
    Empty, Ends, Filter, FollowUp, FollowUpNote, FollowUpRow, FollowUpStep, LinkRow,
    OnlinePayments, RowAct, Selection,
};
use remit_web::pages::refunds::RefundPage;
use remit_web::pages::{Badge, Channel, Choice, Field, LinkStatus, Section};

use crate::{desk, over, page, shell};

pub fn write(folder: &Path) -> std::io::Result<()> {
    over(
        folder,
        "link-dialog",
        &desk::appointment(false),
        &LinkDialog {
            window: window(LinkStatus::Sent),
        },
    )?;
    for (name, status) in [
        ("link", LinkStatus::Sent),
        ("link-expired", LinkStatus::Expired),
        ("link-paid", LinkStatus::Paid),
    ] {
        let link = LinkPage {
            shell: shell(Section::OnlinePayments),
            window: window(status),
            timeline: desk::timeline(),
        };
        page(folder, name, &link)?;
    }
    page(folder, "online-payments", &list(None))?;
    page(
        folder,
        "online-payments-empty",
        &list(Some(Empty::NothingYet)),
    )?;
    page(
        folder,
        "online-payments-nothing-found",
        &list(Some(Empty::NothingFound {
            text: "No link is sent in the last 30 days.".into(),
            ways: vec![("Look at all dates", "#".into())],
        })),
    )?;
    page(folder, "follow-up", &follow_up())?;
    page(folder, "refund", &refund())?;
    page(folder, "findings", &findings())
}

fn window(status: LinkStatus) -> LinkWindow {
    let open = status.is_open();
    let row = |to: &str, outcome: Option<(OutcomeKind, &str)>| SendRow {
        to: Field::new(to),
        idempotency_key: "sample".into(),
        outcome: outcome.map(|(kind, text)| SendOutcome {
            instead: None,
            kind,
            text: text.into(),
        }),
        remember: false,
        off: None,
    };
    let step = |name, state, detail: &str| Step {
        name,
        state,
        detail: detail.into(),
    };
    let path = include_str!("sample_code.txt").trim().to_owned();
    LinkWindow {
        csrf: "sample".into(),
        id: "lnk_1".into(),
        patient: "Hannah Whitlock".into(),
        appointment_id: "apt_1".into(),
        subject: "Balance of the appointment on Tuesday 24 November, 10:00".into(),
        amount: "£37.50".into(),
        status,
        badges: vec![],
        life: open.then(|| Life {
            left: "47 h 58 min".into(),
            ends: "Thu 26 Nov, 10:44".into(),
            ends_at: "2026-11-26T10:44:00Z".into(),
            minutes_left: 2878,
        }),
        outcome: match status {
            LinkStatus::Paid => "Paid by card on Tue 24 Nov, 10:49".into(),
            _ => "Ended on Thu 26 Nov, 10:44. Nothing was paid.".into(),
        },
        code: open.then_some(QrCode { size: 33, path }),
        url: "https://pay.larkhill.example/p/7Qm2vXc9RtL0aZk4sWfH1w".into(),
        methods: vec![
            "Credit or debit card".into(),
            "Klarna".into(),
            "Clearpay".into(),
        ],
        not_offered: None,
        sms: row(
            "+44 7700 900618",
            Some((
                OutcomeKind::Done,
                "Delivered at 10:45. You can send it again from 10:47",
            )),
        ),
        email: row("hannah.whitlock@mail.example", None),
        steps: vec![
            step("Created", StepState::Done, "10:44"),
            step("Sent", StepState::Done, "SMS, 10:45"),
            step("Delivered", StepState::Done, "10:45"),
            step("Accessed", StepState::Current, "Waiting for patient"),
            step("Paid", StepState::Ahead, "Not yet"),
        ],
        clinic: "Larkhill Clinic".into(),
        clinic_phone: "0117 496 0142".into(),
        refused: None,
        idempotency_key: "sample".into(),
        may_act: true,
    }
}

fn tabs(current: usize) -> Vec<Tab> {
    [
        ("All", 214),
        ("Created", 3),
        ("Sent", 12),
        ("Accessed", 5),
        ("Paid", 171),
        ("Expired", 19),
        ("Cancelled", 4),
    ]
    .into_iter()
    .enumerate()
    .map(|(index, (label, count))| Tab {
        label,
        href: "#".into(),
        count,
        current: index == current,
    })
    .collect()
}

fn link(
    patient: &str,
    amount: &str,
    status: LinkStatus,
    badges: Vec<Badge>,
    channel: Channel,
) -> LinkRow {
    LinkRow {
        id: format!("lnk_{}", patient.replace(' ', "")),
        appointment_id: "apt_1".into(),
        patient: patient.into(),
        appointment: "Today 10:00, Tom Hargreaves".into(),
        amount: amount.into(),
        purpose: "Balance".into(),
        status,
        badges,
        channel,
        created: "Today 10:44".into(),
        ends: if status.is_open() {
            Ends {
                at: Some("2026-11-26T10:44:00Z".into()),
                text: "47 h 58 min".into(),
                detail: "Thu 26 Nov, 10:44".into(),
                brief: "Expires in 47 h 58 min".into(),
            }
        } else {
            Ends {
                text: "Thu 26 Nov, 10:44".into(),
                brief: "Ended Thu 26 Nov, 10:44".into(),
                ..Ends::default()
            }
        },
        act: match status {
            LinkStatus::Created => RowAct::Send,
            LinkStatus::Sent => RowAct::Resend("sms"),
            LinkStatus::Accessed => RowAct::Copy,
            LinkStatus::Paid => RowAct::Receipt,
            LinkStatus::Expired => RowAct::Renew,
            LinkStatus::Cancelled => RowAct::Nothing,
        },
        url: status
            .is_open()
            .then(|| "https://pay.larkhill.example/p/7Qm2vXc9RtL0aZk4sWfH1w".into()),
        refundable: status == LinkStatus::Paid,
        may_act: true,
        selectable: status != LinkStatus::Paid,
        csrf: "sample".into(),
        idempotency_key: "sample".into(),
        here: "#".into(),
        back: "%23".into(),
    }
}

fn list(empty: Option<Empty>) -> OnlinePayments {
    use LinkStatus::{Accessed, Cancelled, Created, Expired, Paid, Sent};
    OnlinePayments {
        shell: shell(Section::OnlinePayments),
        about: "Every payment link of the last 30 days".into(),
        disputed: None,
        note: empty.is_none().then(|| FollowUpNote {
            head: "5 patients opened a link and did not pay".into(),
            rest: ", worth £397.00. Two links end before 18:00 today.".into(),
        }),
        tabs: tabs(0),
        follow_up_count: 5,
        filter: Filter {
            q: String::new(),
            from: "2026-10-26".into(),
            to: "2026-11-24".into(),
            purposes: vec![Choice {
                value: String::new(),
                label: "Deposit and balance".into(),
                selected: true,
            }],
            status: String::new(),
            error: None,
            swap: None,
        },
        rows: vec![
            link("Hannah Whitlock", "£37.50", Sent, vec![], Channel::Sms),
            link(
                "Harriet Bowes",
                "£15.00",
                Sent,
                vec![Badge::DeliveryFailed],
                Channel::Email,
            ),
            link(
                "Lewis Thornton",
                "£58.00",
                Accessed,
                vec![Badge::InProgress],
                Channel::Qr,
            ),
            link(
                "Rachel Oyelaran",
                "£140.00",
                Accessed,
                vec![],
                Channel::Email,
            ),
            link("Nadia Rossi", "£15.00", Created, vec![], Channel::NotSent),
            link(
                "Kate Ingleby",
                "£36.00",
                Paid,
                vec![Badge::Late],
                Channel::Sms,
            ),
            link("Charlotte Penn", "£20.00", Expired, vec![], Channel::Sms),
            link(
                "Joyce Entwistle",
                "£42.00",
                Cancelled,
                vec![],
                Channel::NotSent,
            ),
            link(
                "Marcus Delaney",
                "£120.00",
                Paid,
                vec![Badge::PartRefunded],
                Channel::Email,
            ),
            link(
                "Bethan Powell",
                "£1,120.00",
                Paid,
                vec![Badge::Disputed, Badge::Late],
                Channel::Copy,
            ),
        ],
        total: "1–10 of 214 · £23,871.50 asked, £18,462.50 paid".into(),
        newer: None,
        older: Some("#".into()),
        here: "/financials/online-payments".into(),
        empty,
        selection: Some(selection()),
        export: vec![],
    }
}

fn follow_up() -> FollowUp {
    FollowUp {
        shell: shell(Section::OnlinePayments),
        tabs: tabs(99),
        follow_up_count: 5,
        reasons: vec![Tab {
            label: "Everything",
            href: "#".into(),
            count: 4,
            current: true,
        }],
        head: "Accessed but not paid, and what else waits.",
        why: "",
        orders: vec![Choice {
            value: "soonest".into(),
            label: "Ending soonest".into(),
            selected: true,
        }],
        about: "Patients who asked, messages that failed, links that were opened or ended without a payment.",
        rows: waiting(),
        total: "5 links, £397.00 waiting".into(),
        here: "/financials/online-payments/follow-up".into(),
        selection: Some(selection()),
        textable: vec!["lnk_1".into(), "lnk_2".into(), "lnk_3".into()],
        export: vec![],
    }
}

fn waiting() -> Vec<FollowUpRow> {
    let row =
        |patient: &str, amount: &str, happened: &str, soon, reason, step, badges| FollowUpRow {
            id: format!("lnk_{}", patient.replace(' ', "")),
            appointment_id: "apt_1".into(),
            patient: patient.into(),
            appointment: "Today 11:00, Dr Priya Nair".into(),
            amount: amount.into(),
            happened: happened.into(),
            visits: "Opened 3 times, last 26 min ago".into(),
            badges,
            settled: None,
            ends: Ends {
                at: Some("2026-11-26T08:05:00Z".into()),
                text: if soon { "4 h 03 min" } else { "45 h 19 min" }.into(),
                detail: "Thu 26 Nov, 08:05".into(),
                brief: String::new(),
            },
            ends_soon: soon,
            reason,
            step,
            called: String::new(),
            note: String::new(),
            noted: String::new(),
            phone: Some(("07700 900733".into(), "+447700900733".into())),
            may_act: true,
            csrf: "sample".into(),
            idempotency_key: "sample".into(),
            here: "#".into(),
            back: "%23".into(),
        };
    vec![
        row(
            "Isla Brannigan",
            "£85.00",
            "Clearpay refused, card not tried",
            true,
            "Opened, not paid",
            FollowUpStep::Resend("sms"),
            vec![],
        ),
        row(
            "Rachel Oyelaran",
            "£140.00",
            "Looked at Klarna, went no further",
            false,
            "Message failed",
            FollowUpStep::Correct,
            vec![Badge::DeliveryFailed],
        ),
        row(
            "Lewis Thornton",
            "£58.00",
            "Entering card details now",
            false,
            "Opened, not paid",
            FollowUpStep::Wait,
            vec![Badge::InProgress],
        ),
        row(
            "Charlotte Penn",
            "£20.00",
            "Opened after it had ended",
            false,
            "Asked for a new link",
            FollowUpStep::Renew,
            vec![],
        ),
    ]
}

fn selection() -> Selection {
    Selection {
        csrf: "sample".into(),
        idempotency_key: "sample".into(),
        here: "#".into(),
    }
}

fn refund() -> RefundPage {
    RefundPage {
        correction: Some(Field::default()),
        shell: shell(Section::OnlinePayments),
        payment_id: "pay_1".into(),
        appointment_id: "apt_1".into(),
        patient: "Marcus Delaney".into(),
        payment: "Card, payment link · Thu 19 Nov, 14:36".into(),
        paid: "£120.00".into(),
        refunded: "£30.00".into(),
        available: "£90.00".into(),
        available_figure: "90.00".into(),
        offers: true,
        currency_sign: "£".into(),
        amount: Field::wrong("95.00", "At most £90.00 is left to give back."),
        reason: Field::new("Session cut short"),
        note: "The money goes back to the card it came from, usually within 5 to 10 working days."
            .into(),
        refused: None,
        idempotency_key: "sample".into(),
    }
}

fn findings() -> Findings {
    let tab = |label, count, current| findings::Tab {
        label,
        href: "/financials/findings".into(),
        count,
        current,
    };
    Findings {
        shell: shell(Section::Findings),
        tabs: vec![
            tab("To look at", Some(1), true),
            tab("Credits", Some(1), false),
            tab("Settled", None, false),
        ],
        view: View::Open,
        said: None,
        refused: None,
        kinds: vec![],
        narrowed: false,
        findings: vec![Finding {
            id: "fnd_1".into(),
            at: "Today 09:41".into(),
            heading: "Paid twice".into(),
            patient: Some("Harriet Bowes".into()),
            happened: "£36.00 came in by card through a payment link, Today 09:40, when nothing was due any more: \
                       £36.00 had come in by cash at the desk, Today 09:38. The second payment is the patient’s credit."
                .into(),
            to_do: "Refund the second payment, or keep it as credit for the next visit and tell the patient.".into(),
            amount: Some("£36.00".into()),
            button: Some(Button::Refund(Box::new(Refund {
                payment_id: "pay_1".into(),
                finding_id: "fnd_1".into(),
                amount: "36.00".into(),
                seen: "36.00".into(),
                reason: "Credit given back",
                words: "Refund the second payment, £36.00".into(),
                hint: "It goes back by card, the way it was paid, and arrives in 5 to 10 working days.".into(),
                other: "/payments/pay_1/refund?amount=36.00".into(),
                key: "sample".into(),
            }))),
            keep: Some("apt_1".into()),
            links: vec![Place {
                href: "/appointments/apt_1".into(),
                words: "Open the appointment".into(),
                elsewhere: false,
            }],
            note: Field::default(),
            needs_note: false,
            settled: None,
        }],
        credits: vec![],
        credit_total: "1 appointment, £36.00".into(),
        failed_work: vec![FailedWork {
            id: "job_1".into(),
            at: "Yesterday 17:03".into(),
            what: "Payment link by email".into(),
            why: "The mail server refused the address: mailbox unknown".into(),
            tries: 5,
            link: Some(("/payment-links/lnk_1".into(), "Harriet Bowes".into())),
        }],
        may_close: true,
        first: None,
        older: None,
        here: "/financials/findings".into(),
    }
}
