//! A function with all four hooks, each of which reads a field and sets one: what a miss pays for hooks.

use seawall_edge::{
    Error, OriginRequest, OriginResponse, OriginVerdict, Request, Response, StoreVerdict, Verdict, filter,
};

/// Before the cache is asked.
pub fn on_request(request: &mut Request) -> Result<Verdict, Error> {
    let agent = request.header("user-agent").unwrap_or_default();
    request.set_header("x-agent", agent)?;
    Ok(Verdict::Next)
}

/// Before the origin is asked.
pub fn on_origin_request(request: &mut OriginRequest) -> Result<OriginVerdict, Error> {
    let agent = request.header("x-agent").unwrap_or_default();
    request.set_header("x-asked-by", agent)?;
    Ok(OriginVerdict::Fetch)
}

/// Before the response is stored.
pub fn on_origin_response(_: &OriginRequest, response: &mut OriginResponse) -> Result<StoreVerdict, Error> {
    let kind = response.header("content-type").unwrap_or_default();
    response.set_header("x-kind", kind)?;
    Ok(StoreVerdict::Store)
}

/// Before it goes to the client.
pub fn on_response(_: &Request, response: &mut Response) -> Result<(), Error> {
    let kind = response.header("x-kind").unwrap_or_default();
    response.set_header("x-shown", kind)?;
    Ok(())
}

filter! { on_request, on_origin_request, on_origin_response, on_response }
