//! A receipt's file is read back as a reader reads it.

use std::collections::BTreeMap;

use miniz_oxide::inflate::decompress_to_vec_zlib;
use remit_core::ids::PaymentId;
use remit_core::languages::{self, LocalTime};
use remit_core::methods::Method;
use remit_core::money::Money;
use remit_core::payments::PaidBy;
use remit_core::receipts::{LegalDetails, VatRate, number};

use super::super::{Document, RefundLine};
use super::write;

/// A moment of November 2026.
fn at(day: u8, hour: u8) -> LocalTime {
    LocalTime {
        year: 2026,
        month: 11,
        day,
        weekday: (day + 5) % 7,
        hour,
        minute: 49,
    }
}

fn receipt(patient: &str) -> Document {
    let payment = PaymentId(uuid::Uuid::from_u128(
        0x019a_b000_0000_7000_8000_12ab_34cd_56ef,
    ));
    let rate = VatRate::parse("20").unwrap();
    Document {
        locale: "en".into(),
        visit: at(24, 11),
        payment,
        number: number(payment),
        reference: Some("PL-20671A".into()),
        is_test: false,
        clinic: "Larkhill Clinic".into(),
        contact: vec![
            "Redland, Bristol".into(),
            "22 Larkhill Road, Bristol BS6 5QN".into(),
            "0117 496 0142".into(),
        ],
        legal: LegalDetails {
            legal_name: "Larkhill Health Ltd".into(),
            registered_address: "1 Registered Way, Bristol BS1 1AA".into(),
            company_number: "01234567".into(),
            vat_number: "GB 123 4567 89".into(),
            vat_rate: Some(rate),
        },
        patient: patient.into(),
        amount: Money::gbp(14_000),
        received: at(24, 10),
        zone: "GMT".into(),
        paid_by: PaidBy::Online(Method::Card),
        slip: Some("Visa ending 4242".into()),
        services: vec![],
        refunds: vec![RefundLine {
            amount: Money::gbp(2_000),
            at: at(26, 9),
        }],
        kept: Money::gbp(12_000),
        vat: Some((rate, rate.included(Money::gbp(12_000)))),
    }
}

/// A file's objects: number, and what stands between `obj` and `endobj`.
fn objects(file: &[u8]) -> BTreeMap<u32, &[u8]> {
    let find = |from: usize, what: &[u8]| {
        let rest = &file[from..];
        rest.windows(what.len())
            .position(|window| window == what)
            .map(|at| from + at)
    };
    let (mut objects, mut at) = (BTreeMap::new(), 0);
    while let Some(start) = find(at, b" 0 obj") {
        let digits = file[..start]
            .iter()
            .rev()
            .take_while(|b| b.is_ascii_digit());
        let from = start - digits.count();
        let number = std::str::from_utf8(&file[from..start]).unwrap();
        let end = find(start, b"endobj").unwrap();
        objects.insert(number.parse().unwrap(), &file[start + 6..end]);
        at = end;
    }
    objects
}

/// A stream's bytes, unpacked where they are packed.
fn stream(object: &[u8]) -> Vec<u8> {
    let text = String::from_utf8_lossy(object);
    let length: usize = text
        .split("/Length ")
        .nth(1)
        .and_then(|rest| rest.split(|c: char| !c.is_ascii_digit()).next())
        .and_then(|digits| digits.parse().ok())
        .unwrap();
    let start = object.windows(7).position(|w| w == b"stream\n").unwrap() + 7;
    let bytes = &object[start..start + length];
    if text.contains("/FlateDecode") {
        decompress_to_vec_zlib(bytes).unwrap()
    } else {
        bytes.to_vec()
    }
}

/// What a font's codes stand for, from its table.
fn meanings(table: &[u8]) -> BTreeMap<u16, char> {
    let text = String::from_utf8_lossy(table);
    let pairs = text.lines().filter_map(|line| {
        let mut parts = line.split(['<', '>']);
        let (code, c) = (parts.nth(1)?, parts.nth(1)?);
        let code = u16::from_str_radix(code, 16).ok()?;
        Some((code, char::from_u32(u32::from_str_radix(c, 16).ok()?)?))
    });
    pairs.collect()
}

/// Reads the drawn pieces of a content stream: the strings of every `Tj`.
fn pieces(content: &[u8], faces: &BTreeMap<u8, BTreeMap<u16, char>>) -> Vec<String> {
    let (mut pieces, mut face, mut at) = (vec![], b'R', 0);
    while at < content.len() {
        match content[at] {
            b'/' => face = content[at + 1],
            b'(' | b'<' => {
                let (codes, end) = string(content, at);
                let known = &faces[&face];
                pieces.push(
                    codes
                        .chunks(2)
                        .map(|pair| known[&u16::from_be_bytes([pair[0], pair[1]])])
                        .collect(),
                );
                at = end;
            }
            _ => {}
        }
        at += 1;
    }
    pieces
}

