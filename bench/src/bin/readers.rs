//! Question: what does a node hold while many slow clients read one large object that is being filled?
//!
//! This is the origin and the clients; `cargo xtask bench readers` runs a node between them and looks at its memory
//! whenever a line comes out of here, and says "go on" with a line in. The clients have small receive buffers and read
//! little at a time, so that what the kernel holds for them is small, and what is in the node is the node's to answer for.

use std::io::Write as _;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

/// The object, in bytes: the largest that a node stores by default.
const OBJECT: usize = 64 << 20;

/// How much the origin writes at once, and how long it rests in between once the clients are there: 8 s for a half.
const PIECE: usize = 256 << 10;
const PIECE_EVERY: Duration = Duration::from_millis(60);

/// How many bytes a client takes at a time, and how often.
const SIP: usize = 4 << 10;
const SIP_EVERY: Duration = Duration::from_millis(250);

/// The kernel doubles it.
const RECEIVE_BUFFER: u32 = 4 << 10;

/// One client in so many reads to the end; for all of them a loopback would take minutes.
const WHOLE_ONE_IN: usize = 50;

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// What everybody does now.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Act {
    /// The origin sends the first half; the clients come.
    Half,
    /// It sends the rest, and the clients read on, slowly.
    Rest,
    /// Some read to the end, the others leave.
    End,
}

fn main() -> Result<(), BoxError> {
    let words: Vec<String> = std::env::args().collect();
    let [_, origin, node, clients] = words.as_slice() else {
        return Err(
            "the arguments are the origin's address, the node's address and the number of clients".into()
        );
    };
    let (origin, node, clients) = (origin.parse()?, node.parse()?, clients.parse()?);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(play(origin, node, clients))
}

async fn play(origin: SocketAddr, node: SocketAddr, clients: usize) -> Result<(), BoxError> {
    let listener = TcpListener::bind(origin).await?;
    let (act, acts) = watch::channel(Act::Half);
    let sent = Arc::new(AtomicUsize::new(0));
    let filling = tokio::spawn(serve(listener, acts.clone(), Arc::clone(&sent)));
    let mut lines = words();
    say("the origin listens")?;

    lines.recv().await;
    let mut readers = JoinSet::new();
    let begun = Arc::new(AtomicUsize::new(0));
    for number in 0..clients {
        readers.spawn(read(node, number, acts.clone(), Arc::clone(&begun)));
    }
    while begun.load(Ordering::Relaxed) < clients || sent.load(Ordering::Relaxed) < OBJECT / 2 {
        if let Some(ended) = readers.try_join_next() {
            ended??;
            return Err("a client ended before the others had begun".into());
        }
        tokio::time::sleep(PIECE_EVERY).await;
    }
    say(&format!("{clients} clients read; half of the object has been sent"))?;

    lines.recv().await;
    act.send_replace(Act::Rest);
    filling.await??;
    say("all of the object has been sent")?;

    lines.recv().await;
    act.send_replace(Act::End);
    let (mut whole, mut bytes) = (0, 0);
    while let Some(ended) = readers.join_next().await {
        let read = ended??;
        bytes += read;
        whole += usize::from(read == OBJECT);
    }
    let mib = bytes >> 20;
    say(&format!(
        "{whole} clients have read all of it, the others the beginning; {mib} MiB, every byte as sent"
    ))?;
    lines.recv().await;
    Ok(())
}

/// Each line that comes in.
fn words() -> mpsc::UnboundedReceiver<String> {
    let (tell, told) = mpsc::unbounded_channel();
    std::thread::spawn(move || {
        for line in std::io::stdin().lines().map_while(Result::ok) {
            if tell.send(line).is_err() {
                return;
            }
        }
    });
    told
}

fn say(line: &str) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}")?;
    out.flush()
}

/// The byte at a place of the object: so that a piece that is missing, doubled or moved is seen.
fn byte_at(place: usize) -> u8 {
    ((place as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 56) as u8
}

/// Answers one request.
async fn serve(
    listener: TcpListener,
    mut acts: watch::Receiver<Act>,
    sent: Arc<AtomicUsize>,
) -> Result<(), BoxError> {
    let (mut stream, _) = listener.accept().await?;
    let mut head = [0; 4096];
    let _ = stream.read(&mut head).await?;
    let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {OBJECT}\r\ncache-control: max-age=3600\r\n\r\n");
    stream.write_all(head.as_bytes()).await?;
    for start in (0..OBJECT).step_by(PIECE) {
        if start == OBJECT / 2 {
            acts.wait_for(|act| *act >= Act::Rest).await?;
        }
        if start >= OBJECT / 2 {
            tokio::time::sleep(PIECE_EVERY).await;
        }
        let piece: Vec<u8> = (start..start + PIECE).map(byte_at).collect();
        stream.write_all(&piece).await?;
        sent.fetch_add(PIECE, Ordering::Relaxed);
    }
    Ok(())
}

/// One client: how much of the object it has read, every byte of it right.
async fn read(
    node: SocketAddr,
    number: usize,
    acts: watch::Receiver<Act>,
    begun: Arc<AtomicUsize>,
) -> Result<usize, BoxError> {
    let socket = TcpSocket::new_v4()?;
    socket.set_recv_buffer_size(RECEIVE_BUFFER)?;
    let mut stream = BufReader::with_capacity(SIP, socket.connect(node).await?);
    stream.get_mut().write_all(b"GET /film HTTP/1.1\r\nhost: bench.example\r\n\r\n").await?;
    skip_head(&mut stream).await?;
    let mut place = 0;
    let mut sip = vec![0; SIP];
    while *acts.borrow() < Act::End {
        let bytes = stream.read(&mut sip).await?;
        place = check(place, &sip, bytes)?;
        if place == bytes {
            begun.fetch_add(1, Ordering::Relaxed);
        }
        tokio::time::sleep(SIP_EVERY).await;
    }
    while number.is_multiple_of(WHOLE_ONE_IN) && place < OBJECT {
        let bytes = stream.read(&mut sip).await?;
        place = check(place, &sip, bytes)?;
    }
    Ok(place)
}

async fn skip_head(stream: &mut BufReader<TcpStream>) -> Result<(), BoxError> {
    let mut line = String::new();
    while line != "\r\n" {
        line.clear();
        if stream.read_line(&mut line).await? == 0 {
            return Err("the node ended the connection before a response".into());
        }
    }
    Ok(())
}

fn check(place: usize, sip: &[u8], bytes: usize) -> Result<usize, BoxError> {
    if bytes == 0 {
        return Err(format!("the body ended after {place} bytes").into());
    }
    let right = sip.iter().take(bytes).enumerate().all(|(offset, byte)| *byte == byte_at(place + offset));
    if right { Ok(place + bytes) } else { Err(format!("wrong bytes from {place} on").into()) }
}
