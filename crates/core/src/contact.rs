//! Names, email addresses and mobile numbers, checked at the door so that nothing inside has to (hazard D6).

use std::fmt;

/// Characters of the longest name kept.
pub const NAME_CHARS_MAX: usize = 200;

/// Why a contact detail was refused; the sentence is for the person who typed it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ContactError {
    #[error("Enter a name.")]
    NameMissing,
    #[error("Use at most {NAME_CHARS_MAX} characters for a name.")]
    NameTooLong,
    #[error("A name cannot hold line breaks or control characters.")]
    NameControl,
    #[error("Enter an email address like name@example.com.")]
    Email,
    #[error("An email address is one line: take out line breaks and control characters.")]
    EmailControl,
    #[error(
        "Enter a phone number with its country code, like +44 7700 900123, or a national number."
    )]
    Phone,
    #[error("A phone number is one line: take out line breaks and control characters.")]
    PhoneControl,
    #[error("This number cannot receive texts. Enter a mobile number.")]
    NotMobile,
}

/// A person's or thing's name: trimmed, one line, 1 to 200 characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Name(String);

impl Name {
    /// # Errors
    /// Empty, too long, or with control characters in it.
    pub fn parse(text: &str) -> Result<Name, ContactError> {
        let text = text.trim();
        if text.is_empty() {
            Err(ContactError::NameMissing)
        } else if text.chars().count() > NAME_CHARS_MAX {
            Err(ContactError::NameTooLong)
        } else if text.chars().any(char::is_control) {
            Err(ContactError::NameControl)
        } else {
            Ok(Name(text.to_owned()))
        }
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub fn into_string(self) -> String {
        self.0
    }
}

/// An address of the shape `local@domain.tld`, at most 254 characters (RFC 5321), no spaces or control characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Email(String);

impl Email {
    /// # Errors
    /// [`ContactError::EmailControl`] with a line break in it, which would be a header of its own (hazard D6);
    /// [`ContactError::Email`] for what else is no address.
    pub fn parse(text: &str) -> Result<Email, ContactError> {
        if text.chars().any(char::is_control) {
            return Err(ContactError::EmailControl);
        }
        let text = text.trim_matches(' ');
        let refused = Err(ContactError::Email);
        let Some((local, domain)) = text.rsplit_once('@') else {
            return refused;
        };
        let clean =
            |c: char| !c.is_control() && !c.is_whitespace() && !"()<>[]:;,\\\"@".contains(c);
        let label = |l: &str| {
            !l.is_empty()
                && l.len() <= 63
                && !l.starts_with('-')
                && !l.ends_with('-')
                && l.chars().all(|c| c.is_alphanumeric() || c == '-')
        };
        let local_ok = !local.is_empty()
            && local.len() <= 64
            && local.chars().all(clean)
            && !local.starts_with('.')
            && !local.ends_with('.')
            && !local.contains("..");
        let domain_ok = domain.contains('.') && domain.split('.').all(label);
        if text.len() > 254 || !local_ok || !domain_ok {
            return refused;
        }
        Ok(Email(format!("{local}@{}", domain.to_lowercase())))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub fn into_string(self) -> String {
        self.0
    }

    /// `r•••@example.com`: enough for the owner to recognise (hazard E4).
    pub fn mask(address: &str) -> String {
        let (local, domain) = address.split_once('@').unwrap_or((address, ""));
        let first: String = local.chars().take(1).collect();
        format!("{first}•••@{domain}")
    }

    pub fn masked(&self) -> String {
        Email::mask(&self.0)
    }
}

/// A phone number in E.164 form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Phone {
    e164: String,
    mobile: bool,
    country: Option<String>,
}

/// Whether a code (ISO 3166 alpha-2, upper case) names a country that has phone numbers.
pub fn is_country(code: &str) -> bool {
    code.parse::<phonenumber::country::Id>().is_ok()
}

impl Phone {
    /// Reads a number with a leading `+`, or a national one of `country` (ISO 3166 alpha-2).
    ///
    /// # Errors
    /// [`ContactError::PhoneControl`], or [`ContactError::Phone`] unless it is a valid number of its country.
    pub fn parse(text: &str, country: &str) -> Result<Phone, ContactError> {
        if text.chars().any(char::is_control) {
            return Err(ContactError::PhoneControl);
        }
        let text = text.trim();
        if text.len() > 40
            || !text
                .chars()
                .all(|c| c.is_ascii_digit() || "+-() ./".contains(c))
        {
            return Err(ContactError::Phone);
        }
        let region: Option<phonenumber::country::Id> = country.parse().ok();
        let number = phonenumber::parse(region, text).map_err(|_| ContactError::Phone)?;
        let e164 = number.format().mode(phonenumber::Mode::E164).to_string();
        // Ofcom keeps 07700 900000-900999 for drama; nobody has a number near it and metadata calls the block invalid.
        // It is what demos, manuals and tests use, and it behaves as a mobile.
        if let Some(rest) = e164.strip_prefix("+4477009")
            && rest.len() == 5
        {
            return Ok(Phone {
                e164,
                mobile: true,
                country: Some("GB".into()),
            });
        }
        // The same for landlines: 0117 496 0xxx and its sisters in other cities.
        if let Some(rest) = e164.strip_prefix("+44")
            && rest.len() == 10
            && rest.get(3..7).is_some_and(|middle| middle == "4960")
        {
            return Ok(Phone {
                e164,
                mobile: false,
                country: Some("GB".into()),
            });
        }
        if !number.is_valid() {
            return Err(ContactError::Phone);
        }
        use phonenumber::Type;
        let mobile = matches!(
            number.number_type(&phonenumber::metadata::DATABASE),
            Type::Mobile | Type::FixedLineOrMobile
        );
        let country = number.country().id();
        Ok(Phone {
            e164,
            mobile,
            country: country.map(|id| id.as_ref().to_owned()),
        })
    }