/// A string object (ISO 32000-1, 7.3.4), and where it ends.
fn string(content: &[u8], start: usize) -> (Vec<u8>, usize) {
    if content[start] == b'<' {
        let end = start + content[start..].iter().position(|b| *b == b'>').unwrap();
        let digits = std::str::from_utf8(&content[start + 1..end]).unwrap();
        return (hex::decode(digits).unwrap(), end);
    }
    let (mut bytes, mut at, mut depth) = (vec![], start + 1, 1);
    loop {
        match content[at] {
            b'\\' => {
                at += 1;
                match content[at] {
                    b'n' => bytes.push(b'\n'),
                    b'r' => bytes.push(b'\r'),
                    b't' => bytes.push(b'\t'),
                    b'b' => bytes.push(8),
                    b'f' => bytes.push(12),
                    digit @ b'0'..=b'7' => {
                        let octal = std::str::from_utf8(&content[at..at + 3]).unwrap();
                        let _ = digit;
                        bytes.push(u8::from_str_radix(octal, 8).unwrap());
                        at += 2;
                    }
                    other => bytes.push(other),
                }
            }
            b'(' => {
                depth += 1;
                bytes.push(b'(');
            }
            b')' => {
                depth -= 1;
                if depth == 0 {
                    return (bytes, at);
                }
                bytes.push(b')');
            }
            other => bytes.push(other),
        }
        at += 1;
    }
}

fn read(file: &[u8]) -> Vec<String> {
    let objects = objects(file);
    let faces = BTreeMap::from([
        (b'R', meanings(&stream(objects[&14]))),
        (b'S', meanings(&stream(objects[&24]))),
    ]);
    let pages = objects
        .iter()
        .filter(|(number, _)| **number >= 31 && **number % 2 == 1);
    pages
        .flat_map(|(_, object)| pieces(&stream(object), &faces))
        .collect()
}

#[test]
fn what_is_drawn_reads_back_in_every_latin_script() {
    for name in [
        "Rachel Oyelaran",
        "Zażółć Gęślą-Jaźń",
        "Nguyễn Thị Ánh",
        "Þórður Ægisson (Łódź)",
        "Ελένη Παπαδοπούλου",
        "Олена Шевченко",
    ] {
        let document = receipt(name);
        let file = write(&document).unwrap();
        let drawn = read(&file);
        let text = drawn.join(" ");
        for piece in [
            name,
            "£140.00",
            "R-12AB34-CD56EF",
            "PL-20671A",
            "Visa •••• 4242",
            "24 November 2026, 10:49 GMT",
            "Appointment on 24 Nov 2026, 11:49",
            "Refunded (26 November 2026, 09:49)",
            "-£20.00",
            "£120.00",
            "VAT included, at 20%",
            "£20.00",
            "Larkhill Clinic is a trading name of Larkhill Health Ltd.",
            "Company number: 01234567",
            "VAT number: GB 123 4567 89",
        ] {
            assert!(text.contains(piece), "{piece} is not in {text}");
        }
        assert!(file.len() < 40_000, "{} bytes", file.len());
        if let Ok(folder) = std::env::var("REMIT_SHOTS") {
            std::fs::write(format!("{folder}/{name}.pdf"), &file).unwrap();
        }
    }
}

#[test]
fn signs_of_money_are_drawn() {
    for code in ["GBP", "EUR", "USD", "JPY", "PLN"] {
        let currency = remit_core::money::Currency::parse(code).unwrap();
        let mut document = receipt("Rachel Oyelaran");
        document.amount = Money::new(14_000, currency);
        document.services = vec![("Wizyta 120 zł, ₤ ₺ ₹".into(), document.amount)];
        let text = read(&write(&document).unwrap()).join(" ");
        assert!(text.contains(&document.amount.to_string()), "{text}");
        assert!(text.contains("Wizyta 120 zł, ₤ ₺ ₹"), "{text}");
    }
}

#[test]
fn a_name_that_cannot_be_drawn_is_left_out_and_the_rest_stands() {
    let text = read(&write(&receipt("ليلى حداد")).unwrap()).join(" ");
    assert!(
        !text.contains("Received from") && !text.contains('?'),
        "{text}"
    );
    assert!(text.contains("£140.00") && text.contains("R-12AB34-CD56EF"));
}

#[test]
fn it_speaks_the_patients_language_where_it_can_be_drawn() {
    for language in languages::ALL {
        let mut document = receipt("Rachel Oyelaran");
        document.locale = language.tag.into();
        let text = read(&write(&document).unwrap()).join(" ");
        let spoken = if language.is_right_to_left() {
            languages::english()
        } else {
            language
        };
        let words = &spoken.page;
        for piece in [words.title_receipt, words.kept, words.company_number] {
            assert!(
                text.contains(piece),
                "{}: {piece} is not in {text}",
                language.tag
            );
        }
        assert!(!text.contains('?'), "{}: {text}", language.tag);
    }
}

#[test]
fn the_same_receipt_is_the_same_bytes_with_title_and_language() {
    let file = write(&receipt("Rachel Oyelaran")).unwrap();
    assert_eq!(file, write(&receipt("Rachel Oyelaran")).unwrap());
    let text = String::from_utf8_lossy(&file);
    for words in [
        "/Lang (en-GB)",
        "/DisplayDocTitle true",
        "/Title (Larkhill Clinic: Receipt R-12AB34-CD56EF)",
        "/MediaBox [0 0 595.28 841.89]",
    ] {
        assert!(text.contains(words), "{words}");
    }
    assert!(!text.contains("CreationDate"));
}

#[test]
fn a_long_list_goes_on_on_the_next_sheet() {
    let mut document = receipt("Rachel Oyelaran");
    document.services = (0..60)
        .map(|n| (format!("Service {n}"), Money::gbp(100)))
        .collect();
    let file = write(&document).unwrap();
    assert!(!String::from_utf8_lossy(&file).contains("/Count 1\n"));
    assert!(read(&file).contains(&"Service 59".to_owned()));
}
