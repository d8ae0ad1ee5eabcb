//! Sign-in, diary, booking, appointment.

use std::path::Path;

use remit_web::pages::appointments::{
    AddCharge, Appointment, AppointmentPage, Booking, BookingDialog, BookingPage, Charge, Checkout,
    CheckoutMethod, DueBox, FoundPatient, LinkLine, Payment, Tile,
};
use remit_web::pages::diary::{
    Column, Diary, Entry, Item, ItemKind, NowMark, PaymentNote, Place, Span, Toolbar,
};
use remit_web::pages::find::{Find, Group, Hit, Hits, Opens};
use remit_web::pages::message::{Message, PlainMessage};
use remit_web::pages::shortcuts::{self, ShortcutsDialog};
use remit_web::pages::sign_in::{DemoSignIn, SignIn, TourStep};
use remit_web::pages::{
    AppointmentStatus, Choice, Field, LinkStatus, Section, TimelineEntry, Toast, Tone,
};

use crate::{over, page, shell};

pub fn write(folder: &Path) -> std::io::Result<()> {
    page(folder, "sign-in", &sign_in(None))?;
    page(
        folder,
        "sign-in-refused",
        &sign_in(Some("Email and password do not fit. Try again.".into())),
    )?;
    page(folder, "diary", &diary())?;
    over(
        folder,
        "booking-dialog",
        &diary(),
        &BookingDialog {
            booking: booking(true),
        },
    )?;
    page(
        folder,
        "booking",
        &BookingPage {
            shell: shell(Section::Diary),
            booking: booking(true),
        },
    )?;
    page(
        folder,
        "booking-errors",
        &BookingPage {
            shell: shell(Section::Diary),
            booking: booking_with_errors(),
        },
    )?;
    page(folder, "appointment", &appointment(false))?;
    page(folder, "appointment-refused", &appointment(true))?;
    let message = Message {
        shell: shell(Section::None),
        heading: "This appointment is not here".into(),
        text: "It may belong to another clinic, or the address has a slip in it.".into(),
        link: ("/diary".into(), "Open the diary".into()),
    };
    page(folder, "message", &message)?;
    page(folder, "find", &find())?;
    let list = ShortcutsDialog {
        keys: shortcuts::all(true),
    };
    over(folder, "shortcuts", &diary(), &list)?;
    let message = PlainMessage {
        heading: "Something went wrong on our side".into(),
        text: "Nothing was lost. Try again in a moment.".into(),
        link: Some(("/".into(), "Try again".into())),
    };
    page(folder, "message-plain", &message)
}

fn sign_in(refused: Option<String>) -> SignIn {
    SignIn {
        csrf: "sample".into(),
        email: Field::new(""),
        password: Field::default(),
        refused,
        demo: Some(DemoSignIn {
            email: "owner@larkhill.example".into(),
            password: "kettle-ribbon-harbour".into(),
            reception: Some("joanne.bright@larkhill.example".into()),
            tour: vec![TourStep {
                href: "/demo/messages",
                title: "Pay as the patient",
                text: "The text lies in the patient’s phone. Follow its link and pay.",
            }],
        }),
        next: "/".into(),
        test_mode: true,
    }
}

/// Of the day: column, row, rows, patient, service, payment, its tone, status.
type Booked = (
    usize,
    u32,
    u32,
    &'static str,
    &'static str,
    &'static str,
    Tone,
    AppointmentStatus,
);

use AppointmentStatus::{Arrived, Booked as Open, Completed};

#[rustfmt::skip]
const DAY: &[Booked] = &[
    (0, 1, 2, "Gareth Evans", "Follow-up", "Paid £48.00", Tone::Good, Completed),
    (0, 5, 3, "Oliver Denby", "Assessment", "Paid £65.00", Tone::Good, Completed),
    (0, 9, 3, "Hannah Whitlock", "Physiotherapy assessment", "Deposit paid £20.00", Tone::Good, Arrived),
    (0, 14, 2, "Mohammed Iqbal", "Follow-up", "£48.00 to pay", Tone::Plain, Open),
    (0, 22, 2, "Ruth Sandler", "Follow-up", "", Tone::Plain, Open),
    (0, 35, 3, "Charlotte Penn", "Assessment", "Link expired", Tone::Bad, Open),
    (1, 3, 2, "Carol Atherton", "Review", "Paid £95.00", Tone::Good, Completed),
    (1, 13, 4, "Rachel Oyelaran", "Laser, session 2 of 4", "£140.00 link opened", Tone::Warn, Open),
    (1, 23, 4, "Beth Garside", "Review", "Deposit due £25.00", Tone::Warn, Open),
    (1, 24, 3, "Fiona MacLeod", "Chemical peel", "Deposit paid", Tone::Good, Open),
    (1, 31, 4, "Angharad Price", "Microneedling", "£50.00 link sent", Tone::Sent, Open),
    (2, 12, 2, "Peter Szymański", "Foot care", "Paid £42.00", Tone::Good, Open),
    (2, 25, 4, "Daniel Achebe", "Biomechanical assessment", "£30.00 link sent", Tone::Sent, Open),
];

