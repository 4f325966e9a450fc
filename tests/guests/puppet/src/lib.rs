//! A function that does what the path says: `/panic`, `/loop`, `/memory`, `/deep` and `/error` fail on the way in,
//! `/late-panic` on the way out, `/split` keeps a cache entry for each `x-group`, `/say` writes to the log. Any other
//! path goes on.

use std::hint::black_box;

use seawall_edge::{Error, Request, Response, Verdict, filter};

/// Bytes that are asked for at once, until there are no more.
const MEAL_BYTES: usize = 1 << 20;

/// Does what the path says.
pub fn on_request(request: &mut Request) -> Result<Verdict, Error> {
    match request.path().as_str() {
        "/panic" => misfortune("panicked as it was told"),
        "/loop" => while black_box(true) {},
        "/memory" => eat(),
        "/deep" => drop(deep(1)),
        "/error" => return Err(Error::new("refused as it was told")),
        "/split" => {
            let group = request.header("x-group").unwrap_or_default();
            request.add_key_part("group", group)?;
        }
        "/say" => say(),
        _ => {}
    }
    Ok(Verdict::Next)
}

/// Edits the response, and then fails, where the path says so.
pub fn on_response(request: &Request, response: &mut Response) -> Result<(), Error> {
    if request.path() == "/late-panic" {
        response.set_header("x-half-done", "yes")?;
        misfortune("panicked on the way out");
    }
    Ok(())
}

#[expect(clippy::panic, reason = "that is what it is for")]
fn misfortune(words: &str) {
    panic!("{words}");
}

#[expect(clippy::print_stdout, reason = "a function's standard output is its log")]
fn say() {
    println!("said as it was told");
}

fn eat() {
    let mut eaten = Vec::new();
    while black_box(true) {
        eaten.push(black_box(Vec::<u8>::with_capacity(MEAL_BYTES)));
    }
}

#[expect(unconditional_recursion, reason = "that is what it is for")]
fn deep(level: u64) -> u64 {
    let mut frame = [level; 64];
    black_box(&mut frame);
    frame[0] + deep(black_box(level + 1)) + frame[63]
}

filter! { on_request, on_response }
