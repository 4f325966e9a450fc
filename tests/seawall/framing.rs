//! Requests that two readers may read differently, and responses: each has one defined answer, and an origin that looks at
//! every byte sees at most one clean request of each.
//!
//! The cases are our own words for what RFC 9112 §2.2, §3, §5, §6 and §7 forbid, and for the public classes of request
//! smuggling. In their text `~` is a CRLF, `PATH` the case's own path and `HOST` a good `Host` field.

mod limits;
mod raw_origin;
mod requests;
mod responses;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::harness::bounded;

/// The bytes of a case.
fn bytes(name: &str, text: &str) -> Vec<u8> {
    let text = text.replace('~', "\r\n").replace("PATH", &format!("/{name}"));
    text.replace("HOST", "host: shop.example").into_bytes()
}

/// Sends bytes and reads what comes until the connection ends: the statuses, and all of it as text.
async fn exchange(to: std::net::SocketAddr, bytes: &[u8], half_close: bool) -> (Vec<u16>, String) {
    let mut stream = TcpStream::connect(to).await.unwrap();
    // The node may have closed already.
    let _ = stream.write_all(bytes).await;
    if half_close {
        let _ = stream.shutdown().await;
    }
    let mut all = Vec::new();
    let reading = async {
        let mut piece = vec![0; 16 << 10];
        while let Ok(came @ 1..) = stream.read(&mut piece).await {
            all.extend_from_slice(&piece[..came]);
        }
    };
    bounded(&format!("the end after {:?}", String::from_utf8_lossy(bytes)), reading).await;
    let text = String::from_utf8_lossy(&all).into_owned();
    let statuses =
        text.match_indices("HTTP/1.1 ").filter_map(|(at, _)| text.get(at + 9..at + 12)?.parse().ok());
    (statuses.collect(), text)
}
