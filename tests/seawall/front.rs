//! The front door: TLS, HTTP/2, who may connect, and what a connection may take how long for.

mod grpc;
mod hostile;
mod http2;
mod proxies;
mod tls;
mod tunnels;
