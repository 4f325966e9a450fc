//! Stage *redirect*: a site that is served over TLS only sends clients that come without it there.

use http::header::{HeaderValue, LOCATION};
use http::uri::Scheme;
use http::{Response, StatusCode};

use crate::admit;
use crate::context::Context;
use crate::edge::Edge;
use crate::reply::Reply;

/// Where certificate authorities look, over plain HTTP (RFC 8555 §8.3): whoever answers them is the origin.
const ACME: &str = "/.well-known/acme-challenge/";

/// The port that a URI need not say.
const DEFAULT_PORT: u16 = 443;

/// The answer, where the request is to come again over TLS. 308, so that a POST stays one (RFC 9110 §15.4.9).
pub(crate) fn to_https(edge: &Edge, cx: &Context) -> Option<Response<Reply>> {
    let head = &cx.head;
    if !cx.site.redirect_to_https
        || head.scheme != Scheme::HTTP
        || head.path_and_query.path().starts_with(ACME)
    {
        return None;
    }
    let host = admit::host_of(head.authority.as_str());
    let path = head.path_and_query.as_str();
    let location = match edge.https_port {
        None | Some(DEFAULT_PORT) => format!("https://{host}{path}"),
        Some(port) => format!("https://{host}:{port}{path}"),
    };
    let mut response = Response::new(Reply::empty());
    *response.status_mut() = StatusCode::PERMANENT_REDIRECT;
    response.headers_mut().insert(LOCATION, HeaderValue::try_from(location).ok()?);
    Some(response)
}
