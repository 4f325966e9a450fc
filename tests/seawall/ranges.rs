//! Parts of a response: asked for, stored, served, joined and completed (RFC 9110 §14, RFC 9111 §3.3 and §3.4).

use crate::harness::{Answer, Ask, Asked, BrokenOff, Gate, World};

/// Where a fetch of the whole is no way to answer.
const FAR: usize = 2 << 20;

/// A body in which every place looks different.
fn film(length: usize) -> String {
    let line = |number: usize| format!("{:015}\n", number * 16);
    (0..length.div_ceil(16)).map(line).collect::<String>()[..length].to_owned()
}

/// Answers as servers of files do: the range where one is asked for and `If-Range` holds.
fn file(body: &str, etag: &str) -> impl Fn(&Asked) -> Answer + Send + Sync + 'static {
    let (body, etag) = (body.to_owned(), etag.to_owned());
    move |asked| {
        let kept = |answer: Answer| answer.field("etag", &etag).field("cache-control", "max-age=60");
        let condition = asked.field("if-range");
        let range = asked.field("range").strip_prefix("bytes=").unwrap_or_default();
        let Some((first, last)) = range.split_once('-').filter(|_| condition.is_empty() || condition == etag)
        else {
            return kept(Answer::new(200, &body));
        };
        let end = body.len() - 1;
        let (first, last) = match (first.parse::<usize>(), last.parse::<usize>()) {
            (Ok(first), Ok(last)) => (first, last.min(end)),
            (Ok(first), Err(_)) => (first, end),
            (Err(_), Ok(count)) => (body.len().saturating_sub(count), end),
            (Err(_), Err(_)) => (0, end),
        };
        if first > end {
            return Answer::new(416, "").field("content-range", &format!("bytes */{}", body.len()));
        }
        let range = format!("bytes {first}-{last}/{}", body.len());
        kept(Answer::new(206, &body[first..=last])).field("content-range", &range)
    }
}

fn range(path: &str, range: &str) -> Ask {
    Ask::get(path).field("range", range)
}

#[tokio::test]
async fn a_range_far_in_is_asked_for_by_itself_and_kept() {
    let world = World::new();
    let node = world.node().await;
    let body = film(FAR + 64);
    world.origin.answers("/film", file(&body, "\"a\""));

    let far = node.send(&range("/film", &format!("bytes={FAR}-{}", FAR + 31))).await;
    assert_eq!(far.says(), (206, &body[FAR..FAR + 32]));
    assert_eq!(far.cache(), "fwd=uri-miss; fwd-status=206; stored");
    let length = body.len();
    let place = format!("bytes {FAR}-{}/{length}", FAR + 31);
    assert_eq!(far.field("content-range"), Some(place.as_str()));

    let within = node.send(&range("/film", &format!("bytes={}-{}", FAR + 16, FAR + 31))).await;
    assert_eq!(within.says(), (206, &body[FAR + 16..FAR + 32]));
    assert_eq!(within.cache(), "hit; ttl=60");
    assert_eq!(within.field("content-length"), Some("16"));
    assert_eq!(world.origin.count("/film"), 1);

    let whole = node.get("/film").await;
    assert_eq!(whole.says(), (200, body.as_str()));
    assert_eq!(whole.cache(), "fwd=partial; fwd-status=200; stored");
    assert_eq!(node.send(&range("/film", "bytes=0-15")).await.cache(), "hit; ttl=60");
    assert_eq!(world.origin.count("/film"), 2);
}

#[tokio::test]
async fn a_range_at_the_end_of_what_is_not_there_comes_before_the_whole_does() {
    let world = World::new();
    let node = world.node().await;
    let gate = Gate::closed();
    let (body, held) = (film(64), gate.clone());
    let serve = file(&body, "\"a\"");
    world.origin.answers("/film", move |asked| {
        let answer = serve(asked);
        if asked.field("range").is_empty() { answer.at(&held) } else { answer }
    });
    let whole = tokio::spawn({
        let (ask, http) = (Ask::get("/film"), node.http);
        async move { ask.send(http).await }
    });
    world.origin.is_asked("/film", 1).await;
    let end = node.send(&range("/film", "bytes=-16")).await;
    assert_eq!(end.says(), (206, &body[48..]), "the whole is still on its way");
    gate.open();
    assert_eq!(whole.await.unwrap().says(), (200, body.as_str()));
}