const PRACTITIONERS: [(&str, &str, &str); 3] = [
    ("Tom Hargreaves", "Physiotherapy · Room 2", "TH"),
    ("Dr Priya Nair", "Skin · Room 1", "PN"),
    ("Megan Lloyd", "Podiatry · Room 3", "ML"),
];

fn entry(&(_, row, rows, patient, service, note, tone, status): &Booked) -> Item {
    let icon = match tone {
        Tone::Good => "circle-check",
        Tone::Sent => "send",
        Tone::Warn => "eye",
        Tone::Bad => "timer-off",
        Tone::Plain => "credit-card",
    };
    // Two that overlap share the column.
    let (lane, lanes) = match patient {
        "Beth Garside" => (1, 2),
        "Fiona MacLeod" => (2, 2),
        _ => (1, 1),
    };
    let payment = (!note.is_empty()).then(|| PaymentNote {
        text: note.into(),
        icon,
        tone,
    });
    Item {
        place: Place {
            row,
            rows,
            lane,
            lanes,
        },
        kind: ItemKind::Appointment(Entry {
            id: "apt_1".into(),
            span: Span::default(),
            seen: 1,
            movable: true,
            patient: patient.into(),
            service: service.into(),
            time: "10:00 – 10:45".into(),
            status,
            payment,
        }),
    }
}

fn column(index: usize, (name, detail, initials): (&str, &str, &str)) -> Column {
    let lunch = Item {
        place: Place {
            row: 17,
            rows: 4,
            lane: 1,
            lanes: 1,
        },
        kind: ItemKind::Blocked {
            label: "Lunch".into(),
            span: Span::default(),
        },
    };
    let booked = DAY.iter().filter(|booked| booked.0 == index).map(entry);
    Column {
        id: format!("prc_{index}"),
        name: name.into(),
        detail: detail.into(),
        initials: initials.into(),
        hue: ["a", "b", "c"][index % 3],
        chosen: index == 0,
        items: std::iter::once(lunch).chain(booked).collect(),
    }
}

fn diary() -> Diary {
    let columns = PRACTITIONERS
        .into_iter()
        .enumerate()
        .map(|(index, person)| column(index, person));
    Diary {
        shell: shell(Section::Diary),
        bar: Toolbar {
            heading: "Tuesday 24 November".into(),
            day: "2026-11-24".into(),
            here: "/diary?day=2026-11-24".into(),
            previous: "/diary?day=2026-11-23".into(),
            next: "/diary?day=2026-11-25".into(),
            as_day: "/diary?day=2026-11-24".into(),
            as_week: "/diary?view=week&day=2026-11-24".into(),
            everybody: "/diary?day=2026-11-24".into(),
            is_today: true,
            is_week: false,
            only: String::new(),
            only_name: None,
            people: vec![],
        },
        until: "18:00".into(),
        from: "08:00".into(),
        hours: (8..18).map(|hour| format!("{hour:02}:00")).collect(),
        columns: columns.collect(),
        now: Some(NowMark {
            time: "10:46".into(),
            row: 12,
            fifth: 0,
        }),
        as_of: "Tue 24 Nov, 10:46".into(),
    }
}

fn choice(value: &str, label: &str, selected: bool) -> Choice {
    Choice {
        value: value.into(),
        label: label.into(),
        selected,
    }
}

