//! The front door: TLS, HTTP/2, who may connect, and what a connection may take how long for.

mod hostile;
mod http2;
mod tls;
