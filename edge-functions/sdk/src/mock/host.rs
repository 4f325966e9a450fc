//! The mock's side of every host call: the methods of [`Host`] are those of the real host in `guest.rs`.

use std::cell::RefCell;
use std::rc::Rc;

use super::rules::{self, ORIGIN_REQUEST_OWNED, REQUEST_OWNED, RESPONSE_OWNED};
use super::{Field, Head, State};
use crate::{AccessError, CacheStatus, EditError, FetchReason, Level};

type Edited = Result<(), EditError>;

/// The one current transaction, shared by its request and its response.
#[derive(Clone, Debug)]
pub(crate) struct Host(pub(super) Rc<RefCell<State>>);

impl Host {
    pub(super) fn edit<R>(&self, edit: impl FnOnce(&mut State) -> R) -> R {
        edit(&mut self.0.borrow_mut())
    }

    fn read<R>(&self, read: impl FnOnce(&State) -> R) -> R {
        read(&self.0.borrow())
    }

    fn edit_request(&self, edit: impl FnOnce(&mut State) -> Edited) -> Edited {
        self.edit(|state| if state.response.is_some() { Err(EditError::WrongPhase) } else { edit(state) })
    }

    fn edit_response(&self, edit: impl FnOnce(&mut Head) -> Edited) -> Edited {
        self.edit(|state| state.response.as_mut().map_or(Err(EditError::WrongPhase), edit))
    }

    fn response<R>(&self, read: impl FnOnce(&Head) -> R) -> Option<R> {
        self.read(|state| state.response.as_ref().map(read))
    }

    pub(crate) fn method(&self) -> String {
        self.read(|state| state.method.clone())
    }
    pub(crate) fn scheme(&self) -> String {
        self.read(|state| state.scheme.clone())
    }
    pub(crate) fn authority(&self) -> String {
        self.read(|state| state.authority.clone())
    }
    pub(crate) fn path(&self) -> String {
        self.read(|state| state.path_and_query.split('?').next().unwrap_or_default().to_owned())
    }
    pub(crate) fn query(&self) -> Option<String> {
        self.read(|state| state.path_and_query.split_once('?').map(|(_, query)| query.to_owned()))
    }
    pub(crate) fn request_header(&self, name: &str) -> Option<Vec<u8>> {
        self.request_header_values(name).into_iter().next()
    }
    pub(crate) fn request_header_values(&self, name: &str) -> Vec<Vec<u8>> {
        self.read(|state| values(&state.headers, name))
    }
    pub(crate) fn request_headers(&self) -> Vec<Field> {
        self.read(|state| state.headers.clone())
    }
    pub(crate) fn cookie(&self, name: &str) -> Option<Vec<u8>> {
        let fields = self.request_header_values("cookie");
        let pairs = fields.iter().flat_map(|field| field.split(|b| *b == b';'));
        pairs.into_iter().find_map(|pair| {
            let mut halves = pair.splitn(2, |b| *b == b'=');
            let (found, value) = (halves.next()?, halves.next()?);
            (found.trim_ascii() == name.as_bytes()).then(|| value.trim_ascii().to_vec())
        })
    }
    pub(crate) fn query_param(&self, name: &str) -> Option<String> {
        let query = self.query()?;
        query.split('&').find_map(|pair| {
            let (found, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decoded(found) == name).then(|| decoded(value))
        })
    }
    pub(crate) fn set_path(&self, text: &str) -> Edited {
        self.edit_request(|state| {
            state.path_and_query = rules::path_and_query(text)?.to_owned();
            Ok(())
        })
    }
    pub(crate) fn set_method(&self, text: &str) -> Edited {
        self.edit_request(|state| {
            state.method = rules::method(text)?.to_owned();
            Ok(())
        })
    }
    pub(crate) fn set_request_header(&self, name: &str, value: &[u8]) -> Edited {
        self.edit_request(|state| set(&mut state.headers, owned(state.at_origin, name)?, value))
    }
    pub(crate) fn add_request_header(&self, name: &str, value: &[u8]) -> Edited {
        self.edit_request(|state| add(&mut state.headers, owned(state.at_origin, name)?, value))
    }
    pub(crate) fn remove_request_header(&self, name: &str) -> Edited {
        self.edit_request(|state| remove(&mut state.headers, &owned(state.at_origin, name)?))
    }

