//! The receipt as a file: PDF, A4, tagged with its language and title. Text is drawn with two embedded faces that hold
//! Latin, Greek and Cyrillic and every currency's sign; of them only the glyphs in use are in the file. The same facts
//! give the same bytes: there is no date and no chance in it.
//!
//! It speaks the patient's language, and English where that is written in a script which the faces do not hold (Arabic,
//! Chinese, and others that want shaping). Nothing is drawn as empty boxes: a patient's name in such a script in one is left out, which the receipt's number stands in for; the page in the browser has it.

use std::collections::BTreeMap;

use miniz_oxide::deflate::compress_to_vec_zlib;
use pdf_writer::types::{CidFontType, FontFlags, SystemInfo, UnicodeCmap};
use pdf_writer::{Content, Filter, Finish, Name, Pdf, Rect, Ref, Str, TextStr};
use remit_core::languages::{self, Language};
use subsetter::GlyphRemapper;
use ttf_parser::{Face, GlyphId};

use super::Document;
use crate::{Error, Result};

static REGULAR: &[u8] = include_bytes!("../../fonts/Inter-Regular.ttf");
static STRONG: &[u8] = include_bytes!("../../fonts/Inter-SemiBold.ttf");

/// A4 in points (ISO 216: 210 mm by 297 mm, 72 points an inch).
const WIDTH: f32 = 595.28;
const HEIGHT: f32 = 841.89;
const MARGIN: f32 = 56.0;
const VALUE_X: f32 = 190.0;
const INK: [f32; 3] = [0.08, 0.125, 0.12];
const SOFT: [f32; 3] = [0.37, 0.42, 0.41];
const LINE: [f32; 3] = [0.78, 0.82, 0.81];
const COMPRESSION: u8 = 6;

/// Draws a receipt.
///
/// # Errors
/// [`Error::Setup`]: a face of ours cannot be read.
pub(super) fn write(document: &Document) -> Result<Vec<u8>> {
    let language = match languages::of_locale(&document.locale) {
        language if language.is_right_to_left() => languages::english(),
        language => language,
    };
    let mut sheet = Sheet::new()?;
    draw(&mut sheet, document, language);
    sheet.finish(document, language)
}

