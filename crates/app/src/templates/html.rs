//! An email as a page: calm, one column, one button, styles in place (mail programs drop sheets), nothing fetched from
//! anywhere. It says what the plain text says.

use std::fmt::Write;

use remit_core::clinic::Clinic;
use remit_core::languages::Language;
use remit_core::templates::{Placeholder, Segment, Values};

pub struct Email<'a> {
    pub language: &'a Language,
    pub clinic: &'a Clinic,
    pub subject: &'a str,
    pub lines: &'a [Vec<Segment>],
    pub values: &'a Values,
    /// What the button says.
    pub button: &'a str,
    /// Said first, while no money moves.
    pub mark: Option<&'a str>,
}

const FONT: &str =
    "font-family:-apple-system,BlinkMacSystemFont,'Segoe UI',Roboto,Helvetica,Arial,sans-serif";

impl Email<'_> {
    pub fn html(&self) -> String {
        let (lang, dir) = (self.language.html_lang, self.language.dir());
        let side = if self.language.is_right_to_left() {
            "right"
        } else {
            "left"
        };
        let mut page = format!(
            "<!doctype html>\n<html lang=\"{lang}\" dir=\"{dir}\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <meta name=\"color-scheme\" content=\"light\">\n<title>{}</title>\n</head>\n\
             <body style=\"margin:0;padding:0;background:#f6f8f8\">\n\
             <table role=\"presentation\" width=\"100%\" cellpadding=\"0\" cellspacing=\"0\" border=\"0\" style=\"background:#f6f8f8\"><tr>\
             <td align=\"center\" style=\"padding:24px 12px\">\n\
             <table role=\"presentation\" width=\"100%\" cellpadding=\"0\" cellspacing=\"0\" border=\"0\" dir=\"{dir}\" \
             style=\"max-width:560px;background:#ffffff;border:1px solid #e1e7e6;border-radius:12px;text-align:{side};{FONT};\
             font-size:16px;line-height:1.5;color:#14201f\">\n\
             <tr><td style=\"padding:20px 28px;border-bottom:1px solid #e1e7e6;font-size:18px;font-weight:600\">{}</td></tr>\n\
             <tr><td style=\"padding:12px 28px 20px\">\n",
            escaped(self.subject),
            escaped(&self.clinic.name),
        );
        if let Some(mark) = self.mark {
            let _ = writeln!(
                page,
                "<p dir=\"ltr\" style=\"margin:12px 0 0;padding:8px 12px;background:#fdf1dc;color:#85500a;border-radius:6px;font-size:14px\">{}</p>",
                escaped(mark)
            );
        }
        for paragraph in self.lines.split(Vec::is_empty) {
            self.paragraph(paragraph, &mut page);
        }
        page.push_str("</td></tr>\n");
        self.foot(&mut page);
        page.push_str("</table>\n</td></tr></table>\n</body>\n</html>\n");
        page
    }

    fn paragraph(&self, lines: &[Vec<Segment>], page: &mut String) {
        let mut text = String::new();
        for line in lines {
            if line.as_slice() == [Segment::Slot(Placeholder::Link)] {
                close(&mut text, page);
                self.button(page);
                continue;
            }
            if !text.is_empty() {
                text.push_str("<br>");
            }
            for segment in line {
                match segment {
                    Segment::Words(words) => text.push_str(&escaped(words)),
                    Segment::Slot(Placeholder::Link) => {
                        let link = escaped(&self.values.link);
                        let _ = write!(
                            text,
                            "<a href=\"{link}\" style=\"color:#0b6464\">{link}</a>"
                        );
                    }
                    Segment::Slot(placeholder) => {
                        text.push_str(&escaped(self.values.get(*placeholder)));
                    }
                }
            }
        }
        close(&mut text, page);
    }

    /// The button, and below it the address to read (hazard D14).
    fn button(&self, page: &mut String) {
        let link = escaped(&self.values.link);
        let _ = writeln!(
            page,
            "<p style=\"margin:20px 0 8px\"><a href=\"{link}\" style=\"display:inline-block;padding:14px 28px;background:#0b6464;\
             color:#ffffff;border-radius:8px;font-weight:600;text-decoration:none\">{}</a></p>\n\
             <p dir=\"ltr\" style=\"margin:0 0 20px;font-size:13px;color:#495654;word-break:break-all;text-align:{}\">{link}</p>",
            escaped(self.button),
            if self.language.is_right_to_left() {
                "right"
            } else {
                "left"
            },
        );
    }

    fn foot(&self, page: &mut String) {
        let clinic = self.clinic;
        let known = [&clinic.name, &clinic.address, &clinic.phone];
        let parts: Vec<String> = known
            .into_iter()
            .filter(|part| !part.is_empty())
            .map(|part| format!("<bdi>{}</bdi>", escaped(part)))
            .collect();
        let _ = writeln!(
            page,
            "<tr><td style=\"padding:16px 28px;border-top:1px solid #e1e7e6;font-size:13px;color:#495654\">{}</td></tr>",
            parts.join(" · ")
        );
    }
}

