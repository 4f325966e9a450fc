//! One thread, one listener, one function from request to response.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::rc::Rc;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::task::LocalSet;

/// Serves HTTP/1.1 on `address` until the process ends. `answer` never waits.
///
/// # Errors
///
/// When the runtime cannot be built or the address cannot be bound.
pub fn serve(
    address: SocketAddr,
    answer: impl Fn(&Request<Incoming>) -> Response<Full<Bytes>> + 'static,
) -> std::io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
    let answer = Rc::new(answer);
    LocalSet::new().block_on(&runtime, async move {
        let listener = TcpListener::bind(address).await?;
        loop {
            let (stream, _) = listener.accept().await?;
            // As in the node: a small response must not wait for the client's acknowledgement.
            stream.set_nodelay(true)?;
            let answer = Rc::clone(&answer);
            tokio::task::spawn_local(async move {
                let service = service_fn(move |request| {
                    let response = answer(&request);
                    async move { Ok::<_, Infallible>(response) }
                });
                // A client that goes away is the end of its connection and of nothing else.
                let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
            });
        }
    })
}

/// The address in the first argument of the command line.
///
/// # Errors
///
/// When there is no argument or it is no address.
pub fn address_argument() -> Result<SocketAddr, String> {
    let word = std::env::args().nth(1).ok_or("the first argument is the address to listen on")?;
    word.parse().map_err(|_| format!("`{word}` is not an address like 127.0.0.1:8080"))
}