#[tokio::test]
async fn parts_of_one_representation_join() {
    let world = World::new();
    let node = world.node().await;
    let body = film(64);
    world.origin.answers("/film", file(&body, "\"a\""));
    node.send(&range("/film", "bytes=-32")).await;
    node.send(&range("/film", "bytes=-64")).await;
    assert_eq!(world.origin.count("/film"), 2);
    let whole = node.get("/film").await;
    assert_eq!(whole.says(), (200, body.as_str()));
    assert_eq!(whole.cache(), "hit; ttl=60");
    assert_eq!(whole.field("content-range"), None);
    assert_eq!(whole.field("content-length"), Some("64"));
}

#[tokio::test]
async fn parts_of_two_representations_do_not() {
    let world = World::new();
    let node = world.node().await;
    let (old, new) = ("o".repeat(64), "n".repeat(64));
    world.origin.answers("/film", file(&old, "\"old\""));
    node.send(&range("/film", "bytes=-48")).await;
    world.origin.answers("/film", file(&new, "\"new\""));
    node.send(&range("/film", "bytes=-64")).await;
    let whole = node.get("/film").await;
    assert_eq!(whole.says(), (200, new.as_str()));
    for (asked, body) in [("bytes=0-3", &new[..4]), ("bytes=60-", &new[60..])] {
        assert_eq!(node.send(&range("/film", asked)).await.says(), (206, body), "{asked}");
    }
}

/// A download that broke off goes on where it ended, and nobody is given the break as a whole.
#[tokio::test]
async fn what_broke_off_is_completed() {
    let world = World::new();
    let node = world.node().await;
    let body = film(160 << 10);
    let (came, serve) = (body[..100 << 10].to_owned(), file(&body, "\"a\""));
    let length = body.len().to_string();
    world.origin.answers("/film", move |asked| match asked.nth {
        1 => Answer::bare(&format!(
            "HTTP/1.1 200 OK\r\ncontent-length: {length}\r\ncache-control: max-age=60\r\netag: \"a\"\r\n\r\n{came}"
        )),
        _ => serve(asked),
    });
    let mut cut = node.open(&Ask::get("/film")).await;
    assert_eq!(cut.status, 200);
    assert_eq!(cut.rest().await, Err(BrokenOff));

    let whole = node.get("/film").await;
    assert_eq!(whole.status, 200);
    assert!(whole.body == body, "{} bytes", whole.body.len());
    assert_eq!(whole.cache(), "fwd=partial; fwd-status=206; stored");
    let asked = &world.origin.asked("/film")[1];
    assert_eq!((asked.field("range"), asked.field("if-range")), ("bytes=102400-", "\"a\""));
    assert_eq!(node.get("/film").await.cache(), "hit; ttl=60");
}

#[tokio::test]
async fn what_broke_off_of_another_representation_is_not() {
    let world = World::new();
    let node = world.node().await;
    let (old, new) = ("o".repeat(100 << 10), film(160 << 10));
    let serve = file(&new, "\"new\"");
    world.origin.answers("/film", move |asked| match asked.nth {
        1 => Answer::bare(&format!(
            "HTTP/1.1 200 OK\r\ncontent-length: 163840\r\ncache-control: max-age=60\r\netag: \"old\"\r\n\r\n{old}"
        )),
        // Ignores `If-Range`, and so answers with a part of the newer one.
        2 => {
            let mut asked = asked.clone();
            asked.head.fields.retain(|(name, _)| name != "if-range");
            serve(&asked)
        }
        _ => serve(asked),
    });
    let mut cut = node.open(&Ask::get("/film")).await;
    assert_eq!(cut.rest().await, Err(BrokenOff));
    let whole = node.get("/film").await;
    assert!(whole.status == 200 && whole.body == new, "{} bytes", whole.body.len());
    assert_eq!(world.origin.asked("/film")[2].field("range"), "", "asked anew");
}

/// Its bytes would be known by the new tag alone on every node that they are sent to, and a purge of the old one that is
/// on its way would miss them there.
#[tokio::test]
async fn what_broke_off_under_another_tag_is_fetched_as_one() {
    let world = World::new();
    let node = world.node().await;
    let body = film(160 << 10);
    let (came, serve) = (body[..100 << 10].to_owned(), file(&body, "\"a\""));
    let head = "HTTP/1.1 200 OK\r\ncontent-length: 163840\r\ncache-control: max-age=60\r\netag: \"a\"";
    world.origin.answers("/film", move |asked| match asked.nth {
        1 => Answer::bare(&format!("{head}\r\nsurrogate-key: autumn\r\n\r\n{came}")),
        _ => serve(asked).field("surrogate-key", "winter"),
    });
    let mut cut = node.open(&Ask::get("/film")).await;
    assert_eq!(cut.rest().await, Err(BrokenOff));
    let whole = node.get("/film").await;
    assert!(whole.status == 200 && whole.body == body, "{} bytes", whole.body.len());
    let asked = world.origin.asked("/film");
    assert_eq!((asked[1].field("range"), asked[2].field("range")), ("bytes=102400-", ""), "asked anew");
}

