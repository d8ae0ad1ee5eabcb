//! A picture that somebody uploads is somebody's input: only what is proved to be a small PNG or JPEG is kept, and nothing
//! of it but what draws the picture. A PNG is decoded and written anew; a JPEG keeps the segments that its decoder needs,
//! so that neither carries remarks, places or a second file behind it.

use std::io::Cursor;

use remit_core::branding::{LOGO_BYTES_MAX, LOGO_RATIO_MAX, LOGO_SIDE_MAX, LOGO_SIDE_MIN};
use remit_store::branding::Logo;
use sha2::{Digest, Sha256};

use crate::{Error, Result};

/// Memory that decoding a picture of the largest size may take: four bytes a pixel, and as much again.
const DECODING_BYTES_MAX: usize = 8 * (LOGO_SIDE_MAX * LOGO_SIDE_MAX) as usize;

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n";
const JPEG: &[u8] = b"\xff\xd8\xff";

fn refused(why: impl ToString) -> Error {
    Error::invalid("logo", why)
}

/// # Errors
/// [`Error::Invalid`] in the field `logo` says what to do.
pub fn check(file: &[u8]) -> Result<Logo> {
    if file.is_empty() {
        return Err(refused("Choose a picture first."));
    }
    if file.len() > LOGO_BYTES_MAX {
        let most = LOGO_BYTES_MAX / 1024;
        return Err(refused(format!(
            "This picture has {} KB. Use one of at most {most} KB.",
            file.len().div_ceil(1024)
        )));
    }
    let (content_type, (width, height), bytes) = if file.starts_with(PNG) {
        let (size, bytes) = png_anew(file)?;
        ("image/png", size, bytes)
    } else if file.starts_with(JPEG) {
        let (size, bytes) = jpeg_anew(file)
            .ok_or_else(|| refused("This JPEG cannot be read. Save it anew, or use a PNG."))?;
        ("image/jpeg", size, bytes)
    } else {
        return Err(refused("Use a PNG or a JPEG picture."));
    };
    check_size(width, height)?;
    let digest = Sha256::digest(&bytes);
    Ok(Logo {
        hash: hex::encode(digest.get(..16).unwrap_or(&digest)),
        content_type,
        width,
        height,
        bytes,
    })
}

fn check_size(width: u32, height: u32) -> Result<()> {
    let (long, short) = (width.max(height), width.min(height));
    if long > LOGO_SIDE_MAX {
        Err(refused(format!(
            "This picture is {width} by {height} pixels. Use one of at most {LOGO_SIDE_MAX} a side."
        )))
    } else if short < LOGO_SIDE_MIN {
        Err(refused(format!(
            "This picture is {width} by {height} pixels. Use one of at least {LOGO_SIDE_MIN} a side."
        )))
    } else if long > short * LOGO_RATIO_MAX {
        Err(refused(format!(
            "This picture is too long for its height. Use one at most {LOGO_RATIO_MAX} times as wide as high."
        )))
    } else {
        Ok(())
    }
}

/// Decodes a PNG and writes its first picture anew.
fn png_anew(file: &[u8]) -> Result<((u32, u32), Vec<u8>)> {
    let broken = |_| refused("This PNG cannot be read. Save it anew and try again.");
    let limits = png::Limits {
        bytes: DECODING_BYTES_MAX,
    };
    let mut decoder = png::Decoder::new_with_limits(Cursor::new(file), limits);
    decoder.set_transformations(png::Transformations::normalize_to_color8());
    // The size stands in front: a picture that says it is huge is refused before any of it is unpacked.
    let header = decoder.read_header_info().map_err(broken)?;
    let size = (header.width, header.height);
    check_size(size.0, size.1)?;
    let mut reader = decoder.read_info().map_err(broken)?;
    let needed = reader
        .output_buffer_size()
        .filter(|needed| *needed <= DECODING_BYTES_MAX);
    let needed = needed.ok_or_else(|| refused("This PNG cannot be read."))?;
    let mut pixels = vec![0; needed];
    let frame = reader.next_frame(&mut pixels).map_err(broken)?;
    let ours = |error: png::EncodingError| Error::Setup(error.to_string());
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, size.0, size.1);
    encoder.set_color(frame.color_type);
    encoder.set_depth(frame.bit_depth);
    encoder.set_compression(png::Compression::High);
    let mut writer = encoder.write_header().map_err(ours)?;
    let drawn = pixels.get(..frame.buffer_size()).unwrap_or(&pixels);
    writer.write_image_data(drawn).map_err(ours)?;
    writer.finish().map_err(ours)?;
    Ok((size, bytes))
}

