//! What is said about mistakes, and that all of them are said at once.

use super::{LEAST, problems};

#[test]
fn five_mistakes_are_five_problems_each_at_its_place() {
    let text = r#"[node]
name = "fra-1"
threads = "four"

[cache]
memory = 2

[[origins]]
name = "shop"
servers = ["http://127.0.0.1:3000/app"]

[[sites]]
name = "shop"
hosts = ["*"]
orgin = "shop"

[[sites]]
name = "blog"
hosts = ["blog.example"]
origin = "shpo"
"#;
    assert_eq!(
        problems(text),
        [
            "3:11: [node] `threads` must be a whole number, and this is a string. Write `threads = 4`.",
            "6:10: [cache] `memory` must be a string, and this is a number. Write `memory = \"2GiB\"`.",
            "10:12: [[origins]] `servers`: `http://127.0.0.1:3000/app` is more than a server: requests keep their own path. Write `http://127.0.0.1:3000`.",
            "15:1: [[sites]] `orgin` is not a key here. Did you mean `origin`?",
            "20:10: [[sites]] `origin`: `shpo` is not an origin here. Did you mean `shop`?",
        ]
    );
}

#[test]
fn a_problem_prints_with_its_file() {
    let text = format!("{LEAST}colour = 1\n");
    let said = super::Config::from_toml(&text, std::path::Path::new("seawall.toml")).unwrap_err().to_string();
    assert!(
        said.starts_with("seawall.toml:10:1: [[sites]] `colour` is not a key here. Keys here: `name`, "),
        "{said}"
    );
}

