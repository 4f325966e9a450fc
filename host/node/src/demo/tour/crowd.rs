//! Many visitors, one cold page, one request to the origin.

use std::sync::mpsc;
use std::thread;

use http::StatusCode;

use super::{Tour, status};
use crate::demo::error::DemoError;
use crate::demo::narrator::Narrator;
use crate::demo::nodes::{DemoNode, SHOP};
use crate::demo::origin::{Counts, Page};
use crate::demo::visitor::{Answer, Ask};

/// Visitors at each edge: one thread and one connection each.
const AT_EACH_EDGE: usize = 100;

/// What became of the crowd.
#[derive(Debug, Default)]
struct Fates {
    /// Answered 200 with the one body that there is.
    well: usize,
    /// Of these: went forward for all others at the same edge.
    led: usize,
    /// Of these: were given what somebody else went for.
    followed: usize,
    /// Of these: came late enough to find it stored.
    late: usize,
    /// Why the first of those without an answer had none.
    first_failure: Option<String>,
}

impl Fates {
    fn count(&mut self, answer: Result<Answer, DemoError>) {
        let answer = match answer {
            Ok(answer) => answer,
            Err(error) => {
                self.first_failure.get_or_insert_with(|| error.to_string());
                return;
            }
        };
        if answer.status != StatusCode::OK || answer.body != b"Slow page, answer 1 of the origin\n" {
            return;
        }
        self.well += 1;
        let lines = answer.cache_status();
        let edge = lines.last().map(String::as_str).unwrap_or_default();
        match () {
            () if status::has(edge, "collapsed") => self.followed += 1,
            () if status::has(edge, "hit") => self.late += 1,
            () => self.led += 1,
        }
    }
}

pub(super) fn walk(tour: &Tour<'_>, narrator: &mut Narrator<'_>) -> Result<(), DemoError> {
    let (fra, nyc) = (&tour.nodes.fra, &tour.nodes.nyc);
    let path = Page::Slow.path();
    narrator.act(&format!(
        "{AT_EACH_EDGE} x GET http://{}{path}   at {} and {AT_EACH_EDGE} x at {}, at once",
        SHOP, fra.name, nyc.name
    ))?;
    let (before, started) = (tour.origin.counts(), tour.visitor.ticks());
    let answers = gather(tour, &[fra, nyc])?;
    let took = tour.visitor.ticks().saturating_sub(started);
    let asked = tour.origin.counts().since(&before);

    let mut fates = Fates::default();
    for answer in answers {
        fates.count(answer);
    }
    let Fates { well, led, followed, late, first_failure } = fates;
    if let Some(why) = first_failure {
        narrator.tell(&format!("no answer: {why}"), "the first of those that failed")?;
    }
    let shown = format!("{well} x 200 OK with the same body, all within {:.1} s", took.as_secs_f64());
    narrator.check(&shown, &well, &(2 * AT_EACH_EDGE), "nobody queued")?;
    narrator.check(&format!("{led} went forward"), &led, &2, "one at each edge")?;
    let shown = format!("{followed} were answered by what these fetched, {late} came after it");
    narrator.check(&shown, &(followed + late), &(2 * AT_EACH_EDGE - 2), "`collapsed` in Cache-Status")?;
    let shown = format!("origin: {asked}");
    let expected = Counts::only(&[(Page::Slow, 1)]);
    narrator.check(&shown, &asked, &expected, "the shield joined the two edges")
}

/// Everybody at once. Ends when all have an answer; each visit is bounded.
fn gather(tour: &Tour<'_>, edges: &[&DemoNode]) -> Result<Vec<Result<Answer, DemoError>>, DemoError> {
    let (send, answers) = mpsc::channel();
    thread::scope(|scope| {
        for edge in edges.iter().cycle().take(edges.len() * AT_EACH_EDGE) {
            let send = send.clone();
            let ask: Ask<'_> = tour.shop(edge, Page::Slow);
            let visit = move || {
                // The other end lives until all threads have ended.
                let _ = send.send(tour.visitor.get(&ask));
            };
            thread::Builder::new()
                .name("visitor".to_owned())
                .spawn_scoped(scope, visit)
                .map_err(DemoError::io("no thread for a visitor of the crowd"))?;
        }
        Ok::<_, DemoError>(())
    })?;
    drop(send);
    Ok(answers.into_iter().collect())
}