#[tokio::test]
async fn several_ranges_come_as_one_body_of_many_parts() {
    let world = World::new();
    let node = world.node().await;
    world.origin.says("/film", Answer::cacheable("0123456789").field("content-type", "text/film"));
    node.get("/film").await;
    let got = node.send(&range("/film", "bytes=8-9,0-1")).await;
    assert_eq!(got.status, 206);
    assert_eq!(got.field("content-range"), None, "each part has its own");
    let kind = got.field("content-type").unwrap();
    let boundary = kind.strip_prefix("multipart/byteranges; boundary=").unwrap();
    let part = |place: &str, text: &str| {
        format!(
            "\r\n--{boundary}\r\nContent-Type: text/film\r\nContent-Range: bytes {place}/10\r\n\r\n{text}"
        )
    };
    assert_eq!(got.body, part("8-9", "89") + &part("0-1", "01") + &format!("\r\n--{boundary}--\r\n"));
    assert_eq!(got.field("content-length"), Some(got.body.len().to_string().as_str()));
    let other = node.send(&range("/film", "bytes=8-9,0-1")).await;
    assert_ne!(other.field("content-type"), Some(kind), "nobody can know the next boundary");

    let one = node.send(&range("/film", "bytes=8-9,20-30")).await;
    assert_eq!(one.says(), (206, "89"), "of two, one exists");
    assert_eq!(one.field("content-range"), Some("bytes 8-9/10"));
    let many = node.send(&range("/film", "bytes=0-,0-,0-")).await;
    assert_eq!(many.says(), (200, "0123456789"), "no more than what is there");
}

#[tokio::test]
async fn what_nobody_keeps_is_asked_for_as_the_client_asks() {
    let world = World::new();
    let node = world.node().await;
    let body = film(64);
    let serve = file(&body, "\"a\"");
    world.origin.answers("/film", move |asked| match asked.field("if-match") {
        "" | "\"a\"" => serve(asked).field("cache-control", "no-store"),
        _ => Answer::new(412, ""),
    });
    node.get("/film").await;
    let ask = |fields: &[(&str, &str)]| {
        fields.iter().fold(Ask::get("/film"), |ask, (name, value)| ask.field(name, value))
    };
    let part = node.send(&ask(&[("range", "bytes=0-15")])).await;
    assert_eq!(part.says(), (206, &body[..16]));
    let resumed = node.send(&ask(&[("range", "bytes=16-31"), ("if-range", "\"a\"")])).await;
    assert_eq!(resumed.says(), (206, &body[16..32]));
    let guarded = node.send(&ask(&[("range", "bytes=0-15"), ("if-match", "\"old\"")])).await;
    assert_eq!(guarded.status, 412, "never bytes of another version");
    assert_eq!(world.origin.count("/film"), 4, "each asked once");
}

/// The first fetch is one for everybody, and asks without the client's conditions: they are judged by what came.
#[tokio::test]
async fn conditions_hold_for_what_turns_out_uncacheable() {
    let world = World::new();
    let node = world.node().await;
    for path in ["/1", "/2", "/3"] {
        world.origin.answers(path, |asked| match (asked.field("if-none-match"), asked.field("if-match")) {
            ("\"a\"", _) => Answer::new(304, "").field("etag", "\"a\""),
            (_, "\"old\"") => Answer::new(412, ""),
            _ => Answer::uncacheable("mine").field("etag", "\"a\""),
        });
    }
    for _ in 0..2 {
        let known = node.send(&Ask::get("/1").field("if-none-match", "\"a\"")).await;
        assert_eq!((known.status, known.field("etag")), (304, Some("\"a\"")));
        let guarded = node.send(&Ask::get("/2").field("if-match", "\"old\"")).await;
        assert_eq!(guarded.status, 412);
        let other = node.send(&Ask::get("/3").field("if-none-match", "\"b\"")).await;
        assert_eq!(other.says(), (200, "mine"));
    }
}

