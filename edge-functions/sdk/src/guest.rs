//! The host as a component sees it: every call leaves the component. [`crate::mock`] has the same methods.

use crate::__bindings::imports::seawall::edge::{
    client, config, log, request, response, route, store_policy, types, vars,
};
use crate::{AccessError, CacheStatus, EditError, FetchReason, Level};

/// The one current transaction; there is nothing to hold.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Host;

type Edited = Result<(), EditError>;

impl Host {
    pub(crate) fn method(&self) -> String {
        request::method()
    }
    pub(crate) fn scheme(&self) -> String {
        request::scheme()
    }
    pub(crate) fn authority(&self) -> String {
        request::authority()
    }
    pub(crate) fn path(&self) -> String {
        request::path()
    }
    pub(crate) fn query(&self) -> Option<String> {
        request::query()
    }
    pub(crate) fn request_header(&self, name: &str) -> Option<Vec<u8>> {
        request::header(name)
    }
    pub(crate) fn request_header_values(&self, name: &str) -> Vec<Vec<u8>> {
        request::headers(name)
    }
    pub(crate) fn request_headers(&self) -> Vec<(String, Vec<u8>)> {
        unpacked(&request::packed_headers())
    }
    pub(crate) fn cookie(&self, name: &str) -> Option<Vec<u8>> {
        request::cookie(name)
    }
    pub(crate) fn query_param(&self, name: &str) -> Option<String> {
        request::query_param(name)
    }
    pub(crate) fn set_path(&self, text: &str) -> Edited {
        request::set_path(text).map_err(Into::into)
    }
    pub(crate) fn set_method(&self, text: &str) -> Edited {
        request::set_method(text).map_err(Into::into)
    }
    pub(crate) fn set_request_header(&self, name: &str, value: &[u8]) -> Edited {
        request::set_header(name, value).map_err(Into::into)
    }
    pub(crate) fn add_request_header(&self, name: &str, value: &[u8]) -> Edited {
        request::add_header(name, value).map_err(Into::into)
    }
    pub(crate) fn remove_request_header(&self, name: &str) -> Edited {
        request::remove_header(name).map_err(Into::into)
    }

    pub(crate) fn status(&self) -> u16 {
        response::status()
    }
    pub(crate) fn cache(&self) -> CacheStatus {
        match response::cache() {
            types::CacheStatus::Hit => CacheStatus::Hit,
            types::CacheStatus::Stale => CacheStatus::Stale,
            types::CacheStatus::Miss => CacheStatus::Miss,
            types::CacheStatus::Revalidated => CacheStatus::Revalidated,
            types::CacheStatus::Pass => CacheStatus::Pass,
            types::CacheStatus::Local => CacheStatus::Local,
        }
    }
    pub(crate) fn response_header(&self, name: &str) -> Option<Vec<u8>> {
        response::header(name)
    }
    pub(crate) fn response_header_values(&self, name: &str) -> Vec<Vec<u8>> {
        response::headers(name)
    }
    pub(crate) fn response_headers(&self) -> Vec<(String, Vec<u8>)> {
        unpacked(&response::packed_headers())
    }
    pub(crate) fn set_status(&self, status: u16) -> Edited {
        response::set_status(status).map_err(Into::into)
    }
    pub(crate) fn set_response_header(&self, name: &str, value: &[u8]) -> Edited {
        response::set_header(name, value).map_err(Into::into)
    }
    pub(crate) fn add_response_header(&self, name: &str, value: &[u8]) -> Edited {
        response::add_header(name, value).map_err(Into::into)
    }
    pub(crate) fn remove_response_header(&self, name: &str) -> Edited {
        response::remove_header(name).map_err(Into::into)
    }

    pub(crate) fn client_ip(&self) -> Option<String> {
        client::ip()
    }
    pub(crate) fn request_id(&self) -> String {
        client::request_id()
    }
    pub(crate) fn http_version(&self) -> Option<String> {
        client::http_version()
    }
    pub(crate) fn tls_version(&self) -> Option<String> {
        client::tls_version()
    }

