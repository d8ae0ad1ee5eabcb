//! Settings, patients, message tray.

use std::path::Path;

use remit_web::pages::methods::{DeskMethod, OnlineMethod, PaymentMethods};
use remit_web::pages::patients::{
    PatientAppointment, PatientLink, PatientNote, PatientPayment, PatientRecord, PatientRow,
    Patients,
};
use remit_web::pages::services::{DepositKind, ServiceForm, ServiceRow, Services};
use remit_web::pages::tray::{TextPart, Tray, TrayMessage};
use remit_web::pages::{AppointmentStatus, Badge, Field, LinkStatus, Section};

use crate::{page, shell};

pub fn write(folder: &Path) -> std::io::Result<()> {
    page(folder, "methods", &methods())?;
    page(folder, "services", &services())?;
    page(folder, "service", &service())?;
    page(folder, "patients", &patients(""))?;
    page(folder, "patients-nothing-found", &patients("zzz"))?;
    page(folder, "patient", &patient())?;
    page(folder, "tray", &tray())
}

fn methods() -> PaymentMethods {
    let online = |name, word, detail, icon, deposits, min: &str, max: &str| OnlineMethod {
        name,
        word,
        detail,
        icon,
        enabled: true,
        deposits,
        balances: true,
        min: Field::new(min),
        max: Field::new(max),
        warning: None,
    };
    let desk = |name, word, detail, icon| DeskMethod {
        name,
        word,
        detail,
        icon,
        enabled: true,
    };
    PaymentMethods {
        shell: shell(Section::Settings),
        provider: "Paid out by the sandbox · test mode".into(),
        currency_sign: "£".into(),
        currency_word: "pounds".into(),
        saved: true,
        may_change: true,
        may_connect: true,
        shares_email: false,
        online: vec![
            online(
                "card",
                "Credit or debit card",
                "Visa, Mastercard, Amex, Apple Pay, Google Pay",
                Some("credit-card"),
                true,
                "0.50",
                "10,000.00",
            ),
            online(
                "klarna",
                "Klarna",
                "In 3 parts or after 30 days",
                None,
                true,
                "10.00",
                "2,000.00",
            ),
            online(
                "clearpay",
                "Clearpay",
                "In 4 parts over 6 weeks",
                None,
                false,
                "1.00",
                "1,200.00",
            ),
        ],
        desk: vec![
            desk(
                "card_terminal",
                "Card terminal",
                "Recorded by staff with the terminal’s reference",
                "credit-card",
            ),
            desk(
                "cash",
                "Cash",
                "Counted in the day’s cash total",
                "banknote",
            ),
            desk(
                "bank_transfer",
                "Bank transfer",
                "Marked as received by staff",
                "landmark",
            ),
        ],
    }
}

fn services() -> Services {
    let row = |name: &str, duration: &str, price: &str, deposit: &str, active| ServiceRow {
        id: "srv_1".into(),
        name: name.into(),
        duration: duration.into(),
        price: price.into(),
        deposit: deposit.into(),
        active,
    };
    Services {
        shell: shell(Section::Settings),
        may_change: true,
        services: vec![
            row(
                "Physiotherapy assessment",
                "45 min",
                "£65.00",
                "£20.00",
                true,
            ),
            row(
                "Sports massage",
                "60 min",
                "£58.00",
                "25% of the price",
                true,
            ),
            row(
                "Microneedling",
                "60 min",
                "£150.00",
                "The whole price",
                true,
            ),
            row("Routine foot care", "30 min", "£42.00", "None", false),
        ],
    }
}

fn service() -> ServiceForm {
    ServiceForm {
        shell: shell(Section::Settings),
        id: Some("srv_1".into()),
        currency_sign: "£".into(),
        name: Field::new("Sports massage"),
        duration_minutes: Field::new("60"),
        price: Field::new("58.00"),
        deposit_kind: DepositKind::Percent,
        deposit_amount: Field::default(),
        deposit_percent: Field::wrong("250", "Choose 1 to 100."),
        refused: None,
    }
}