    /// # Errors
    /// [`ContactError::NotMobile`] where no text can arrive.
    pub fn for_sms(self) -> Result<Phone, ContactError> {
        if self.mobile {
            Ok(self)
        } else {
            Err(ContactError::NotMobile)
        }
    }

    /// The country whose number it is (ISO 3166 alpha-2); none for numbers of no country, such as satellite phones.
    pub fn country(&self) -> Option<&str> {
        self.country.as_deref()
    }

    pub fn as_str(&self) -> &str {
        &self.e164
    }

    pub fn into_string(self) -> String {
        self.e164
    }

    /// `+44 •••• ••0123`: enough for the owner to recognise (hazard E4).
    pub fn mask(e164: &str) -> String {
        let tail: String = e164.chars().rev().take(4).collect();
        let tail: String = tail.chars().rev().filter(|_| e164.len() > 6).collect();
        let country = phonenumber::parse(None, e164)
            .map(|number| format!("+{} ", number.code().value()))
            .unwrap_or_default();
        format!("{country}•••• ••{tail}")
    }

    /// What a number is looked up by, each in digits alone: with its country, without it, with the nought that stands
    /// for it at home, and its end, which is what people remember.
    pub fn ways(e164: &str) -> Vec<String> {
        let whole = e164.trim_start_matches('+').to_owned();
        let mut ways = Vec::new();
        if let Ok(number) = phonenumber::parse(None, e164) {
            let national = number.national().to_string();
            ways.push(format!("0{national}"));
            ways.push(national);
        }
        for digits in [4, 6] {
            let end = whole.len().checked_sub(digits).filter(|start| *start > 2);
            ways.extend(end.and_then(|start| whole.get(start..)).map(str::to_owned));
        }
        ways.push(whole);
        ways
    }

    /// The digits that somebody who types a number means, however they space it: none when it is no number.
    pub fn sought(text: &str) -> Option<String> {
        let text = text.trim().replace("(0)", "");
        let digits: String = text.chars().filter(char::is_ascii_digit).collect();
        let plain = text
            .chars()
            .all(|letter| letter.is_ascii_digit() || "+-–() ./\u{a0}".contains(letter));
        if !plain || digits.len() < 3 {
            return None;
        }
        Some(digits.strip_prefix("00").unwrap_or(&digits).to_owned())
    }

    /// Grouped for reading: `+44 7700 900123`.
    pub fn grouped(e164: &str) -> String {
        match e164.strip_prefix("+44") {
            Some(rest) if rest.len() == 10 => format!("+44 {} {}", &rest[..4], &rest[4..]),
            _ => e164.to_owned(),
        }
    }

