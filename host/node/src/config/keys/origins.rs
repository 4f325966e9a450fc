//! The keys of `[[origins]]` and of the tables within.

use super::{Change, Key, Kind, Table, Without};

pub(in crate::config) const ORIGIN: Table = table! { "[[origins]]":
    /// What sites call it.
    name: Kind::Name, Without::Needed, Live, "\"shop\"";
    /// 1 to 64 of `http://host:port` or `https://host`, without a path; or tables, where one has a weight or is a
    /// backup.
    servers: Kind::TextsOrTables(&SERVER), Without::Says("needed, unless there is a `function`"), Live, "[\"https://a.origin.example\"]";
    /// The [handler](FUNCTIONS.md#handlers) that answers in place of servers. Then there is no other key.
    function: Kind::Name, Without::Nothing, Live, "\"page\"";
    /// How long a server may take to accept a connection, TLS included.
    connect_timeout: Kind::Duration, Without::Is("\"4s\""), Live, "\"3s\"";
    /// How long from sending to the response's head; starts anew while a client's body moves or is waited for, and not
    /// with interim responses.
    first_byte_timeout: Kind::Duration, Without::Is("\"30s\""), Live, "\"15s\"";
    /// How long between two pieces of a body.
    between_bytes_timeout: Kind::Duration, Without::Is("\"30s\""), Live, "\"10s\"";
    /// The `Host` that its servers see.
    host_header: Kind::Text, Without::Says("the client's"), Live, "\"origin.example\"";
    /// How a server is chosen. See [balance](OPERATING.md#origins).
    balance: Kind::Words(&["round-robin", "least-requests", "p2c-latency", "hash"]), Without::Is("\"round-robin\""), Live, "\"least-requests\"";
    /// How long one try may take, up to the response's head; a client's upload counts.
    try_timeout: Kind::Duration, Without::Nothing, Live, "\"5s\"";
    /// How long all tries together may take, the wait in the queue included.
    timeout: Kind::Duration, Without::Nothing, Live, "\"20s\"";
    /// Where every server is out: ask the least bad one anyway, or answer 503 at once.
    when_all_out: Kind::Words(&["try", "fail"]), Without::Is("\"try\""), Live, "\"fail\"";
    /// Most requests under way at one server, bodies included.
    max_connections: Kind::Count("requests"), Without::Nothing, Live, "200";
    /// Most requests under way at all of them.
    max_fetches: Kind::Count("requests"), Without::Nothing, Live, "500";
    /// Most requests that wait for a free server.
    queue: Kind::Count("requests"), Without::Is("100"), Live, "100";
    /// How long each waits.
    queue_timeout: Kind::Duration, Without::Is("\"1s\""), Live, "\"1s\"";
    /// Another origin, asked where no server of this one can be; it has no backup itself.
    backup: Kind::Name, Without::Nothing, Live, "\"shop-backup\"";
    /// HTTP/2: over TLS where the server agrees, else HTTP/1.1; without TLS by prior knowledge.
    http2: Kind::Flag, Without::Is("false"), Live, "true";
    /// The name that certificates must have, and that the server is told.
    sni: Kind::Text, Without::Says("the server's host"), Live, "\"origin.example\"";
    /// The only authorities that are believed, in PEM. Read anew by a reload.
    ca_file: Kind::Path, Without::Says("the machine's authorities"), Live, "\"origin-ca.pem\"";
    /// What is shown to servers that ask, in PEM. Read anew by a reload.
    client_cert: Kind::Path, Without::Nothing, Live, "\"client.pem\"";
    /// Its key, in PEM.
    client_key: Kind::Path, Without::Nothing, Live, "\"client.key\"";
    /// Active checks of every server.
    health: Kind::Table(&HEALTH), Without::Says("no checks"), Live, "{ path = \"/healthz\" }";
    /// When a server is left alone, and for how long.
    eject: Kind::Table(&EJECT), Without::Says("its keys' defaults"), Live, "{ failures = 5, share = 50 }";
    /// How much is asked again.
    retry: Kind::Table(&RETRY), Without::Says("its keys' defaults"), Live, "{ percent = 20 }";
};

pub(in crate::config) const SERVER: Table = table! { "[[origins.servers]]":
    /// `http://host:port` or `https://host`, without a path.
    url: Kind::Text, Without::Needed, Live, "\"https://a.origin.example\"";
    /// Its share of the requests, relative to the others'; 1 to 1000.
    weight: Kind::Count("shares"), Without::Is("1"), Live, "2";
    /// Ask it only where no other server can be.
    backup: Kind::Flag, Without::Is("false"), Live, "true";
};

pub(in crate::config) const HEALTH: Table = table! { "[origins.health]":
    /// What is asked for, with GET.
    path: Kind::Text, Without::Needed, Live, "\"/healthz\"";
    /// From one check to the next.
    interval: Kind::Duration, Without::Is("\"5s\""), Live, "\"5s\"";
    /// How long one may take.
    timeout: Kind::Duration, Without::Is("\"2s\""), Live, "\"2s\"";
    /// What a server that is well answers with.
    status: Kind::Text, Without::Is("\"200-399\""), Live, "\"200-399\"";
    /// So many good answers in a row bring a server back.
    rise: Kind::Count("answers"), Without::Is("2"), Live, "2";
    /// So many bad ones in a row take it out.
    fall: Kind::Count("answers"), Without::Is("2"), Live, "2";
    /// The `Host` of the checks.
    host: Kind::Text, Without::Says("`host_header`, else the server's own"), Live, "\"origin.example\"";
};

pub(in crate::config) const EJECT: Table = table! { "[origins.eject]":
    /// So many failures in a row open a server's circuit.
    failures: Kind::Count("failures"), Without::Is("5"), Live, "5";
    /// How long it is left alone the first time; each time after that twice as long.
    base: Kind::Duration, Without::Is("\"1s\""), Live, "\"1s\"";
    /// How long at most.
    max: Kind::Duration, Without::Is("\"30s\""), Live, "\"30s\"";
    /// Most servers that are out at once; one always may be.
    share: Kind::Count("percent"), Without::Is("50"), Live, "50";
    /// Most requests at a time that try a server whose time is up.
    probes: Kind::Count("requests"), Without::Is("1"), Live, "1";
};

pub(in crate::config) const RETRY: Table = table! { "[origins.retry]":
    /// Of the requests, so many may be sent again.
    percent: Kind::Count("percent"), Without::Is("20"), Live, "20";
    /// And so many a second besides.
    min_per_second: Kind::Count("retries a second"), Without::Is("10"), Live, "10";
    /// Most tries of one request.
    tries: Kind::Count("tries"), Without::Says("every server once"), Live, "3";
};
