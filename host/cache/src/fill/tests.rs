use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, SystemTime};

use http::{HeaderMap, HeaderValue, StatusCode};
use http_body::Body;
use seawall_base::{Blame, Cause};
use seawall_policy::terms::Times;
use seawall_policy::{Rules, Terms};

use super::*;
use crate::body::BodyWriter;

fn draft(length: Option<u64>) -> Arc<Draft> {
    let headers: HeaderMap =
        [(http::header::CACHE_CONTROL, HeaderValue::from_static("max-age=60"))].into_iter().collect();
    let at = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000);
    let times = Times { requested_at: at, received_at: at };
    let terms = Terms::read(StatusCode::OK, &headers, times, &Rules::default());
    Arc::new(Draft {
        status: StatusCode::OK,
        headers,
        terms,
        selecting: Selecting::default(),
        tags: Box::default(),
        position: Position::START,
        length,
        part: None,
    })
}

fn new_fill() -> Arc<Fill> {
    Fill::new(Arc::from("a/"), Position::START, 0, Plan { shared: true, ..Plan::default() })
}

fn follower(fill: &Arc<Fill>) -> Follower {
    Follower::new(fill.join().unwrap(), Position::START)
}

fn poll<F: Future>(future: F) -> Poll<F::Output> {
    pin!(future).poll(&mut Context::from_waker(Waker::noop()))
}

/// Everything that can be read now, and how it ended, if it did.
fn drain(body: &mut FillBody) -> (Vec<u8>, Option<Result<(), Cause>>) {
    let mut read = Vec::new();
    loop {
        match Pin::new(&mut *body).poll_frame(&mut Context::from_waker(Waker::noop())) {
            Poll::Pending => return (read, None),
            Poll::Ready(None) => return (read, Some(Ok(()))),
            Poll::Ready(Some(Err(fault))) => return (read, Some(Err(fault.cause))),
            Poll::Ready(Some(Ok(frame))) => {
                if let Ok(data) = frame.into_data() {
                    read.extend_from_slice(&data);
                }
            }
        }
    }
}

#[test]
fn a_follower_reads_while_the_leader_writes() {
    let fill = new_fill();
    let early = follower(&fill);
    assert!(poll(early.head()).is_pending(), "no head yet");
    fill.publish(draft(None));
    assert!(matches!(poll(early.head()), Poll::Ready(Ok(FillHead::Streaming(_)))));
    let mut writer = BodyWriter::new(None);
    let mut early = early.into_body(None);
    fill.push(&mut writer, b"one ");
    assert_eq!(drain(&mut early), (b"one ".to_vec(), None));
    let mut late = follower(&fill).into_body(None);
    fill.push(&mut writer, b"two");
    fill.end(Ok(None));
    assert_eq!(drain(&mut early), (b"two".to_vec(), Some(Ok(()))));
    assert_eq!(drain(&mut late), (b"one two".to_vec(), Some(Ok(()))), "who comes late reads from the start");
}

#[test]
fn a_break_reaches_every_reader_after_what_came_before_it() {
    let fill = new_fill();
    fill.publish(draft(Some(10)));
    let mut body = follower(&fill).into_body(Some(10));
    assert_eq!(body.size_hint().exact(), Some(10));
    fill.push(&mut BodyWriter::new(Some(10)), b"half");
    fill.end(Err(Fault::new(Cause::BodyTimeout, Blame::Origin, "")));
    assert_eq!(drain(&mut body), (b"half".to_vec(), Some(Err(Cause::BodyTimeout))));
}

#[test]
fn a_body_longer_than_it_says_is_cut_with_a_fault() {
    let fill = new_fill();
    fill.publish(draft(Some(3)));
    let mut body = follower(&fill).into_body(Some(3));
    fill.push(&mut BodyWriter::new(Some(3)), b"1234");
    assert_eq!(drain(&mut body).1, Some(Err(Cause::ResponseIncomplete)));
}

#[test]
fn trailers_come_last() {
    let fill = new_fill();
    fill.publish(draft(None));
    let mut body = follower(&fill).into_body(None);
    fill.push(&mut BodyWriter::new(None), b"x");
    let trailers: HeaderMap = [(http::header::ETAG, HeaderValue::from_static("\"t\""))].into_iter().collect();
    fill.end(Ok(Some(trailers)));
    let mut frames = Vec::new();
    while let Poll::Ready(Some(Ok(frame))) =
        Pin::new(&mut body).poll_frame(&mut Context::from_waker(Waker::noop()))
    {
        frames.push(frame.is_trailers());
    }
    assert_eq!(frames, [false, true]);
}

#[test]
fn a_release_wakes_whoever_waits_and_nobody_joins_after_it() {
    let fill = new_fill();
    let waiting = follower(&fill);
    assert!(poll(waiting.head()).is_pending());
    fill.release(Release::Uncacheable);
    assert!(matches!(poll(waiting.head()), Poll::Ready(Err(Release::Uncacheable))));
    assert!(fill.join().is_none());
}

#[test]
fn a_windowed_body_waits_for_its_slowest_reader_and_keeps_no_more() {
    let fill = new_fill();
    fill.publish(draft(None));
    let mut writer = BodyWriter::new(None);
    let mut quick = follower(&fill).into_body(None);
    let mut slow = follower(&fill).into_body(None);
    let block = vec![1_u8; WINDOW_BYTES / 2];
    fill.push(&mut writer, &block);
    fill.keep_window();
    assert!(fill.join().is_none(), "its start may go any moment");
    let cx = Context::from_waker(Waker::noop());
    assert_eq!(fill.poll_room(&cx), Poll::Ready(true));
    fill.push(&mut writer, &block);
    assert_eq!(drain(&mut quick).0.len(), WINDOW_BYTES);
    assert_eq!(fill.poll_room(&cx), Poll::Pending, "the slow one has read nothing");
    assert_eq!(drain(&mut slow).0.len(), WINDOW_BYTES);
    assert_eq!(fill.poll_room(&cx), Poll::Ready(true));
    assert_eq!(fill.state.lock().kept_bytes, 0);
    assert!(fill.whole().is_none(), "it is not for storing");
    drop(quick);
    assert_eq!(fill.poll_room(&cx), Poll::Ready(true));
    drop(slow);
    assert_eq!(fill.poll_room(&cx), Poll::Ready(false), "nobody reads any more");
}

#[test]
fn a_reader_that_holds_up_the_others_loses_its_place_with_a_fault() {
    let fill = new_fill();
    fill.publish(draft(None));
    let mut writer = BodyWriter::new(None);
    let mut quick = follower(&fill).into_body(None);
    let mut stalled = follower(&fill).into_body(None);
    fill.keep_window();
    fill.push(&mut writer, &vec![1_u8; WINDOW_BYTES]);
    drain(&mut quick);
    let cx = Context::from_waker(Waker::noop());
    assert_eq!(fill.poll_room(&cx), Poll::Pending);
    fill.evict_slowest();
    assert_eq!(fill.poll_room(&cx), Poll::Ready(true));
    assert_eq!(drain(&mut stalled), (Vec::new(), Some(Err(Cause::BodyTimeout))), "and not a clean end");
    fill.push(&mut writer, b"on");
    assert_eq!(drain(&mut quick), (b"on".to_vec(), None));
}

#[test]
fn seats_are_used_again() {
    let fill = new_fill();
    drop(follower(&fill));
    let _one = follower(&fill);
    let _two = follower(&fill);
    assert_eq!(fill.state.lock().readers.len(), 2);
}
