//! From the page to `wasi:http`.

use wasip2::exports::http::incoming_handler::Guest;
use wasip2::http::types::{
    Fields, IncomingRequest, Method, OutgoingBody, OutgoingResponse, ResponseOutparam,
};

struct Handler;

wasip2::http::proxy::export!(Handler);

impl Guest for Handler {
    fn handle(request: IncomingRequest, answer: ResponseOutparam) {
        let method = match request.method() {
            Method::Get => "GET",
            Method::Head => "HEAD",
            _ => "",
        };
        let page = crate::page(method, &request.path_with_query().unwrap_or_default());
        let fields = Fields::new();
        for (name, value) in &page.fields {
            // They are ours, and right.
            let _ = fields.append(name, value.as_bytes());
        }
        let response = OutgoingResponse::new(fields);
        let _ = response.set_status_code(page.status);
        let Ok(body) = response.body() else { return };
        // From here on the head is on its way.
        ResponseOutparam::set(answer, Ok(response));
        if let Ok(stream) = body.write() {
            for piece in &page.pieces {
                // An error means that nobody reads any more.
                if stream.blocking_write_and_flush(piece.as_bytes()).is_err() {
                    return;
                }
            }
        }
        // Without this the body counts as cut.
        let _ = OutgoingBody::finish(body, None);
    }
}