    pub(crate) fn status(&self) -> u16 {
        self.response(|response| response.status).unwrap_or_default()
    }
    pub(crate) fn cache(&self) -> CacheStatus {
        self.response(|response| response.cache).unwrap_or(CacheStatus::Local)
    }
    pub(crate) fn response_header(&self, name: &str) -> Option<Vec<u8>> {
        self.response_header_values(name).into_iter().next()
    }
    pub(crate) fn response_header_values(&self, name: &str) -> Vec<Vec<u8>> {
        self.response(|response| values(&response.headers, name)).unwrap_or_default()
    }
    pub(crate) fn response_headers(&self) -> Vec<Field> {
        self.response(|response| response.headers.clone()).unwrap_or_default()
    }
    pub(crate) fn set_status(&self, status: u16) -> Edited {
        let at_origin = self.read(|state| state.at_origin);
        self.edit_response(|response| match status {
            206 | 304 if at_origin => Err(EditError::Forbidden),
            _ if at_origin && matches!(response.status, 206 | 304) => Err(EditError::Forbidden),
            200..=599 => {
                response.status = status;
                Ok(())
            }
            _ => Err(EditError::Invalid),
        })
    }
    pub(crate) fn set_response_header(&self, name: &str, value: &[u8]) -> Edited {
        self.edit_response(|response| {
            set(&mut response.headers, rules::field_name(name, &RESPONSE_OWNED)?, value)
        })
    }
    pub(crate) fn add_response_header(&self, name: &str, value: &[u8]) -> Edited {
        self.edit_response(|response| {
            add(&mut response.headers, rules::field_name(name, &RESPONSE_OWNED)?, value)
        })
    }
    pub(crate) fn remove_response_header(&self, name: &str) -> Edited {
        self.edit_response(|response| {
            remove(&mut response.headers, &rules::field_name(name, &RESPONSE_OWNED)?)
        })
    }

    pub(crate) fn client_ip(&self) -> Option<String> {
        self.read(|state| state.client_ip.clone())
    }
    pub(crate) fn request_id(&self) -> String {
        "mock".to_owned()
    }
    pub(crate) fn http_version(&self) -> Option<String> {
        self.read(|state| (!state.at_origin).then(|| "HTTP/1.1".to_owned()))
    }
    pub(crate) fn tls_version(&self) -> Option<String> {
        self.read(|state| (state.scheme == "https" && !state.at_origin).then(|| "TLSv1.3".to_owned()))
    }

    pub(crate) fn set_origin(&self, name: &str) -> Result<(), AccessError> {
        self.edit(|state| {
            if state.response.is_some() {
                return Err(AccessError::WrongPhase);
            }
            if !state.origins.iter().any(|origin| origin == name) {
                return Err(AccessError::NoSuch);
            }
            state.recorded.origin = Some(name.to_owned());
            Ok(())
        })
    }
    pub(crate) fn set_origin_host(&self, host: &str) -> Edited {
        self.edit_request(|state| {
            state.recorded.origin_host = Some(host.to_owned());
            Ok(())
        })
    }
    pub(crate) fn add_key_part(&self, name: &str, value: &[u8]) -> Edited {
        self.edit_request(|state| {
            state.recorded.key_parts.retain(|(known, _)| known != name);
            state.recorded.key_parts.push((name.to_owned(), value.to_vec()));
            state.recorded.key_parts.sort();
            Ok(())
        })
    }
    pub(crate) fn pass(&self) -> Edited {
        self.edit_request(|state| {
            state.recorded.pass = true;
            Ok(())
        })
    }

