//! How bytes are read: as a play of two requests, a response and its update.
//!
//! A line is a mark and what belongs to it: `>` a field of the request, `<` of the response, `?` of a later request, `!`
//! of a 304 or HEAD response, `#` whole numbers, `@` a text. Whatever is not so is left out, so that any bytes are a play.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use http::header::{HeaderMap, HeaderName, HeaderValue};

/// The most lines that are read: more only repeat.
const MAX_LINES: usize = 256;

/// Seconds of a play's present: 15 January 2027, 08:00:00 GMT.
const PRESENT: u64 = 1_800_000_000;

/// What one input says.
#[derive(Debug, Default)]
pub(crate) struct Play<'a> {
    pub(crate) request: HeaderMap,
    pub(crate) response: HeaderMap,
    pub(crate) later: HeaderMap,
    pub(crate) update: HeaderMap,
    pub(crate) texts: Vec<&'a str>,
    numbers: Vec<i64>,
}

/// The lines of an input.
pub(crate) fn lines(data: &[u8]) -> impl Iterator<Item = &[u8]> {
    data.split(|&byte| byte == b'\n').take(MAX_LINES)
}

/// Every line that may be a field's value, as a line of the field `name`.
pub(crate) fn field(name: &HeaderName, data: &[u8]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for value in lines(data).filter_map(|line| HeaderValue::from_bytes(line).ok()) {
        headers.append(name, value);
    }
    headers
}

/// The present of every play.
pub(crate) fn present() -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(PRESENT)
}

impl<'a> Play<'a> {
    pub(crate) fn read(data: &'a [u8]) -> Self {
        let mut play = Self::default();
        for line in lines(data) {
            let Some((mark, rest)) = line.split_first() else { continue };
            let headers = match mark {
                b'>' => &mut play.request,
                b'<' => &mut play.response,
                b'?' => &mut play.later,
                b'!' => &mut play.update,
                b'#' => {
                    let text = std::str::from_utf8(rest).unwrap_or_default();
                    play.numbers.extend(text.split_whitespace().filter_map(|word| word.parse::<i64>().ok()));
                    continue;
                }
                b'@' => {
                    play.texts.extend(std::str::from_utf8(rest).map(str::trim));
                    continue;
                }
                _ => continue,
            };
            add(headers, rest);
        }
        play
    }

    /// The number at that place, or nothing where there are fewer.
    pub(crate) fn number(&self, place: usize) -> i64 {
        self.numbers.get(place).copied().unwrap_or_default()
    }

    /// The number at that place as seconds from the present.
    pub(crate) fn moment(&self, place: usize) -> SystemTime {
        let offset = self.number(place);
        let distance = Duration::from_secs(offset.unsigned_abs());
        let moment =
            if offset < 0 { present().checked_sub(distance) } else { present().checked_add(distance) };
        moment.unwrap_or(UNIX_EPOCH)
    }
}

/// Adds `name: value`.
fn add(headers: &mut HeaderMap, line: &[u8]) {
    let Some(colon) = line.iter().position(|&byte| byte == b':') else { return };
    let (name, value) = line.split_at(colon);
    let (name, value) = (name.trim_ascii(), value.get(1..).unwrap_or_default().trim_ascii());
    if let (Ok(name), Ok(value)) = (HeaderName::from_bytes(name), HeaderValue::from_bytes(value)) {
        headers.append(name, value);
    }
}