/// What stands on the paper, from the top down.
fn draw(sheet: &mut Sheet, document: &Document, language: &Language) {
    const WHOLE: f32 = WIDTH - 2.0 * MARGIN;
    let words = &language.page;
    sheet.right(Weight::Strong, 18.0, INK, words.title_receipt);
    sheet.text(Weight::Strong, 18.0, INK, MARGIN, &document.clinic);
    sheet.down(16.0);
    sheet.right(Weight::Regular, 9.5, SOFT, &document.number);
    for line in &document.contact {
        sheet.wrapped(Weight::Regular, 9.5, SOFT, MARGIN, 320.0, line);
    }
    if document.is_test {
        sheet.down(8.0);
        sheet.wrapped(Weight::Strong, 11.0, INK, MARGIN, 400.0, words.test_mode);
    }
    sheet.down(14.0);
    sheet.rule();
    sheet.down(20.0);
    sheet.text(Weight::Regular, 10.0, SOFT, MARGIN, words.row_amount);
    sheet.down(32.0);
    let amount = language.money(document.amount);
    sheet.text(Weight::Strong, 30.0, INK, MARGIN, &amount);
    sheet.down(20.0);
    if sheet.holds(&document.patient) {
        let from = languages::fill(words.received_from, &[("name", &document.patient)]);
        sheet.wrapped(Weight::Regular, 10.0, INK, MARGIN, WHOLE, &from);
    }
    sheet.down(4.0);
    sheet.rule();
    for (label, value) in document.rows(language) {
        sheet.row(&label, &value);
    }
    for sums in [document.services(language), document.sums(language)] {
        if !sums.is_empty() {
            sheet.down(14.0);
            sheet.rule();
        }
        for (label, value) in &sums {
            sheet.sum(label, value);
        }
    }
    sheet.down(22.0);
    for line in document.legal_lines(language) {
        sheet.wrapped(Weight::Regular, 9.0, SOFT, MARGIN, WHOLE, &line);
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Weight {
    Regular,
    Strong,
}

struct Faces {
    face: Face<'static>,
    bytes: &'static [u8],
    /// Glyphs in use, in the order of their first use, with what they stand for.
    used: GlyphRemapper,
    means: BTreeMap<u16, char>,
    widths: Vec<f32>,
}

impl Faces {
    fn read(bytes: &'static [u8]) -> Result<Faces> {
        let face = Face::parse(bytes, 0)
            .map_err(|error| Error::Setup(format!("a receipt's font: {error}")))?;
        let mut faces = Faces {
            face,
            bytes,
            used: GlyphRemapper::new(),
            means: BTreeMap::new(),
            widths: vec![],
        };
        // The glyph for what is missing is always the first.
        faces.widths.push(faces.advance(GlyphId(0)));
        Ok(faces)
    }

    /// Thousandths of the text's size.
    fn advance(&self, glyph: GlyphId) -> f32 {
        let advance = f32::from(self.face.glyph_hor_advance(glyph).unwrap_or(0));
        advance * 1000.0 / f32::from(self.face.units_per_em())
    }

    fn width(&self, text: &str, size: f32) -> f32 {
        let glyph = |c| self.face.glyph_index(c).unwrap_or(GlyphId(0));
        let sum: f32 = text.chars().map(|c| self.advance(glyph(c))).sum();
        sum * size / 1000.0
    }

    /// The text as two-byte codes of the file's own glyphs.
    fn codes(&mut self, text: &str) -> Vec<u8> {
        let mut codes = Vec::with_capacity(text.len() * 2);
        for c in text.chars() {
            let known = self.face.glyph_index(c).or(self.face.glyph_index('?'));
            let glyph = known.unwrap_or(GlyphId(0));
            let code = self.used.remap(glyph.0);
            if usize::from(code) >= self.widths.len() {
                self.widths.push(self.advance(glyph));
            }
            self.means.entry(code).or_insert(c);
            codes.extend_from_slice(&code.to_be_bytes());
        }
        codes
    }
}

/// A piece of text or a line, where it goes.
enum Mark {
    Text {
        strong: bool,
        size: f32,
        colour: [f32; 3],
        at: (f32, f32),
        codes: Vec<u8>,
    },
    Rule {
        y: f32,
    },
}

struct Sheet {
    regular: Faces,
    strong: Faces,
    pages: Vec<Vec<Mark>>,
    y: f32,
}

impl Sheet {
    fn new() -> Result<Sheet> {
        Ok(Sheet {
            regular: Faces::read(REGULAR)?,
            strong: Faces::read(STRONG)?,
            pages: vec![vec![]],
            y: HEIGHT - MARGIN - 14.0,
        })
    }

    fn faces(&mut self, weight: Weight) -> &mut Faces {
        match weight {
            Weight::Regular => &mut self.regular,
            Weight::Strong => &mut self.strong,
        }
    }

    /// Whether every character can be drawn.
    fn holds(&self, text: &str) -> bool {
        text.chars()
            .all(|c| self.regular.face.glyph_index(c).is_some())
    }

    fn put(&mut self, mark: Mark) {
        if let Some(page) = self.pages.last_mut() {
            page.push(mark);
        }
    }

    /// Moves down; over the foot of the paper a new one begins.
    fn down(&mut self, points: f32) {
        self.y -= points;
        if self.y < MARGIN {
            self.pages.push(vec![]);
            self.y = HEIGHT - MARGIN - 14.0;
        }
    }

    fn text(&mut self, weight: Weight, size: f32, colour: [f32; 3], x: f32, text: &str) {
        let at = (x, self.y);
        let codes = self.faces(weight).codes(text);
        let strong = weight == Weight::Strong;
        self.put(Mark::Text {
            strong,
            size,
            colour,
            at,
            codes,
        });
    }

    fn right(&mut self, weight: Weight, size: f32, colour: [f32; 3], text: &str) {
        let x = WIDTH - MARGIN - self.faces(weight).width(text, size);
        self.text(weight, size, colour, x, text);
    }

    /// Text that goes on in the next line, and the step below it.
    fn wrapped(
        &mut self,
        weight: Weight,
        size: f32,
        colour: [f32; 3],
        x: f32,
        width: f32,
        text: &str,
    ) {
        for line in self.faces(weight).lines(text, size, width) {
            self.text(weight, size, colour, x, &line);
            self.down(size * 1.45);
        }
    }

    fn rule(&mut self) {
        let y = self.y;
        self.put(Mark::Rule { y });
    }

    /// A label, and beside it what it says.
    fn row(&mut self, label: &str, value: &str) {
        self.down(17.0);
        self.text(Weight::Regular, 10.0, SOFT, MARGIN, label);
        let width = WIDTH - MARGIN - VALUE_X;
        self.wrapped(Weight::Regular, 10.0, INK, VALUE_X, width, value);
        self.y += 14.5 - 8.0;
        self.rule();
    }

    /// A label, and its sum at the right edge.
    fn sum(&mut self, label: &str, value: &str) {
        self.down(17.0);
        self.right(Weight::Regular, 10.0, INK, value);
        self.wrapped(Weight::Regular, 10.0, SOFT, MARGIN, 380.0, label);
        self.y += 14.5 - 8.0;
        self.rule();
    }

    fn finish(self, document: &Document, language: &Language) -> Result<Vec<u8>> {
        let mut pdf = Pdf::new();
        let (catalogue, tree, info) = (Ref::new(1), Ref::new(2), Ref::new(3));
        let (regular, strong) = (Ref::new(10), Ref::new(20));
        let heading = languages::fill(language.page.receipt, &[("reference", &document.number)]);
        let title = format!("{}: {heading}", document.clinic);
        let mut root = pdf.catalog(catalogue);
        root.pages(tree).lang(TextStr(language.html_lang));
        root.viewer_preferences().display_doc_title(true);
        root.finish();
        pdf.document_info(info)
            .title(TextStr(&title))
            .author(TextStr(&document.clinic))
            .producer(TextStr("Remit"));
        let pages: Vec<(Ref, Ref)> = (0..self.pages.len())
            .filter_map(|index| i32::try_from(index).ok())
            .map(|index| (Ref::new(30 + 2 * index), Ref::new(31 + 2 * index)))
            .collect();
        let count = i32::try_from(pages.len()).unwrap_or(1);
        pdf.pages(tree)
            .kids(pages.iter().map(|(page, _)| *page))
            .count(count);
        for ((page, content), marks) in pages.iter().zip(&self.pages) {
            let mut page = pdf.page(*page);
            page.media_box(Rect::new(0.0, 0.0, WIDTH, HEIGHT))
                .parent(tree)
                .contents(*content);
            page.resources()
                .fonts()
                .pair(Name(b"R"), regular)
                .pair(Name(b"S"), strong);
            page.finish();
            let drawn = compress_to_vec_zlib(&content_of(marks), COMPRESSION);
            pdf.stream(*content, &drawn).filter(Filter::FlateDecode);
        }
        embed(&mut pdf, regular, "RMTREG+Inter-Regular", self.regular)?;
        embed(&mut pdf, strong, "RMTSTR+Inter-SemiBold", self.strong)?;
        Ok(pdf.finish())
    }
}

impl Faces {
    /// Breaks a text at its spaces; a word that is too long for a line stands alone in one.
    fn lines(&self, text: &str, size: f32, width: f32) -> Vec<String> {
        let mut lines: Vec<String> = vec![];
        for word in text.split_whitespace() {
            match lines.last_mut() {
                Some(line) if self.width(&format!("{line} {word}"), size) <= width => {
                    line.push(' ');
                    line.push_str(word);
                }
                _ => lines.push(word.to_owned()),
            }
        }
        lines
    }
}

fn content_of(marks: &[Mark]) -> Vec<u8> {
    let mut content = Content::new();
    for mark in marks {
        match mark {
            Mark::Text {
                strong,
                size,
                colour: [r, g, b],
                at: (x, y),
                codes,
            } => {
                content.set_fill_rgb(*r, *g, *b);
                content.begin_text();
                content.set_font(Name(if *strong { b"S" } else { b"R" }), *size);
                content.next_line(*x, *y);
                content.show(Str(codes));
                content.end_text();
            }
            Mark::Rule { y } => {
                let [r, g, b] = LINE;
                content.set_stroke_rgb(r, g, b);
                content.set_line_width(0.6);
                content.move_to(MARGIN, *y);
                content.line_to(WIDTH - MARGIN, *y);
                content.stroke();
            }
        }
    }
    content.finish().to_vec()
}

/// A composite font of the glyphs in use (ISO 32000-1, 9.7): its codes are glyph numbers, and a table says which
/// characters they stand for, so that text can be read back, searched and spoken.
fn embed(pdf: &mut Pdf, font: Ref, name: &str, faces: Faces) -> Result<()> {
    let next = |by: i32| Ref::new(font.get() + by);
    let (cid, descriptor, program, unicode) = (next(1), next(2), next(3), next(4));
    let system = SystemInfo {
        registry: Str(b"Adobe"),
        ordering: Str(b"Identity"),
        supplement: 0,
    };
    let name = Name(name.as_bytes());
    pdf.type0_font(font)
        .base_font(name)
        .encoding_predefined(Name(b"Identity-H"))
        .descendant_font(cid)
        .to_unicode(unicode);
    let mut described = pdf.cid_font(cid);
    described
        .subtype(CidFontType::Type2)
        .base_font(name)
        .system_info(system)
        .font_descriptor(descriptor)
        .default_width(0.0)
        .cid_to_gid_map_predefined(Name(b"Identity"));
    described
        .widths()
        .consecutive(0, faces.widths.iter().copied());
    described.finish();
    let face = &faces.face;
    let scale = |value: i16| f32::from(value) * 1000.0 / f32::from(face.units_per_em());
    let bounds = face.global_bounding_box();
    pdf.font_descriptor(descriptor)
        .name(name)
        .flags(FontFlags::SYMBOLIC)
        .bbox(Rect::new(
            scale(bounds.x_min),
            scale(bounds.y_min),
            scale(bounds.x_max),
            scale(bounds.y_max),
        ))
        .italic_angle(0.0)
        .ascent(scale(face.ascender()))
        .descent(scale(face.descender()))
        .cap_height(scale(face.capital_height().unwrap_or(face.ascender())))
        .stem_v(95.0)
        .font_file2(program);
    let subset = subsetter::subset(faces.bytes, 0, &faces.used)
        .map_err(|error| Error::Setup(format!("a receipt's font: {error}")))?;
    let packed = compress_to_vec_zlib(&subset, COMPRESSION);
    pdf.stream(program, &packed).filter(Filter::FlateDecode);
    let mut means = UnicodeCmap::new(Name(b"Remit-UTF16"), system);
    for (code, c) in faces.means {
        means.pair(code, c);
    }
    let means = means.finish();
    pdf.cmap(unicode, &means);
    Ok(())
}

#[cfg(test)]
mod tests;
