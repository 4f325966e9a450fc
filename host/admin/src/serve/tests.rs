//! Opening and closing the door, over a real socket.

use axum::routing::get;
use std::future::pending;
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::{Notify, oneshot};
use tokio::task::JoinHandle;

use super::*;

struct Door {
    stream: TcpStream,
    close: oneshot::Sender<()>,
    served: JoinHandle<io::Result<()>>,
}

/// Serves this router, and asks it for `/`.
async fn ask(router: Router) -> Door {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    let (close, closed) = oneshot::channel();
    let served = tokio::spawn(serve(listener, router, async {
        let _ = closed.await;
    }));
    let mut stream = TcpStream::connect(addr).await.unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n").await.unwrap();
    Door { stream, close, served }
}

#[tokio::test]
async fn an_answer_under_way_is_finished_before_the_door_closes() {
    let (asked, may_answer) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let router = Router::new().route(
        "/",
        get({
            let (asked, may_answer) = (Arc::clone(&asked), Arc::clone(&may_answer));
            || async move {
                asked.notify_one();
                may_answer.notified().await;
                "done"
            }
        }),
    );
    let mut door = ask(router).await;
    asked.notified().await;
    door.close.send(()).unwrap();
    may_answer.notify_one();
    let mut answer = String::new();
    door.stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 ") && answer.ends_with("done"), "{answer}");
    door.served.await.unwrap().unwrap();
}

#[tokio::test]
async fn an_answer_that_takes_for_ever_is_cut_off() {
    let asked = Arc::new(Notify::new());
    let router = Router::new().route(
        "/",
        get({
            let asked = Arc::clone(&asked);
            || async move {
                asked.notify_one();
                pending::<()>().await;
            }
        }),
    );
    let door = ask(router).await;
    asked.notified().await;
    // From here on nothing but the limit can end it, so time may jump there.
    tokio::time::pause();
    door.close.send(()).unwrap();
    door.served.await.unwrap().unwrap();
}