/// Frame headers of the pictures that browsers draw: baseline, extended and progressive (ITU-T T.81, table B.1).
const FRAMES: [u8; 3] = [0xc0, 0xc1, 0xc2];
/// Huffman tables, quantisation tables, restart interval, and what the first scans need to be drawn in the right colours
/// (JFIF's and Adobe's own segments).
const KEPT: [u8; 5] = [0xc4, 0xdb, 0xdd, 0xe0, 0xee];
const END: u8 = 0xd9;
const SCAN: u8 = 0xda;

/// Walks a JPEG from its first marker to its last and keeps what draws it.
fn jpeg_anew(file: &[u8]) -> Option<((u32, u32), Vec<u8>)> {
    let mut kept = vec![0xff, 0xd8];
    let mut size = None;
    let mut scans = 0;
    let mut at = 2;
    loop {
        if *file.get(at)? != 0xff {
            return None;
        }
        let marker = *file.get(at + 1)?;
        if marker == 0xff {
            // A fill byte may stand before any marker (B.1.1.2).
            at += 1;
            continue;
        }
        if marker == END {
            kept.extend([0xff, END]);
            return size.filter(|_| scans > 0).map(|size| (size, kept));
        }
        let length = usize::from(u16::from_be_bytes([*file.get(at + 2)?, *file.get(at + 3)?]));
        let end = at + 2 + length;
        let segment = file.get(at..end).filter(|_| length >= 2)?;
        match marker {
            SCAN => {
                size?;
                scans += 1;
                let past = end_of_scan(file, end)?;
                kept.extend_from_slice(file.get(at..past)?);
                at = past;
                continue;
            }
            frame if FRAMES.contains(&frame) => {
                // One frame of eight bits a sample, one, three or four components.
                if size.is_some() || *segment.get(4)? != 8 || ![1, 3, 4].contains(segment.get(9)?) {
                    return None;
                }
                let pixels = |from: usize| {
                    Some(u32::from(u16::from_be_bytes([
                        *segment.get(from)?,
                        *segment.get(from + 1)?,
                    ])))
                };
                size = Some((pixels(7)?, pixels(5)?));
                kept.extend_from_slice(segment);
            }
            table if KEPT.contains(&table) => kept.extend_from_slice(segment),
            // Remarks, camera data, thumbnails, colour profiles: left behind.
            0xe1..=0xef | 0xfe => {}
            _ => return None,
        }
        at = end;
    }
}