    pub(crate) fn set_origin(&self, name: &str) -> Result<(), AccessError> {
        route::set_origin(name).map_err(|error| match error {
            types::AccessError::WrongPhase => AccessError::WrongPhase,
            types::AccessError::Denied => AccessError::Denied,
            types::AccessError::NoSuch => AccessError::NoSuch,
            types::AccessError::Limit => AccessError::Limit,
            types::AccessError::Unavailable(why) => AccessError::Unavailable(why),
        })
    }
    pub(crate) fn set_origin_host(&self, host: &str) -> Edited {
        route::set_origin_host(host).map_err(Into::into)
    }
    pub(crate) fn add_key_part(&self, name: &str, value: &[u8]) -> Edited {
        route::add_key_part(name, value).map_err(Into::into)
    }
    pub(crate) fn pass(&self) -> Edited {
        route::pass().map_err(Into::into)
    }

    pub(crate) fn fetch_reason(&self) -> FetchReason {
        match store_policy::reason() {
            types::FetchReason::Miss => FetchReason::Miss,
            types::FetchReason::Revalidate => FetchReason::Revalidate,
            types::FetchReason::Background => FetchReason::Background,
            types::FetchReason::Pass => FetchReason::Pass,
        }
    }
    pub(crate) fn ttl(&self) -> Option<u32> {
        store_policy::ttl()
    }
    pub(crate) fn set_ttl(&self, seconds: u32) -> Edited {
        store_policy::set_ttl(seconds).map_err(Into::into)
    }
    pub(crate) fn set_stale_while_revalidate(&self, seconds: u32) -> Edited {
        store_policy::set_stale_while_revalidate(seconds).map_err(Into::into)
    }
    pub(crate) fn set_stale_if_error(&self, seconds: u32) -> Edited {
        store_policy::set_stale_if_error(seconds).map_err(Into::into)
    }
    pub(crate) fn add_tags(&self, tags: &[String]) -> Edited {
        store_policy::add_surrogate_keys(tags).map_err(Into::into)
    }
    pub(crate) fn set_vary(&self, names: &[String]) -> Edited {
        store_policy::set_vary(names).map_err(Into::into)
    }
    pub(crate) fn hit_for_miss(&self, seconds: u32) -> Edited {
        store_policy::hit_for_miss(seconds).map_err(Into::into)
    }

    pub(crate) fn var(&self, name: &str) -> Option<Vec<u8>> {
        vars::get(name)
    }
    pub(crate) fn set_var(&self, name: &str, value: &[u8]) -> Edited {
        vars::set(name, value).map_err(Into::into)
    }
    pub(crate) fn config(&self, name: &str) -> Option<String> {
        config::get(name)
    }

    pub(crate) fn log_write(&self, level: Level, message: &str) {
        let level = match level {
            Level::Debug => log::Level::Debug,
            Level::Info => log::Level::Info,
            Level::Warn => log::Level::Warn,
            Level::Error => log::Level::Error,
        };
        log::write(level, message);
    }
    pub(crate) fn log_field(&self, name: &str, value: &str) {
        log::field(name, value);
    }
    pub(crate) fn log_count(&self, metric: &str, delta: u64) {
        log::count(metric, delta);
    }
}

impl From<types::EditError> for EditError {
    fn from(error: types::EditError) -> Self {
        match error {
            types::EditError::WrongPhase => Self::WrongPhase,
            types::EditError::Forbidden => Self::Forbidden,
            types::EditError::Invalid => Self::Invalid,
            types::EditError::Limit => Self::Limit,
        }
    }
}

/// All fields of a packed list: repeated [u16 name length][u32 value length][name][value], little-endian.
fn unpacked(mut packed: &[u8]) -> Vec<(String, Vec<u8>)> {
    let mut fields = Vec::new();
    while let Some((head, rest)) = packed.split_first_chunk::<6>() {
        let [n0, n1, v0, v1, v2, v3] = *head;
        let (name, value) =
            (usize::from(u16::from_le_bytes([n0, n1])), u32::from_le_bytes([v0, v1, v2, v3]) as usize);
        let (Some(name), Some(bytes)) = (rest.get(..name), rest.get(name..name + value)) else {
            break;
        };
        fields.push((String::from_utf8_lossy(name).into_owned(), bytes.to_vec()));
        packed = rest.get(name.len() + value..).unwrap_or_default();
    }
    fields
}
