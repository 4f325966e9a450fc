//! A function that does what the path says: `/panic`, `/loop`, `/memory`, `/deep` and `/error` fail on the way in,
//! `/late-panic` on the way out, `/split` keeps a cache entry for each `x-group`, `/say` writes to the log. At the origin,
//! paths that begin with `/at-origin/` do what their last word says. Any other path goes on.

use std::hint::black_box;

use seawall_edge::{
    Error, OriginRequest, OriginResponse, OriginVerdict, Reply, Request, Response, StoreVerdict, Verdict,
    filter,
};

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

/// The word behind `/at-origin/`.
fn word(path: &str) -> String {
    path.strip_prefix("/at-origin/").unwrap_or_default().to_owned()
}

/// Does what the path's last word says, before the origin is asked.
pub fn on_origin_request(request: &mut OriginRequest) -> Result<OriginVerdict, Error> {
    match word(&request.path()).as_str() {
        "answer" => {
            let reply = Reply::text(200, "made at the edge").header("cache-control", "max-age=60");
            return Ok(reply.into());
        }
        "sign" => {
            let (ip, reason) = (request.client().ip(), request.reason());
            request.set_header(
                "x-signed",
                format!("{} {ip:?} {reason:?}", request.config("key").unwrap_or_default()),
            )?;
        }
        "trace" => {
            let seen = request.header("traceparent").unwrap_or_default();
            request.set_header("x-seen-trace", seen)?;
        }
        "elsewhere" => request.set_path("/somewhere")?,
        "second" => request.set_origin("second")?,
        "panic-before" => misfortune("panicked before the origin"),
        _ => {}
    }
    Ok(OriginVerdict::Fetch)
}

/// Does what the path's last word says, before the response is stored.
pub fn on_origin_response(
    request: &OriginRequest,
    response: &mut OriginResponse,
) -> Result<StoreVerdict, Error> {
    match word(&request.path()).as_str() {
        "shape" => {
            response.set_header("x-shaped", request.config("version").unwrap_or_else(|| "yes".to_owned()))?;
            response.remove_header("server")?;
            response.log_field("shaped", response.status());
        }
        "policy" => {
            response.set_ttl(120)?;
            response.set_stale_while_revalidate(30)?;
            response.add_tags(["product-7", "sale"])?;
            response.set_vary(["x-group"])?;
        }
        "insist" => {
            if let Err(refused) = response.set_ttl(60) {
                response.set_header("x-refused", refused.to_string())?;
            }
            response.set_header("cache-control", "max-age=60")?;
        }
        "owned" => {
            for name in
                ["connection", "age", "via", "content-length", "content-range", "seawall-cache-control"]
            {
                if response.set_header(name, "1").is_ok() {
                    return Err(Error::new(name));
                }
            }
        }
        "deliver" => return Ok(StoreVerdict::DeliverOnly),
        "marked" => response.hit_for_miss(30)?,
        "retry" if response.status() >= 500 => return Ok(StoreVerdict::Retry("second".to_owned())),
        "panic-behind" => {
            response.set_header("x-half-done", "yes")?;
            misfortune("panicked behind the origin");
        }
        _ => {}
    }
    Ok(StoreVerdict::Store)
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

filter! { on_request, on_origin_request, on_origin_response, on_response }
