//! The origin: a real HTTP/1.1 server on its own thread that answers as the test has scripted, and remembers what it
//! was asked.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;
use tokio::io::{AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use super::answer::{Answer, Step};
use super::wire::{Body, Head, read_head, read_piece};
use super::{bounded, until};

/// One request that the origin got.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) head: Head,
    pub(crate) body: String,
    /// Which request for this path it is, counted from 1.
    pub(crate) nth: usize,
}

impl Asked {
    /// The value of a field that is there at most once; empty where it is not.
    pub(crate) fn field(&self, name: &str) -> &str {
        self.head.one(name).unwrap_or_default()
    }
}

type Script = Arc<dyn Fn(&Asked) -> Answer + Send + Sync>;

/// The origin. When it is dropped, its connections are cut.
pub(crate) struct Origin {
    address: SocketAddr,
    desk: Arc<Desk>,
    cut: watch::Sender<bool>,
}

/// What its connections share.
struct Desk {
    scripts: Mutex<HashMap<String, Script>>,
    asked: watch::Sender<Vec<Asked>>,
    answered: AtomicU64,
    connections: AtomicU64,
}

impl Origin {
    pub(crate) fn start() -> Self {
        Self::listening(std::net::TcpListener::bind("127.0.0.1:0").unwrap())
    }

    /// One that comes back where another was.
    pub(crate) async fn back_at(address: SocketAddr) -> Self {
        let mut bound = None;
        until("the address is free", || {
            bound = std::net::TcpListener::bind(address).ok();
            bound.is_some()
        })
        .await;
        Self::listening(bound.unwrap())
    }

    fn listening(listener: std::net::TcpListener) -> Self {
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let desk = Arc::new(Desk {
            scripts: Mutex::default(),
            asked: watch::Sender::new(Vec::new()),
            answered: AtomicU64::new(0),
            connections: AtomicU64::new(0),
        });
        let (cut, mut is_cut) = watch::channel(false);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let open = accept(listener, Arc::clone(&desk));
        std::thread::spawn(move || {
            runtime.block_on(async {
                tokio::select! {
                    () = open => {}
                    _ = is_cut.wait_for(|cut| *cut) => {}
                }
            });
        });
        Self { address, desk, cut }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// From now on `path` is answered like this, every time.
    pub(crate) fn says(&self, path: &str, answer: Answer) {
        self.answers(path, move |_| answer.clone());
    }

    /// The first request for `path` is answered with the first of these and so on; the last one stays.
    pub(crate) fn says_in_turn(&self, path: &str, answers: &[Answer]) {
        let answers = answers.to_vec();
        self.answers(path, move |asked| answers[(asked.nth - 1).min(answers.len() - 1)].clone());
    }

    /// From now on `path` is answered as `script` says.
    pub(crate) fn answers(&self, path: &str, script: impl Fn(&Asked) -> Answer + Send + Sync + 'static) {
        self.desk.scripts.lock().insert(path.to_owned(), Arc::new(script));
    }

    /// What it was asked about `path`, in order.
    pub(crate) fn asked(&self, path: &str) -> Vec<Asked> {
        let asked = self.desk.asked.borrow();
        asked.iter().filter(|asked| asked.path == path).cloned().collect()
    }

    /// How often it was asked about `path`.
    pub(crate) fn count(&self, path: &str) -> usize {
        self.asked(path).len()
    }

    /// How many connections it has accepted.
    pub(crate) fn connections(&self) -> u64 {
        self.desk.connections.load(Ordering::Relaxed)
    }

    /// Ends every connection, and returns when nobody listens any more.
    pub(crate) async fn dies(&self) {
        self.cut();
        until("the port refuses", || std::net::TcpStream::connect(self.address).is_err()).await;
    }

    /// How many requests it has not yet answered to the end.
    pub(crate) fn unfinished(&self) -> u64 {
        let answered = self.desk.answered.load(Ordering::Relaxed);
        (self.desk.asked.borrow().len() as u64).saturating_sub(answered)
    }

    /// Waits until it has been asked `times` about `path`.
    pub(crate) async fn is_asked(&self, path: &str, times: usize) {
        let enough = |asked: &Vec<Asked>| asked.iter().filter(|asked| asked.path == path).count() >= times;
        let mut asked = self.desk.asked.subscribe();
        bounded("the origin is asked", asked.wait_for(enough)).await.unwrap();
    }

    /// Ends every connection, and listens no more.
    pub(crate) fn cut(&self) {
        self.cut.send_replace(true);
    }
}

async fn accept(listener: std::net::TcpListener, desk: Arc<Desk>) {
    let listener = TcpListener::from_std(listener).unwrap();
    while let Ok((stream, _)) = listener.accept().await {
        let _ = stream.set_nodelay(true);
        desk.connections.fetch_add(1, Ordering::Relaxed);
        tokio::spawn(converse(BufReader::new(stream), Arc::clone(&desk)));
    }
}

async fn converse(mut stream: BufReader<TcpStream>, desk: Arc<Desk>) {
    while let Ok(Some(head)) = read_head(&mut stream).await {
        let mut framing = head.body(Body::Done);
        let mut body = Vec::new();
        while framing != Body::Done {
            match read_piece(&mut stream, &mut framing).await {
                Ok(piece) => body.extend(piece),
                Err(_) => return,
            }
        }
        let asked = desk.note(head, &body);
        let script = desk.scripts.lock().get(&asked.path).cloned();
        let answer = script.map_or_else(|| Answer::new(404, "not in the script"), |script| script(&asked));
        let goes_on = perform(&mut stream, answer.steps(asked.method == "HEAD")).await;
        desk.answered.fetch_add(1, Ordering::Relaxed);
        if !goes_on {
            return;
        }
    }
}

/// Does as scripted; answers whether the connection goes on.
async fn perform(stream: &mut BufReader<TcpStream>, steps: Vec<Step>) -> bool {
    for step in steps {
        match step {
            Step::Wait(gate) => gate.pass().await,
            Step::Send(bytes) => {
                if stream.get_mut().write_all(&bytes).await.is_err() {
                    return false;
                }
            }
            Step::Close => return false,
            Step::HalfClose => {
                let _ = stream.get_mut().shutdown().await;
            }
            Step::Reset => {
                let _ = stream.get_ref().set_zero_linger();
                return false;
            }
        }
    }
    true
}

impl Desk {
    fn note(&self, head: Head, body: &[u8]) -> Asked {
        let mut words = head.start.split(' ').map(str::to_owned);
        let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        let mut noted =
            Asked { method, path, head, body: String::from_utf8_lossy(body).into_owned(), nth: 0 };
        self.asked.send_modify(|asked| {
            noted.nth = 1 + asked.iter().filter(|other| other.path == noted.path).count();
            asked.push(noted.clone());
        });
        noted
    }
}