fn booking(found: bool) -> Booking {
    let patient = |id: &str, name: &str, contact: &str, chosen| FoundPatient {
        id: id.into(),
        name: name.into(),
        contact: contact.into(),
        chosen,
    };
    let more = || {
        vec![
            choice("", "None", true),
            choice("srv_2", "Resistance band session · 15 min · £12.00", false),
        ]
    };
    Booking {
        csrf: "sample".into(),
        idempotency_key: "sample".into(),
        summary: "Tuesday 24 November, 14:30 – 15:15 with Tom Hargreaves".into(),
        refused: None,
        clash: None,
        search: Field::new(if found { "chadw" } else { "" }),
        found: if found {
            vec![
                patient(
                    "pat_1",
                    "Eleanor Chadwick",
                    "07700 900142 · eleanor.chadwick@mail.example",
                    true,
                ),
                patient("pat_2", "Simon Chadwick", "07700 900143", false),
            ]
        } else {
            vec![]
        },
        is_new_patient: !found,
        name: Field::default(),
        phone: Field::default(),
        email: Field::default(),
        services: vec![choice(
            "srv_1",
            "Physiotherapy assessment · 45 min · £65.00",
            true,
        )],
        services_2: more(),
        services_3: more(),
        service_error: None,
        practitioners: vec![
            choice("prc_1", "Tom Hargreaves", true),
            choice("prc_2", "Dr Priya Nair", false),
        ],
        practitioner_error: None,
        date: Field::new("2026-11-24"),
        start: Field::new("14:30"),
        due: DueBox {
            lines: vec![("Physiotherapy assessment".into(), "£65.00".into())],
            on_the_day: "£45.00".into(),
            deposit_due: Some("£20.00".into()),
            methods: "card, Klarna or Clearpay".into(),
        },
    }
}

fn booking_with_errors() -> Booking {
    Booking {
        refused: Some(
            "Tom Hargreaves is already booked from 14:15 to 15:00. Choose another time.".into(),
        ),
        name: Field::wrong("", "Enter the patient’s name."),
        phone: Field::wrong(
            "0770",
            "This number is too short. Write it as 07700 900142 or with a leading +.",
        ),
        due: DueBox {
            lines: vec![("Foot care".into(), "£42.00".into())],
            ..DueBox::default()
        },
        ..booking(false)
    }
}

fn line(icon: &'static str, tone: Tone, text: &str, detail: &str, at: &str) -> TimelineEntry {
    TimelineEntry {
        icon,
        tone,
        text: text.into(),
        detail: detail.into(),
        at: at.into(),
    }
}

pub fn timeline() -> Vec<TimelineEntry> {
    vec![
        line(
            "package-plus",
            Tone::Plain,
            "Charge added: resistance band set £12.50",
            "Tom Hargreaves",
            "Today 10:38",
        ),
        line(
            "door-open",
            Tone::Plain,
            "Marked as arrived",
            "Joanne Bright, reception",
            "Today 09:52",
        ),
        line(
            "circle-check",
            Tone::Good,
            "Deposit of £20.00 paid by card",
            "From the payment link",
            "20 Nov 18:42",
        ),
        line(
            "eye",
            Tone::Warn,
            "Link opened by the patient",
            "Phone, 2 visits",
            "20 Nov 18:40",
        ),
        line(
            "message-square",
            Tone::Sent,
            "Link texted to 07700 900618",
            "Delivered in 4 seconds",
            "20 Nov 14:07",
        ),
        line(
            "calendar-plus",
            Tone::Plain,
            "Appointment booked, deposit due £20.00",
            "Joanne Bright",
            "20 Nov 14:06",
        ),
    ]
}