/// A part that cannot be completed keeps nobody from the whole.
#[tokio::test]
async fn an_origin_that_fails_for_ranges_is_asked_for_the_whole() {
    let world = World::new();
    let node = world.node().await;
    let body = film(160 << 10);
    let (came, length) = (body[..100 << 10].to_owned(), body.len());
    let head = format!("content-length: {length}\r\ncache-control: max-age=60\r\netag: \"a\"\r\n\r\n");
    for (path, refusal) in [("/error", Answer::new(500, "no ranges today")), ("/cut", Answer::bare(""))] {
        let (head, came, whole) = (head.clone(), came.clone(), body.clone());
        world.origin.answers(path, move |asked| match asked.nth {
            1 => Answer::bare(&format!("HTTP/1.1 200 OK\r\n{head}{came}")),
            _ if !asked.field("range").is_empty() => refusal.clone(),
            _ => Answer::cacheable(&whole).field("etag", "\"a\""),
        });
        let mut cut = node.open(&Ask::get(path)).await;
        assert_eq!(cut.rest().await, Err(BrokenOff));
        let got = node.get(path).await;
        assert!(got.status == 200 && got.body == body, "{path}: {} {} bytes", got.status, got.body.len());
    }
}

#[tokio::test]
async fn a_range_that_the_origin_does_not_have_is_said_so_and_nothing_else_changes() {
    let world = World::new();
    let node = world.node().await;
    world.origin.answers("/film", file(&film(64), "\"a\""));
    node.send(&range("/film", "bytes=-32")).await;
    let none = node.send(&range("/film", "bytes=9999999-")).await;
    assert_eq!((none.status, none.field("content-range")), (416, Some("bytes */64")));
    assert_eq!(node.send(&range("/film", "bytes=-32")).await.cache(), "hit; ttl=60");
    // No marker keeps others from joining.
    assert!(node.get("/film").await.cache().contains("stored"));
}

#[tokio::test]
async fn an_origin_without_ranges_gives_the_whole_and_the_range_is_cut_from_it() {
    let world = World::new();
    let node = world.node().await;
    world.origin.says("/film", Answer::cacheable("0123456789"));
    let end = node.send(&range("/film", "bytes=-4")).await;
    assert_eq!(end.says(), (206, "6789"));
    assert_eq!(end.cache(), "fwd=uri-miss; fwd-status=200; stored");
    assert_eq!(node.get("/film").await.cache(), "hit; ttl=60");
}

/// An origin whose `Content-Range` and body disagree is believed in neither.
#[tokio::test]
async fn a_part_that_is_not_as_long_as_it_says_goes_through_as_it_came() {
    let world = World::new();
    let node = world.node().await;
    let says = |place: &str, body: &str| {
        Answer::new(206, body)
            .field("content-range", place)
            .field("cache-control", "max-age=60")
            .field("etag", "\"a\"")
    };
    world.origin.says("/short", says("bytes 4-9/10", "01234"));
    let got = node.send(&range("/short", "bytes=-5")).await;
    assert_eq!((got.says(), got.field("content-range")), ((206, "01234"), Some("bytes 4-9/10")));
    world.origin.says("/long", says("bytes 4-9/10", "0123456"));
    let got = node.send(&range("/long", "bytes=-5")).await;
    assert_eq!(got.says(), (206, "0123456"));
    node.send(&range("/long", "bytes=4-5")).await;
    assert_eq!(world.origin.count("/long"), 2, "nothing of it is kept");
}

#[tokio::test]
async fn a_purge_takes_the_parts_as_well() {
    let world = World::new();
    let node = world.node().await;
    let body = film(64);
    world.origin.answers("/film", file(&body, "\"a\""));
    node.send(&range("/film", "bytes=-32")).await;
    node.purge(serde_json::json!({ "site": "shop", "urls": ["http://shop.example/film"] })).await;
    node.send(&range("/film", "bytes=-32")).await;
    assert_eq!(world.origin.count("/film"), 2);
}

#[tokio::test]
async fn a_part_goes_through_the_shield_and_stays_at_both() {
    let world = World::new();
    let (fra, nyc, _ams) = world.edges_and_shield().await;
    let body = film(64);
    world.origin.answers("/film", file(&body, "\"a\""));
    for node in [&fra, &nyc] {
        assert_eq!(node.send(&range("/film", "bytes=-32")).await.says(), (206, &body[32..]));
        assert_eq!(node.send(&range("/film", "bytes=-32")).await.cache(), "hit; ttl=60");
    }
    assert_eq!(world.origin.count("/film"), 1);
}

#[tokio::test]
async fn if_range_decides_between_the_part_and_the_whole() {
    let world = World::new();
    let node = world.node().await;
    let body = film(64);
    world.origin.answers("/film", file(&body, "\"a\""));
    node.send(&range("/film", "bytes=-32")).await;
    let same = node.send(&range("/film", "bytes=-16").field("if-range", "\"a\"")).await;
    assert_eq!((same.says(), same.cache().as_str()), ((206, &body[48..]), "hit; ttl=60"));
    let other = node.send(&range("/film", "bytes=-16").field("if-range", "\"b\"")).await;
    assert_eq!(other.says(), (200, body.as_str()), "the client's copy is of another representation");
}