    /// As people in `country` (ISO 3166 alpha-2) write it: `07700 900123` there, `+44 7700 900123` elsewhere. A number
    /// that cannot be read stays as it is.
    pub fn written_in(e164: &str, country: &str) -> String {
        let Ok(number) = phonenumber::parse(None, e164) else {
            return e164.to_owned();
        };
        let home: Option<phonenumber::country::Id> = country.parse().ok();
        let code = home.map(|id| phonenumber::metadata::DATABASE.by_id(id.as_ref()));
        let at_home = code
            .flatten()
            .is_some_and(|home| home.country_code() == number.country().code());
        let mode = if at_home {
            phonenumber::Mode::National
        } else {
            phonenumber::Mode::International
        };
        number.format().mode(mode).to_string()
    }
}

impl fmt::Display for Phone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&Phone::grouped(&self.e164))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn email_addresses_are_read_or_refused() {
        for good in [
            "a@b.co",
            "hannah.whitlock@mail.example",
            "o'neil+x@Clinic.EXAMPLE",
            "zoë@exämple.example",
        ] {
            assert!(Email::parse(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "x",
            "x@y",
            "@b.co",
            "a@",
            "a@b..co",
            "a b@c.de",
            ".a@b.co",
            "a..b@c.de",
            "a@-b.co",
        ] {
            assert_eq!(Email::parse(bad), Err(ContactError::Email), "{bad:?}");
        }
        for bad in ["x@y.zz\r\nBcc: a@b.c", "a@b.c\n", "a@b.c\0"] {
            let refused = Email::parse(bad);
            assert_eq!(refused, Err(ContactError::EmailControl), "{bad:?}");
        }
    }

    #[test]
    fn a_number_is_written_as_people_there_write_it() {
        for (e164, country, written) in [
            ("+447700900862", "GB", "07700 900862"),
            ("+447700900862", "DE", "+44 7700 900862"),
            ("+33612345678", "FR", "06 12 34 56 78"),
            ("+33612345678", "GB", "+33 6 12 34 56 78"),
            ("+12015550123", "US", "(201) 555-0123"),
            ("rubbish", "GB", "rubbish"),
        ] {
            assert_eq!(
                Phone::written_in(e164, country),
                written,
                "{e164} in {country}"
            );
        }
    }

    #[test]
    fn phone_numbers_become_e164_and_landlines_take_no_text() {
        for (text, e164) in [
            ("07400 123456", "+447400123456"),
            ("+44 7700 900123", "+447700900123"),
            ("07700900001", "+447700900001"),
            ("+353 85 012 3456", "+353850123456"),
        ] {
            let phone = Phone::parse(text, "GB").unwrap();
            assert_eq!(phone.as_str(), e164);
            assert!(phone.for_sms().is_ok(), "{text}");
        }
        let desk = Phone::parse("0117 496 0142", "GB").unwrap();
        assert_eq!(desk.for_sms(), Err(ContactError::NotMobile));
        assert_eq!(
            Phone::parse("020 7946 0018", "GB").and_then(Phone::for_sms),
            Err(ContactError::NotMobile)
        );
        for bad in ["", "12", "hello", "+44", "0000000000", "+999123456789"] {
            assert!(Phone::parse(bad, "GB").is_err(), "{bad}");
        }
        let lines = Phone::parse("07400 123456\r\n07400 123457", "GB");
        assert_eq!(lines, Err(ContactError::PhoneControl));
        for (text, country) in [
            ("07400 123456", Some("GB")),
            ("+44 7700 900123", Some("GB")),
            ("+44 7797 712345", Some("JE")),
            ("+353 85 012 3456", Some("IE")),
            ("+33 6 12 34 56 78", Some("FR")),
            ("+1 416 555 0123", Some("CA")),
            ("+881 6 1234 5678", None),
        ] {
            let phone = Phone::parse(text, "GB");
            assert_eq!(
                phone.as_ref().ok().and_then(Phone::country),
                country,
                "{text}: {phone:?}"
            );
        }
    }

    #[test]
    fn a_number_is_found_however_it_is_written() {
        let ways = Phone::ways("+447700900123");
        for typed in [
            "07700 900123",
            "07700-900-123",
            "+44 7700 900123",
            "+44 (0)7700 900123",
            "0044 7700 900123",
            "447700900123",
            "7700 900",
            "(07700) 900 123",
            "0123",
            "900123",
        ] {
            let sought = Phone::sought(typed).unwrap();
            assert!(
                ways.iter().any(|way| way.starts_with(&sought)),
                "{typed}: {sought}"
            );
        }
        assert!(Phone::ways("+33612345678").contains(&"0612345678".to_owned()));
        for no_number in ["", "12", "Hannah", "PL-20671", "7 Hill Road"] {
            assert_eq!(Phone::sought(no_number), None, "{no_number}");
        }
    }

    #[test]
    fn what_is_masked_is_known_to_its_owner_alone() {
        assert_eq!(Phone::mask("+447700900123"), "+44 •••• ••0123");
        assert_eq!(Phone::mask("+33612345678"), "+33 •••• ••5678");
        assert_eq!(Phone::mask("12"), "•••• ••");
        assert_eq!(Email::mask("hannah@mail.example"), "h•••@mail.example");
    }

    #[test]
    fn names_are_one_line() {
        assert_eq!(
            Name::parse("  Peter Szymański 🙂 ").unwrap().as_str(),
            "Peter Szymański 🙂"
        );
        assert_eq!(Name::parse(" "), Err(ContactError::NameMissing));
        assert_eq!(Name::parse("Ann\r\nBcc: x"), Err(ContactError::NameControl));
        assert_eq!(
            Name::parse(&"x".repeat(201)),
            Err(ContactError::NameTooLong)
        );
    }
}