/// Appended to the least config, each of these is exactly one problem, with these words.
const ONE_MISTAKE: &[(&str, &str)] = &[
    // Unknown keys, wherever they stand.
    ("[nod]\n", "11:2: `nod` is not a table of this file. Did you mean `[node]`?"),
    ("[what]\n", "11:2: `what` is not a table of this file. Tables here: `[node]`,"),
    ("[cache]\nlisten = 1", "12:1: [cache] `listen` is not a key here. It belongs in [admin]."),
    (
        "[admin]\ntokens = [{name='a', role='read', secret='0123456789abcdef', x=1}]",
        "[[admin.tokens]] `x` is not",
    ),
    // Names.
    ("[node]\nname = 'Fra'", "12:8: [node] `name`: `Fra` is not a name: use lower-case"),
    ("[[origins]]\nname = 'shop'\nservers = ['http://b']", "`shop` is taken by an origin on line 3 already"),
    ("[[origins]]\nservers = ['http://b']", "11:1: [[origins]] `name` is missing. Write `name = \"shop\"`"),
    ("[[origins]]\nname = 'b'", "[[origins]] `servers` is missing. Write `servers = [\"https://"),
    ("[[origins]]\nname = 'b'\nservers = []", "13:11: [[origins]] `servers` is empty."),
    // Addresses.
    (
        "[listen]\nhttp = [':80']",
        "12:9: [listen] `http`: `:80` is not an address to listen on. Write an IP address and a port, such as `0.0.0.0:80`.",
    ),
    ("[listen]\nhttp = ['localhost:81']", "such as `127.0.0.1:81`"),
    ("[listen]\nhttp = ['10.0.0.1']", "such as `10.0.0.1:8080`"),
    ("[listen]\nhttp = ['127.0.0.1:9090']", "is taken by admin.listen (its default) already"),
    ("[admin]\nlisten = '127.0.0.1:8080'", "is taken by listen.http (its default) already"),
    // Sizes and durations.
    ("[cache]\nmemory = '2gb'", "12:10: [cache] `memory`: `2gb` has no unit that is known. Write `2GiB`."),
    ("[cache]\nmemory = '1KiB'", "is too little to hold anything. Write at least `1MiB`"),
    ("[cache]\nmax_object = '1GiB'", "`max_object` (1GiB) is more than all of `memory` (256MiB)"),
    ("[cluster]\nmax_lag = '5'", "Write `5s`"),
    ("[listen]\nbody_timeout = '0s'", "leaves no time at all"),
    ("[cluster]\nmax_lag = '0s'", "leaves no time at all"),
    ("[node]\nthreads = 0", "0 threads cannot be started. Write a number from 1 to 1024"),
    ("[node]\nthreads = -1", "must be a whole number, and this is a negative number"),
    ("[node]\nthreads = 1.5", "this is a number with a fraction"),
    // Secrets.
    ("[node]\nname = 'a'\n[cluster]\nsecret = 'short'", "[cluster] `secret`: has fewer than 16 bytes"),
    ("[node]\nname = 'a'\n[cluster]\nsecret_file = 'none'", "`secret_file`: `"),
    ("[admin]\ntokens = [{name='a', role='read'}]", "12:11: [[admin.tokens]] `secret_file` is missing"),
    (
        "[admin]\ntokens = [{name='a', role='raed', secret='0123456789abcdef'}]",
        "Did you mean `read`? It is one of `read`, `write`",
    ),
    (
        "[admin]\ntokens = [{name='a', role='read', secret='0123456789abcdef', secret_file='x'}]",
        "has both `secret` and `secret_file`",
    ),
    (
        "[admin]\ntokens = [{name='a', role='read', secret='0123456789abcdef'},{name='b', role='read', secret='0123456789abcdef'}]",
        "has the same secret as `a`",
    ),
    // Functions.
    ("[[functions]]\nname = 'f'\nfile = 'g.wasm'", "13:8: [[functions]] `file`: `"),
    (
        "[[functions]]\nname = 'f'\nfile = 'f.wasm'\nconfig = {a = 1}",
        "14:15: [[functions]] `config` must be a table of strings, and this is a number",
    ),
    // Sites.
    (
        "[[sites]]\nname = 'b'\nhosts = ['*']\norigin = 'shop'",
        "13:10: [[sites]] `*` is taken by a site on line 8 already",
    ),
    (
        "[[sites]]\nname = 'b'\nhosts = ['b', 'B']\norigin = 'shop'",
        "`b` is taken by a site on line 13 already",
    ),
    (
        "[[sites]]\nname = 'b'\nhosts = ['https://b/']\norigin = 'shop'",
        "`https://b/` is more than a host. Write `b`.",
    ),
    (
        "[[sites]]\nname = 'b'\nhosts = 'b'\norigin = 'shop'",
        "`hosts` must be a list of strings, and this is a string. Write `hosts = [\"shop.example\"]`",
    ),
    (
        "[[sites]]\nname = 'b'\nhosts = ['b']\norigin = 'other'",
        "`other` is not an origin here. There are: `shop`.",
    ),
    (
        "[[sites]]\nname = 'b'\nhosts = ['b']\norigin = 'shop'\nfunctions = ['f']",
        "There is none: add a [[functions]] table with `name = \"f\"`.",
    ),
    (
        "[[sites]]\nname = 'b'\nhosts = ['b']\norigin = 'shop'\nwhen_cut_off = 'server'",
        "Did you mean `serve`?",
    ),
    // NATS. The node has a name, as a node among others must.
    (
        "[node]\nname = 'a'\n[cluster]\nnats = []",
        "`nats` is empty. Write `nats = [\"nats://10.0.0.5:4222\"]`.",
    ),
    (
        "[node]\nname = 'a'\n[cluster]\nnats = ['ws://a']",
        "14:9: [cluster] `nats`: `ws://` is not spoken here.",
    ),
    ("[node]\nname = 'a'\n[cluster]\nnats = ['nats://me:hunter2@a']", "Write `user` and `password_file`."),
    ("[node]\nname = 'a'\n[cluster]\nnats = ['a']\nreplicas = 2", "Write 1, 3 or 5: `replicas = 3`."),
    ("[node]\nname = 'a'\n[cluster]\nnats = ['a']\nretention = '5s'", "Write at least `1m`."),
    ("[node]\nname = 'a'\n[cluster]\nnats = ['a']\nmax_bytes = '1MiB'", "Write at least `16MiB`."),
    ("[node]\nname = 'a'\n[cluster]\nnats = ['a']\nname = 'My Shop'", "`name`: `My Shop` is not a name"),
    ("[node]\nname = 'a'\n[cluster]\nnats = ['a']\nuser = 'me'", "`user` needs `password_file` beside it."),
    ("[node]\nname = 'a'\n[cluster]\nnats = ['a']\ntls_key = 'k'", "`tls_key` needs `tls_cert` beside it."),
    (
        "[node]\nname = 'a'\n[cluster]\nnats = ['a']\ncredentials = 'c'\ntoken_file = 'ops.token'",
        "has both `credentials` and `token_file`.",
    ),
    ("[node]\nname = 'a'\n[cluster]\nnats = ['a']\ntoken_file = 'none'", "cannot be read:"),
    ("[node]\nname = 'a'\n[cluster]\nnats = ['a']\nadvertise = '0.0.0.0:7'", "tells other machines nothing."),
    (
        "[node]\nname = 'a'\n[listen]\npeers = '0.0.0.0:7000'\n[cluster]\nsecret_file = 'ops.token'\nnats = ['a']",
        "Write `advertise = \"10.0.0.1:7000\"` with this machine's own.",
    ),
    ("[cluster]\nreplicas = 3", "`replicas` is about NATS, and no server is named."),
    ("[cluster]\nnats = ['a']", "a node among others needs its own."),
    // TOML itself.
    ("[node]\nname = fra-1", "12:8: `fra-1` needs quotes. Write `\"fra-1\"`."),
    ("[node]\nthreads = 1\nthreads = 2", "13:1: `threads` is here for the second time. Leave one."),
    ("[node]\nthreads = [1\nname = 'a'", "this is not TOML:"),
    ("[node\nname = 'a'", "this is not TOML:"),
];