    pub(crate) fn fetch_reason(&self) -> FetchReason {
        self.read(|state| state.reason)
    }
    pub(crate) fn ttl(&self) -> Option<u32> {
        self.read(|state| state.ttl)
    }
    pub(crate) fn set_ttl(&self, seconds: u32) -> Edited {
        self.store(seconds, |state| {
            let fields = state.response.iter().flat_map(|head| values(&head.headers, "cache-control"));
            let says =
                |word: &[u8]| word.eq_ignore_ascii_case(b"private") || word.eq_ignore_ascii_case(b"no-store");
            let forbids =
                fields.into_iter().any(|line| line.split(|b| *b == b',').any(|word| says(word.trim_ascii())));
            if forbids && !state.store_private {
                return Err(EditError::Forbidden);
            }
            state.recorded.store.ttl = Some(seconds);
            Ok(())
        })
    }
    pub(crate) fn set_stale_while_revalidate(&self, seconds: u32) -> Edited {
        self.store(seconds, |state| {
            state.recorded.store.stale_while_revalidate = Some(seconds);
            Ok(())
        })
    }
    pub(crate) fn set_stale_if_error(&self, seconds: u32) -> Edited {
        self.store(seconds, |state| {
            state.recorded.store.stale_if_error = Some(seconds);
            Ok(())
        })
    }
    pub(crate) fn add_tags(&self, tags: &[String]) -> Edited {
        self.store(0, |state| {
            let plain =
                |tag: &String| !tag.is_empty() && tag.bytes().all(|b| b.is_ascii_graphic() && b != b',');
            match () {
                () if tags.iter().any(|tag| tag.starts_with("fn:")) => Err(EditError::Forbidden),
                () if !tags.iter().all(plain) => Err(EditError::Invalid),
                () => {
                    state.recorded.store.tags.extend_from_slice(tags);
                    Ok(())
                }
            }
        })
    }
    pub(crate) fn set_vary(&self, names: &[String]) -> Edited {
        self.store(0, |state| {
            for name in names {
                rules::field_name(name, &[]).map(drop)?;
                if name == "*" {
                    return Err(EditError::Invalid);
                }
            }
            state.recorded.store.vary = Some(names.to_vec());
            Ok(())
        })
    }
    pub(crate) fn hit_for_miss(&self, seconds: u32) -> Edited {
        const MAX_S: u32 = 3600;
        self.store(seconds, |state| match seconds {
            1..=MAX_S => {
                state.recorded.store.hit_for_miss = Some(seconds);
                Ok(())
            }
            _ => Err(EditError::Invalid),
        })
    }

    fn store(&self, seconds: u32, edit: impl FnOnce(&mut State) -> Edited) -> Edited {
        const YEAR_S: u32 = 31_536_000;
        self.edit(|state| match state.response {
            Some(_) if state.at_origin && seconds <= YEAR_S => edit(state),
            Some(_) if state.at_origin => Err(EditError::Invalid),
            _ => Err(EditError::WrongPhase),
        })
    }

    pub(crate) fn var(&self, name: &str) -> Option<Vec<u8>> {
        self.read(|state| state.vars.get(name).cloned())
    }
    pub(crate) fn set_var(&self, name: &str, value: &[u8]) -> Edited {
        self.edit(|state| state.vars.insert(name.to_owned(), value.to_vec()));
        Ok(())
    }
    pub(crate) fn config(&self, name: &str) -> Option<String> {
        self.read(|state| state.config.get(name).cloned())
    }

    pub(crate) fn log_write(&self, level: Level, message: &str) {
        self.edit(|state| state.recorded.lines.push((level, message.to_owned())));
    }
    pub(crate) fn log_field(&self, name: &str, value: &str) {
        self.edit(|state| {
            state.recorded.fields.retain(|(known, _)| known != name);
            state.recorded.fields.push((name.to_owned(), value.to_owned()));
        });
    }
    pub(crate) fn log_count(&self, metric: &str, delta: u64) {
        self.edit(|state| *state.recorded.counts.entry(metric.to_owned()).or_default() += delta);
    }
}

/// The name of a field of the request that may be edited.
fn owned(at_origin: bool, name: &str) -> Result<String, EditError> {
    rules::field_name(name, if at_origin { &ORIGIN_REQUEST_OWNED[..] } else { &REQUEST_OWNED })
}

fn values(fields: &[Field], name: &str) -> Vec<Vec<u8>> {
    let same = |(known, _): &&Field| known.eq_ignore_ascii_case(name);
    fields.iter().filter(same).map(|(_, value)| value.clone()).collect()
}

fn add(fields: &mut Vec<Field>, name: String, value: &[u8]) -> Edited {
    fields.push((name, rules::field_value(value)?));
    Ok(())
}

fn set(fields: &mut Vec<Field>, name: String, value: &[u8]) -> Edited {
    let value = rules::field_value(value)?;
    fields.retain(|(known, _)| *known != name);
    fields.push((name, value));
    Ok(())
}

fn remove(fields: &mut Vec<Field>, name: &str) -> Edited {
    fields.retain(|(known, _)| known != name);
    Ok(())
}

fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let escaped = after
            .get(..2)
            .filter(|_| *first == b'%')
            .and_then(|digits| u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok());
        bytes.push(match (escaped, first) {
            (Some(byte), _) => byte,
            (None, b'+') => b' ',
            (None, other) => *other,
        });
        rest = if escaped.is_some() { after.get(2..).unwrap_or_default() } else { after };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
