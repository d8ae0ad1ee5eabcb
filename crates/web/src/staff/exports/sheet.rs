//! The same as an Excel file. It is written row by row to a temporary file, and read back as a whole only packed.

use remit_app::Error;
use rust_xlsxwriter::{ExcelDateTime, Format, Workbook, Worksheet, XlsxError};
use tokio::sync::mpsc;

use super::{COLUMNS, Cell, Source, cells};
use crate::staff::desk::Desk;

pub const CONTENT_TYPE: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";
/// Links of one file: some 10 MB packed. A sheet could hold 1,048,576 rows; who needs more than this takes CSV.
pub const LINKS_MAX: u32 = 100_000;
/// Pages that may wait for the writer.
const PAGES_WAITING: usize = 2;
/// Characters wide: what the longest usual entry of each column needs.
const WIDTHS: [f64; COLUMNS.len()] = [
    12.0, 24.0, 18.0, 28.0, 17.0, 20.0, 10.0, 12.0, 9.0, 11.0, 18.0, 10.0, 17.0, 20.0, 17.0, 17.0,
    17.0, 17.0, 20.0,
];

/// Makes the file.
///
/// # Errors
/// The store's; [`Error::Setup`] where the disk has no room.
pub async fn made(desk: &Desk, mut source: Source) -> remit_app::Result<Vec<u8>> {
    let (pages, waiting) = mpsc::channel::<Vec<Vec<Cell>>>(PAGES_WAITING);
    let writer = tokio::task::spawn_blocking(move || written(waiting));
    let mut links = 0;
    while let Some(found) = source.next(desk).await? {
        let room = (LINKS_MAX as usize).saturating_sub(links);
        let more = found.len() > room;
        links += found.len().min(room);
        let mut rows: Vec<Vec<Cell>> = found
            .iter()
            .take(room)
            .map(|link| cells(desk, link))
            .collect();
        if more {
            let text = format!(
                "Stopped after {LINKS_MAX} links. Choose fewer days, or export CSV for all of them."
            );
            rows.push(vec![Cell::Text(text)]);
        }
        // The writer is gone only after an error, which it gives below.
        if pages.send(rows).await.is_err() || more {
            break;
        }
    }
    drop(pages);
    let broken = |why: String| Error::Setup(format!("an Excel file could not be written: {why}"));
    let done = writer.await.map_err(|error| broken(error.to_string()))?;
    done.map_err(|error| broken(error.to_string()))
}

fn written(mut pages: mpsc::Receiver<Vec<Vec<Cell>>>) -> Result<Vec<u8>, XlsxError> {
    let mut book = Workbook::new();
    let sheet = book.add_worksheet_with_constant_memory()?;
    sheet.set_name("Payment links")?;
    sheet.set_freeze_panes(1, 0)?;
    for (column, width) in (0..).zip(WIDTHS) {
        sheet.set_column_width(column, width)?;
    }
    let bold = Format::new().set_bold();
    for (column, name) in (0..).zip(COLUMNS) {
        sheet.write_string_with_format(0, column, name, &bold)?;
    }
    let formats = Formats::new();
    let mut row = 1;
    while let Some(page) = pages.blocking_recv() {
        for cells in page {
            for (column, cell) in (0..).zip(cells) {
                write(sheet, (row, column), cell, &formats)?;
            }
            row += 1;
        }
    }
    book.save_to_buffer()
}

struct Formats {
    moment: Format,
    /// By decimals.
    sums: [Format; 4],
}

impl Formats {
    fn new() -> Formats {
        Formats {
            moment: Format::new().set_num_format("yyyy-mm-dd hh:mm"),
            sums: ["#,##0", "#,##0.0", "#,##0.00", "#,##0.000"]
                .map(|form| Format::new().set_num_format(form)),
        }
    }
}

fn write(
    sheet: &mut Worksheet,
    (row, column): (u32, u16),
    cell: Cell,
    formats: &Formats,
) -> Result<(), XlsxError> {
    match cell {
        Cell::Text(text) | Cell::Moment(text) if text.is_empty() => {}
        // As a string, never as what it looks like: `=1+1` stays four characters.
        Cell::Text(text) => {
            sheet.write_string(row, column, text)?;
        }
        Cell::Sum(text, decimals) => {
            let format = formats.sums.get(decimals).unwrap_or(&formats.sums[2]);
            // Up to 15 digits are exact in a sheet; the ledger's largest sum has fewer.
            match text.parse::<f64>() {
                Ok(sum) => sheet.write_number_with_format(row, column, sum, format)?,
                Err(_) => sheet.write_string(row, column, text)?,
            };
        }
        Cell::Moment(text) => {
            match ExcelDateTime::parse_from_str(&text.replace(' ', "T")) {
                Ok(moment) => {
                    sheet.write_datetime_with_format(row, column, &moment, &formats.moment)?
                }
                Err(_) => sheet.write_string(row, column, text)?,
            };
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sheet_is_written_and_its_texts_are_texts() {
        let (send, receive) = mpsc::channel(PAGES_WAITING);
        let page = vec![vec![
            Cell::Text("=1+1".into()),
            Cell::Sum("37.50".into(), 2),
            Cell::Moment("2026-11-24 10:44".into()),
            Cell::Moment(String::new()),
        ]];
        send.try_send(page).unwrap();
        drop(send);
        let book = written(receive).unwrap();
        assert!(book.starts_with(b"PK"), "a zip");
        assert!(book.len() > 1_000);
    }
}