#[test]
fn one_mistake_is_one_problem() {
    for (text, words) in ONE_MISTAKE {
        let told = problems(&format!("{LEAST}\n{text}"));
        assert!(told.len() == 1 && told[0].contains(words), "{text}\nwanted {words}\ngot {told:#?}");
    }
}

#[test]
fn one_mistake_does_not_echo() {
    // Each of these could be reported a second time where something refers to what is wrong.
    for (text, words) in [
        (
            "[[origins]]\nname = 'Shop'\nservers = ['http://a']\n[[sites]]\nname = 'a'\nhosts = ['*']\norigin = 'Shop'",
            "is not a name",
        ),
        (
            "[[origin]]\nname = 'a'\nservers = ['http://a']\n[[sites]]\nname = 'a'\nhosts = ['*']\norigin = 'a'",
            "`[[origins]]`?",
        ),
        (
            "[origins]\nname = 'a'\n[[sites]]\nname = 'a'\nhosts = ['*']\norigin = 'a'",
            "must be a list of tables, and this is a table. Write `[[origins]]`",
        ),
        (
            "[[origins]]\nname = 1\nservers = ['http://a']\n[[sites]]\nname = 'a'\nhosts = ['*']\norigin = 'a'",
            "`name` must be a string",
        ),
        ("[[site]]\nname = 'a'", "Did you mean `[[sites]]`?"),
        ("", "has no site"),
    ] {
        let told = problems(text);
        assert!(told.len() == 1 && told[0].contains(words), "{text}\nwanted {words}\ngot {told:#?}");
    }
}

#[test]
fn a_node_among_others_needs_a_name_and_a_secret() {
    let told = problems(&format!("{LEAST}\n[listen]\npeers = '10.0.0.1:7000'"));
    assert_eq!(told.len(), 2, "{told:#?}");
    assert!(
        told[0].starts_with("12:9: [cluster] has no secret, and `peers` in [listen] needs one"),
        "{told:#?}"
    );
    assert!(told[1].starts_with("12:9: [node] `name` is missing"), "{told:#?}");
}

#[test]
fn columns_count_characters_and_a_byte_order_mark_is_none() {
    let told = problems("\u{feff}colour = 1\n\"größe\" = { x = 1 }\r\nnode = { \"é\" = 1 }\n");
    for place in ["1:1: `colour`", "2:1: `größe`", "3:10: [node] `é`"] {
        assert!(told.iter().any(|line| line.starts_with(place)), "{place}: {told:#?}");
    }
}