pub fn appointment(refused: bool) -> AppointmentPage {
    let charge = |id: &str, description: &str, detail: &str, amount: &str, removable| Charge {
        id: id.into(),
        description: description.into(),
        detail: detail.into(),
        quantity: 1,
        amount: amount.into(),
        removable,
    };
    let mut shell = shell(Section::Diary);
    if refused {
        shell.toasts = vec![Toast {
            text: "Charge added".into(),
            error: false,
        }];
        shell.test_mode = true;
    }
    AppointmentPage {
        shell,
        appointment: Appointment {
            id: "apt_1".into(),
            patient: "Hannah Whitlock".into(),
            patient_id: "pat_1".into(),
            summary: "Physiotherapy assessment with Tom Hargreaves · 10:00 – 10:45 · Room 2".into(),
            day: "2026-11-24".into(),
            day_words: "Tue 24 November".into(),
            status: AppointmentStatus::Arrived,
            next_statuses: vec![
                AppointmentStatus::InProgress,
                AppointmentStatus::Completed,
                AppointmentStatus::Cancelled,
            ],
            may_move: true,
            charges: vec![
                charge(
                    "chg_1",
                    "Physiotherapy assessment",
                    "Service, 45 min",
                    "£65.00",
                    false,
                ),
                charge("chg_2", "Resistance band set", "Product", "£12.50", true),
            ],
            add_charge: Some(AddCharge {
                currency_sign: "£".into(),
                idempotency_key: "sample".into(),
                description: Field::new(""),
                quantity: Field::new("1"),
                amount: if refused {
                    Field::wrong("12,5o", "Write the amount as 12.50.")
                } else {
                    Field::default()
                },
                discount: false,
                open: refused,
            }),
            payments: vec![Payment {
                id: "pay_1".into(),
                what: "Card, payment link".into(),
                when: "Fri 20 Nov, 18:42 · deposit".into(),
                reference: "PL-20614".into(),
                amount: "£20.00".into(),
                badges: vec![],
                refundable: true,
                dispute: None,
            }],
            waiting: vec![],
            links: vec![LinkLine {
                id: "lnk_1".into(),
                amount: "£37.50".into(),
                purpose: "Balance".into(),
                status: LinkStatus::Sent,
                badges: vec![],
                expiry: "expires Thu 26 Nov, 10:44".into(),
            }],
            timeline: timeline(),
        },
        checkout: checkout(refused),
        refused: None,
        anyway: None,
    }
}

fn checkout(refused: bool) -> Checkout {
    let tile = |method, detail: &str, chosen, amount: &str| Tile {
        method,
        detail: detail.into(),
        chosen,
        amount: if refused && chosen {
            Field::wrong(amount, "Ask for £57.50 or less.")
        } else {
            Field::new(amount)
        },
    };
    Checkout {
        open_link: None,
        qr_key: "sample".into(),
        total: "£77.50".into(),
        paid: "£20.00".into(),
        refunded: None,
        credit: None,
        balance: "£57.50".into(),
        balance_minor: 5750,
        exponent: 2,
        currency_sign: "£".into(),
        currency_word: "pounds".into(),
        idempotency_key: "sample".into(),
        settled: None,
        tiles: vec![
            tile(CheckoutMethod::CardTerminal, "", false, ""),
            tile(CheckoutMethod::Cash, "", true, "20.00"),
            tile(CheckoutMethod::BankTransfer, "", false, ""),
            tile(CheckoutMethod::Link, "Card, Klarna or Clearpay", true, "37.50"),
        ],
        covers: true,
        left_over: "£0.00".into(),
        label: "Take £20.00 cash and create link for £37.50".into(),
        reference: Field::default(),
        refused: refused.then(|| "The patient is paying by Klarna right now and the provider does not answer.".into()),
        offers_override: refused,
        note: "Cash is recorded now. The £37.50 stays due until the link is paid, then it is recorded here by itself.".into(),
    }
}

fn find() -> Find {
    let hit = |icon, title: &str, detail: &str, opens, status| Hit {
        href: "/diary".into(),
        icon,
        title: title.into(),
        detail: detail.into(),
        opens,
        status,
        keys: "",
    };
    let group = |name, hits| Group { name, hits };
    let contact = "+44 7700 900142 · eleanor.chadwick@mail.example";
    let visit = "Tomorrow 14:30 · Assessment · with Tom Hargreaves";
    let asked = "£25.00 deposit · RMT-7F3K · made today";
    let book = "New appointment for Eleanor Chadwick";
    let (page, window) = (Opens::Page, Opens::Window);
    let sent = Some(LinkStatus::Sent);
    let groups = vec![
        group(
            "Patients",
            vec![hit("user", "Eleanor Chadwick", contact, page, None)],
        ),
        group(
            "Appointments",
            vec![hit("calendar-days", "Eleanor Chadwick", visit, page, None)],
        ),
        group(
            "Payment links",
            vec![hit("link", "Eleanor Chadwick", asked, window, sent)],
        ),
        group(
            "Actions",
            vec![hit("calendar-plus", book, "", window, None)],
        ),
    ];
    Find {
        shell: shell(Section::None),
        hits: Hits {
            q: "eleanor".into(),
            csrf: "sample".into(),
            groups,
        },
    }
}
