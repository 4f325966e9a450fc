//! The scheduler: one thread, virtual time, and a seeded choice among all tasks that could go on.
//!
//! Owns time and order, and so everything that a run depends on besides its seed. Refuses runtimes: a waker only says
//! that a task may go on, and *which* goes on is drawn. The ready tasks are kept sorted before the draw, because some
//! primitives wake their waiters in an order of their own.

use std::cell::{Cell, RefCell};
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use parking_lot::Mutex;
use seawall_base::Clock;

/// Tasks that end together: those of one life of a node.
pub(crate) type Group = u32;

/// The group of what never dies: clients, operators, faults.
pub(crate) const OUTSIDE: Group = 0;

type Work = Pin<Box<dyn Future<Output = ()>>>;

pub(crate) struct Executor {
    clock: Clock,
    now: Cell<Duration>,
    random: RefCell<fastrand::Rng>,
    tasks: RefCell<Vec<Task>>,
    woken: Arc<Mutex<Vec<usize>>>,
    timers: RefCell<BinaryHeap<Reverse<(Duration, usize)>>>,
    /// By number; `None` once it fired or nobody waits for it any more.
    alarms: RefCell<Vec<Option<Waker>>>,
}

struct Task {
    group: Group,
    /// Absent while it is polled, and once it has ended.
    work: Option<Work>,
    dead: bool,
    flag: Arc<Flag>,
    waker: Waker,
}

/// Wakes one task.
struct Flag {
    number: usize,
    queued: AtomicBool,
    woken: Arc<Mutex<Vec<usize>>>,
}

impl Wake for Flag {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if !self.queued.swap(true, Ordering::Relaxed) {
            self.woken.lock().push(self.number);
        }
    }
}

impl Executor {
    pub(crate) fn new(seed: u64, clock: Clock) -> Rc<Self> {
        Rc::new(Self {
            clock,
            now: Cell::new(Duration::ZERO),
            random: RefCell::new(fastrand::Rng::with_seed(seed)),
            tasks: RefCell::default(),
            woken: Arc::default(),
            timers: RefCell::default(),
            alarms: RefCell::default(),
        })
    }

    /// Virtual time since the start.
    pub(crate) fn now(&self) -> Duration {
        self.now.get()
    }

    /// A number below `bound`, which must not be 0.
    pub(crate) fn below(&self, bound: usize) -> usize {
        self.random.borrow_mut().usize(..bound)
    }

    /// True so many times in a hundred.
    pub(crate) fn chance(&self, percent: usize) -> bool {
        self.below(100) < percent
    }

    /// A whole number of milliseconds from `least` to `most`.
    pub(crate) fn millis(&self, least: u64, most: u64) -> Duration {
        Duration::from_millis(self.random.borrow_mut().u64(least..=most))
    }

    pub(crate) fn spawn(&self, group: Group, work: impl Future<Output = ()> + 'static) {
        let mut tasks = self.tasks.borrow_mut();
        let flag = Arc::new(Flag {
            number: tasks.len(),
            queued: AtomicBool::new(false),
            woken: Arc::clone(&self.woken),
        });
        let waker = Waker::from(Arc::clone(&flag));
        flag.wake_by_ref();
        tasks.push(Task { group, work: Some(Box::pin(work)), dead: false, flag, waker });
    }

    /// Drops every task of a group, as a crash does. Not to be called by a task of that group.
    pub(crate) fn kill(&self, group: Group) {
        let mut gone = Vec::new();
        for task in self.tasks.borrow_mut().iter_mut().filter(|task| task.group == group) {
            task.dead = true;
            gone.extend(task.work.take());
        }
        // Outside of the borrow: what is dropped may wake others.
        drop(gone);
    }

    /// Drops every task there is.
    pub(crate) fn kill_all(&self) {
        let tasks = std::mem::take(&mut *self.tasks.borrow_mut());
        drop(tasks);
        drop(std::mem::take(&mut *self.alarms.borrow_mut()));
    }

    /// Runs until `until`, or until `stop` says so.
    pub(crate) fn run(&self, until: Duration, stop: impl Fn() -> bool) {
        let mut ready: Vec<usize> = Vec::new();
        while !stop() {
            ready.append(&mut self.woken.lock());
            ready.sort_unstable();
            if ready.is_empty() {
                if !self.move_on(until) {
                    return;
                }
                continue;
            }
            let next = ready.remove(self.below(ready.len()));
            self.poll(next);
        }
    }

    fn poll(&self, number: usize) {
        let (mut work, waker) = {
            let mut tasks = self.tasks.borrow_mut();
            let Some(task) = tasks.get_mut(number) else { return };
            task.flag.queued.store(false, Ordering::Relaxed);
            let Some(work) = task.work.take() else { return };
            (work, task.waker.clone())
        };
        let ended = work.as_mut().poll(&mut Context::from_waker(&waker)).is_ready();
        if let Some(task) = self.tasks.borrow_mut().get_mut(number)
            && !ended
            && !task.dead
        {
            task.work = Some(work);
        }
    }

    /// Goes to the next moment at which somebody wakes, and wakes all of that moment. `false`: there is none up to
    /// `until`.
    fn move_on(&self, until: Duration) -> bool {
        let mut moment = None;
        loop {
            let next = self.timers.borrow().peek().map(|Reverse((at, _))| *at);
            let due = next.filter(|at| *at <= until && moment.is_none_or(|moment| *at == moment));
            let (Some(_), Some(Reverse((at, number)))) =
                (due, due.and_then(|_| self.timers.borrow_mut().pop()))
            else {
                return moment.is_some();
            };
            let Some(waker) = self.alarms.borrow_mut().get_mut(number).and_then(Option::take) else {
                continue;
            };
            if moment.is_none() {
                self.clock.advance(at.saturating_sub(self.now.get()));
                self.now.set(at.max(self.now.get()));
                moment = Some(at);
            }
            waker.wake();
        }
    }

    pub(crate) fn sleep(self: &Rc<Self>, time: Duration) -> Sleep {
        Sleep { executor: Rc::clone(self), until: self.now().saturating_add(time), alarm: None }
    }

    /// What `work` comes to, or `None` after `limit`.
    pub(crate) async fn timeout<T>(
        self: &Rc<Self>,
        limit: Duration,
        work: impl Future<Output = T>,
    ) -> Option<T> {
        let mut work = std::pin::pin!(work);
        let mut sleep = self.sleep(limit);
        std::future::poll_fn(|cx| match work.as_mut().poll(cx) {
            Poll::Ready(done) => Poll::Ready(Some(done)),
            Poll::Pending => Pin::new(&mut sleep).poll(cx).map(|()| None),
        })
        .await
    }
}

/// Ready when its time has come.
pub(crate) struct Sleep {
    executor: Rc<Executor>,
    until: Duration,
    alarm: Option<usize>,
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if self.executor.now() >= self.until {
            return Poll::Ready(());
        }
        let mut alarms = self.executor.alarms.borrow_mut();
        match self.alarm {
            Some(alarm) => {
                if let Some(slot) = alarms.get_mut(alarm) {
                    *slot = Some(cx.waker().clone());
                }
                drop(alarms);
            }
            None => {
                let number = alarms.len();
                alarms.push(Some(cx.waker().clone()));
                drop(alarms);
                self.executor.timers.borrow_mut().push(Reverse((self.until, number)));
                self.alarm = Some(number);
            }
        }
        Poll::Pending
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        let waker = self.alarm.and_then(|alarm| self.executor.alarms.borrow_mut().get_mut(alarm)?.take());
        drop(waker);
    }
}