fn close(text: &mut String, page: &mut String) {
    if !text.is_empty() {
        let _ = writeln!(page, "<p style=\"margin:16px 0\">{text}</p>");
        text.clear();
    }
}

/// Text as it stands in an element or between quotes.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use remit_core::languages::{english, of_locale};
    use remit_core::money::Currency;
    use remit_core::templates::{Purpose, Text, TextChannel, word};

    use super::*;

    fn clinic() -> Clinic {
        Clinic {
            id: uuid::Uuid::nil().into(),
            route: "lark".into(),
            name: "Larkhill & <Sons>".into(),
            strapline: String::new(),
            address: "22 Larkhill Road".into(),
            phone: "0117 496 0142".into(),
            email: String::new(),
            currency: Currency::GBP,
            country: "GB".into(),
            zone: "Europe/London".into(),
            test_mode: false,
            show_services: false,
            auto_refund: false,
        }
    }

    fn page(language: &Language, own: Option<&Text>, first_name: &str) -> String {
        let clinic = clinic();
        let values = Values {
            clinic: clinic.name.clone(),
            clinic_phone: clinic.phone.clone(),
            first_name: first_name.into(),
            amount: "£30.00".into(),
            link: "https://pay.example/p/lark?a=1&b=2".into(),
            reference: "PL-1".into(),
            expires: "tomorrow".into(),
            ..Values::default()
        };
        let worded = word(own, TextChannel::Email, Purpose::Balance, language, &values);
        Email {
            language,
            clinic: &clinic,
            subject: worded.subject.as_deref().unwrap_or_default(),
            lines: &worded.lines,
            values: &values,
            button: "Pay £30.00",
            mark: None,
        }
        .html()
    }

    #[test]
    fn the_page_has_one_button_says_its_language_and_fetches_nothing() {
        for language in [english(), of_locale("ar")] {
            let html = page(language, None, "Ava");
            assert_eq!(html.matches("display:inline-block").count(), 1);
            let open = format!(
                "<html lang=\"{}\" dir=\"{}\">",
                language.html_lang,
                language.dir()
            );
            assert!(html.contains(&open));
            for foreign in ["<img", "<script", "<link", "url(", "<style"] {
                assert!(!html.contains(foreign), "{foreign}");
            }
            assert_eq!(
                html.matches("https://pay.example/p/lark?a=1&amp;b=2")
                    .count(),
                2
            );
        }
    }

    #[test]
    fn a_name_is_no_markup() {
        let html = page(english(), None, "<img src=x onerror='a'>\"");
        assert!(
            html.contains("&lt;img src=x onerror=&#39;a&#39;&gt;&quot;") && !html.contains("<img")
        );
        assert!(html.contains("Larkhill &amp; &lt;Sons&gt;"));
    }

    #[test]
    fn a_link_within_a_sentence_stays_there() {
        let own = Text::tidied(
            "From {clinic}",
            "Pay at {link} please\nSecond line\n\n{clinic} {clinic_phone}",
        );
        let html = page(english(), Some(&own), "Ava");
        assert!(html.contains("Pay at <a href=\"https://pay.example/p/lark?a=1&amp;b=2\""));
        assert!(html.contains("please<br>Second line</p>"));
    }
}