fn patients(q: &str) -> Patients {
    let row = |id: &str, name: &str, initials: &str| PatientRow {
        id: id.into(),
        name: name.into(),
        initials: initials.into(),
        phone: "07700 900618".into(),
        email: format!("{}@mail.example", name.to_lowercase().replace(' ', ".")),
        next_appointment: "Tue 24 Nov, 10:00".into(),
    };
    Patients {
        shell: shell(Section::Patients),
        q: q.into(),
        rows: if q.is_empty() {
            vec![
                row("pat_1", "Hannah Whitlock", "HW"),
                row("pat_2", "Peter Szymański", "PS"),
                row("pat_3", "Eleanor Chadwick", "EC"),
            ]
        } else {
            vec![]
        },
        newer: None,
        older: Some("#".into()),
    }
}

fn patient() -> PatientRecord {
    PatientRecord {
        shell: shell(Section::Patients),
        id: "pat_1".into(),
        heading: "Hannah Whitlock".into(),
        name: Field::new("Hannah Whitlock"),
        phone: Field::new("+44 7700 900618"),
        email: Field::new("hannah.whitlock@mail.example"),
        languages: vec![],
        language_word: "English".into(),
        version: 1,
        meanwhile: None,
        refused: None,
        may_change: true,
        may_merge: true,
        done: None,
        payments: vec![PatientPayment {
            id: "pay_1".into(),
            when: "Fri 20 Nov, 14:20".into(),
            method: "Card".into(),
            amount: "£20.00".into(),
            refunded: String::new(),
        }],
        notes: vec![PatientNote {
            id: "pno_1".into(),
            text: "Prefers mornings.".into(),
            by: "Joanne Bright, 20 Nov 14:22".into(),
            struck: None,
        }],
        note: Field::default(),
        note_key: "key".into(),
        alike: vec![],
        credit: Some("£36.00".into()),
        appointments: vec![PatientAppointment {
            id: "apt_1".into(),
            when: "Tue 24 Nov, 10:00".into(),
            what: "Tom Hargreaves".into(),
            status: AppointmentStatus::Arrived,
            balance: "£57.50".into(),
        }],
        links: vec![PatientLink {
            id: "lnk_1".into(),
            created: "Fri 20 Nov, 14:06".into(),
            expires: "Sun 22 Nov, 14:06".into(),
            amount: "£20.00".into(),
            status: LinkStatus::Paid,
            badges: vec![Badge::Late],
        }],
    }
}

fn tray() -> Tray {
    let url = || TextPart::Link("https://pay.larkhill.example/p/7Qm2vXc9RtL0aZk4sWfH1w".into());
    let text = |text: &str| TextPart::Text(text.into());
    Tray {
        unreachable: "+44 7700 900000".into(),
        clinic: "Larkhill Clinic".into(),
        messages: vec![
            TrayMessage {
                id: "msg_2".into(),
                sms: true,
                to: "+44 7700 900618".into(),
                from: "Larkhill".into(),
                subject: String::new(),
                parts: vec![
                    text("Larkhill Clinic: please pay £37.50 by Thu 26 Nov 10:44 "),
                    url(),
                ],
                at: "10:45".into(),
                segments: 1,
                characters: 113,
            },
            TrayMessage {
                id: "msg_1".into(),
                sms: false,
                to: "hannah.whitlock@mail.example".into(),
                from: "desk@larkhill.example".into(),
                subject: "Your payment to Larkhill Clinic".into(),
                parts: vec![
                    text(
                        "Hello Hannah,\n\nhere is the link to pay £37.50 for your appointment on Tuesday 24 November:\n\n",
                    ),
                    url(),
                    text(
                        "\n\nIt works until Thursday 26 November, 10:44. Questions? Call 0117 496 0142.\n\nLarkhill Clinic",
                    ),
                ],
                at: "10:44".into(),
                segments: 0,
                characters: 0,
            },
        ],
    }
}
