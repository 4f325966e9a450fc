//! What a hook answers: the WIT's shape of it, and the check that turns a guest's response into one that can be sent.

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use wasmtime::component::{ComponentType, Lift};

use crate::edits::{self, Change, EDITS_MAX, EDITS_MAX_BYTES, EditError, Side};
use crate::exchange::{LOCAL_BODY_MAX_BYTES, LocalResponse};

/// `verdict` of `seawall:edge/on-request`.
#[derive(Clone, ComponentType, Lift)]
#[component(variant)]
pub(crate) enum Verdict {
    #[component(name = "next")]
    Next,
    #[component(name = "respond")]
    Respond(Response),
}

/// `verdict` of `seawall:edge/on-origin-request`.
#[derive(Clone, ComponentType, Lift)]
#[component(variant)]
pub(crate) enum OriginRequestVerdict {
    #[component(name = "fetch")]
    Fetch,
    #[component(name = "respond")]
    Respond(Response),
}

/// `verdict` of `seawall:edge/on-origin-response`.
#[derive(Clone, ComponentType, Lift)]
#[component(variant)]
pub(crate) enum OriginResponseVerdict {
    #[component(name = "store")]
    Store,
    #[component(name = "deliver-only")]
    DeliverOnly,
    #[component(name = "retry")]
    Retry(String),
}

impl From<OriginRequestVerdict> for Verdict {
    fn from(verdict: OriginRequestVerdict) -> Self {
        match verdict {
            OriginRequestVerdict::Fetch => Self::Next,
            OriginRequestVerdict::Respond(response) => Self::Respond(response),
        }
    }
}

/// `local-response` of `seawall:edge/types`.
#[derive(Clone, ComponentType, Lift)]
#[component(record)]
pub(crate) struct Response {
    status: u16,
    headers: Vec<(String, Vec<u8>)>,
    body: Vec<u8>,
}

impl Response {
    /// The response, if it can be sent; otherwise what is wrong with it, for the author.
    pub(crate) fn checked(self, function: &Arc<str>) -> Result<LocalResponse, String> {
        let status = edits::status(self.status)
            .map_err(|_| format!("its status is {}; it must be 200 to 599", self.status))?;
        // RFC 9110 §15.3.5, §15.3.6 and §15.4.5: these end with their fields.
        let bodiless = [StatusCode::NO_CONTENT, StatusCode::RESET_CONTENT, StatusCode::NOT_MODIFIED];
        if bodiless.contains(&status) && !self.body.is_empty() {
            return Err(format!("a response with status {} has no body", self.status));
        }
        if self.body.len() > LOCAL_BODY_MAX_BYTES {
            return Err(format!("its body has {} bytes; at most {LOCAL_BODY_MAX_BYTES}", self.body.len()));
        }
        let bytes: usize = self.headers.iter().map(|(name, value)| name.len() + value.len()).sum();
        if self.headers.len() > EDITS_MAX as usize || bytes > EDITS_MAX_BYTES {
            return Err(format!("it has more than {EDITS_MAX} fields or {EDITS_MAX_BYTES} bytes of them"));
        }
        let mut headers = HeaderMap::with_capacity(self.headers.len());
        for (name, value) in self.headers {
            add(&mut headers, &name, value).map_err(|error| match error {
                EditError::Forbidden => format!("its field `{name}` belongs to the host"),
                _ => format!("its field `{name}` has a name or value that HTTP does not allow"),
            })?;
        }
        Ok(LocalResponse { status, headers, body: Bytes::from(self.body), function: Arc::clone(function) })
    }
}

fn add(headers: &mut HeaderMap, name: &str, value: Vec<u8>) -> Result<(), EditError> {
    let name = edits::field_name(name, Side::Response)?;
    edits::change(headers, Change::Add, name, edits::field_value(value)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(status: u16, headers: &[(&str, &str)], body: usize) -> Result<LocalResponse, String> {
        let headers = headers.iter().map(|(n, v)| ((*n).to_owned(), v.as_bytes().to_vec())).collect();
        Response { status, headers, body: vec![b'x'; body] }.checked(&Arc::from("f"))
    }

    #[test]
    fn a_response_that_can_be_sent_is_kept() {
        let response =
            check(503, &[("Retry-After", "5"), ("set-cookie", "a=b"), ("set-cookie", "c=d")], 3).unwrap();
        assert_eq!((response.status.as_u16(), response.headers.len(), response.body.len()), (503, 3, 3));
    }

    #[test]
    fn others_are_refused_with_the_reason() {
        for (result, part) in [
            (check(101, &[], 0), "200 to 599"),
            (check(204, &[], 1), "no body"),
            (check(304, &[], 1), "no body"),
            (check(200, &[], LOCAL_BODY_MAX_BYTES + 1), "at most 65536"),
            (check(200, &[("Content-Length", "3")], 3), "`Content-Length` belongs to the host"),
            (check(200, &[("a b", "")], 0), "`a b` has a name"),
            (check(200, &[("a", "b\r\nc: d")], 0), "`a` has a name or value"),
            (check(200, &[("a", ""); 129], 0), "more than 128 fields"),
        ] {
            let text = result.expect_err(part);
            assert!(text.contains(part), "{text}");
        }
    }
}