/// Where the coded data that follows a scan's header ends: at the first marker that is no part of it (B.1.1.5).
fn end_of_scan(file: &[u8], mut at: usize) -> Option<usize> {
    loop {
        if *file.get(at)? == 0xff {
            match *file.get(at + 1)? {
                0x00 | 0xd0..=0xd7 => at += 1,
                _ => return Some(at),
            }
        }
        at += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(width: u32, height: u32) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut encoder = png::Encoder::new(&mut bytes, width, height);
        encoder.set_color(png::ColorType::Rgba);
        encoder.set_depth(png::BitDepth::Eight);
        encoder
            .add_text_chunk("Comment".into(), "taken at 51.45, -2.59".into())
            .unwrap();
        let pixels = vec![0x7f; (width * height * 4) as usize];
        let mut writer = encoder.write_header().unwrap();
        writer.write_image_data(&pixels).unwrap();
        writer.finish().unwrap();
        bytes
    }

    /// One grey block of eight by eight, said to be this large: a frame, its tables, one scan.
    fn photo(width: u16, height: u16) -> Vec<u8> {
        let mut file = vec![0xff, 0xd8];
        file.extend(b"\xff\xe1\x00\x12Exif\x00\x00somewhere!");
        file.extend(b"\xff\xfe\x00\x08secret");
        file.extend([0xff, 0xdb, 0x00, 0x43, 0x00]);
        file.extend([1; 64]);
        file.extend([0xff, 0xc0, 0x00, 0x0b, 8]);
        file.extend(height.to_be_bytes());
        file.extend(width.to_be_bytes());
        file.extend([1, 1, 0x11, 0]);
        file.extend([0xff, 0xda, 0x00, 0x08, 1, 1, 0, 0, 63, 0]);
        file.extend([0x12, 0xff, 0x00, 0x34, 0xff, 0xd0, 0x56, 0xff, 0xd9]);
        file
    }

    #[test]
    fn a_picture_is_kept_without_what_does_not_draw_it() {
        let png = drawn(64, 48);
        assert!(png.windows(4).any(|four| four == b"tEXt"));
        let logo = check(&[png.as_slice(), b"and a script behind it"].concat()).unwrap();
        assert_eq!(
            (logo.width, logo.height, logo.content_type),
            (64, 48, "image/png")
        );
        assert!(!logo.bytes.windows(4).any(|four| four == b"tEXt"));
        assert!(!logo.bytes.windows(6).any(|six| six == b"script"));
        assert_eq!(
            check(&logo.bytes).unwrap().hash,
            logo.hash,
            "the same picture, the same address"
        );

        let logo = check(&[photo(200, 50).as_slice(), b"<script>"].concat()).unwrap();
        assert_eq!(
            (logo.width, logo.height, logo.content_type),
            (200, 50, "image/jpeg")
        );
        for left_behind in [&b"Exif"[..], b"somewhere", b"secret", b"script"] {
            assert!(
                !logo
                    .bytes
                    .windows(left_behind.len())
                    .any(|some| some == left_behind)
            );
        }
        assert!(logo.bytes.ends_with(&[0x56, 0xff, 0xd9]));
    }

    #[test]
    fn what_is_no_small_picture_is_refused_in_words() {
        let mut broken = drawn(64, 64);
        broken.truncate(broken.len() / 2);
        let mut cut = photo(64, 64);
        cut.truncate(cut.len() - 2);
        for (file, says) in [
            (vec![], "Choose a picture"),
            (
                b"<svg xmlns='http://www.w3.org/2000/svg'/>".to_vec(),
                "PNG or a JPEG",
            ),
            (b"GIF89a".to_vec(), "PNG or a JPEG"),
            (vec![0; LOGO_BYTES_MAX + 1], "at most 200 KB"),
            (drawn(16, 64), "at least 32"),
            (drawn(512, 40), "6 times as wide"),
            (photo(2_000, 500), "at most 1024 a side"),
            (broken, "cannot be read"),
            (cut, "cannot be read"),
            (PNG.to_vec(), "cannot be read"),
            (b"\xff\xd8\xff".to_vec(), "cannot be read"),
        ] {
            match check(&file).err() {
                Some(Error::Invalid {
                    field: "logo",
                    message,
                }) => {
                    assert!(message.contains(says), "{message}");
                }
                other => panic!("{says}: {other:?}"),
            }
        }
    }

    #[test]
    fn no_cut_or_changed_file_stops_the_check() {
        for whole in [drawn(40, 40), photo(40, 40)] {
            for end in 0..whole.len() {
                let _ = check(&whole[..end]);
                let mut changed = whole.clone();
                changed[end] ^= 0x5a;
                let _ = check(&changed);
            }
        }
    }
}
