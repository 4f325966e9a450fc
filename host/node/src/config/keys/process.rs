//! The keys of the process: `[node]`, `[listen]`, `[cache]`, `[admin]`, `[log]`.

use super::{Change, Key, Kind, Table, Without};

pub(in crate::config) const NODE: Table = table! { "[node]":
    /// This node's name, unlike every other node's: in `Cache-Status`, `Via` and `CDN-Loop` (as `seawall-NAME`). Must be
    /// written where the node is one of several.
    name: Kind::Name, Without::Is("\"seawall\""), Restart, "\"fra-1\"";
    /// Where it is.
    region: Kind::Name, Without::Is("\"local\""), Restart, "\"fra\"";
    /// Where it keeps the control log, the admin token and deployed functions. One process at a time.
    data_dir: Kind::Path, Without::Says("`$XDG_STATE_HOME/seawall`, else `~/.local/state/seawall`, else `./seawall-data`"), Restart, "\"/var/lib/seawall\"";
    /// Workers, 1 to 1024, each with its own listeners. The control thread is one more.
    threads: Kind::Count("threads"), Without::Says("one per core"), Restart, "4";
    /// Reload when this file changes: its time and size are looked at every second, and it is read once they have been
    /// the same twice. Files that it names are not watched.
    watch_config: Kind::Flag, Without::Is("false"), Live, "true";
};

pub(in crate::config) const LISTEN: Table = table! { "[listen]":
    /// Where clients connect in plain HTTP: at least one address.
    http: Kind::Addresses, Without::Says("`[\"127.0.0.1:8080\"]`, or none where there is `https`"), Restart, "[\"0.0.0.0:80\"]";
    /// Where clients connect over TLS; needs `[[certificates]]`.
    https: Kind::Addresses, Without::Nothing, Restart, "[\"0.0.0.0:443\"]";
    /// Where other nodes ask, in plain HTTP; needs a cluster secret.
    peers: Kind::Address, Without::Nothing, Restart, "\"10.0.0.1:7000\"";
    /// The oldest TLS that is spoken.
    tls_min: Kind::Words(&["1.2", "1.3"]), Without::Is("\"1.2\""), Restart, "\"1.3\"";
    /// Refuse clients that name no host, or one that no certificate has.
    strict_sni: Kind::Flag, Without::Is("false"), Restart, "true";
    /// Networks of proxies whose word on a request's client and scheme is taken. See [behind
    /// others](OPERATING.md#behind-others).
    trusted: Kind::Texts, Without::Nothing, Live, "[\"10.0.0.0/8\"]";
    /// Which fields they write: `X-Forwarded-*`, or that of RFC 7239.
    forwarded_by: Kind::Words(&["x-forwarded", "forwarded"]), Without::Is("\"x-forwarded\""), Live, "\"forwarded\"";
    /// Networks of load balancers whose connections begin with a header of the PROXY protocol.
    proxy_protocol: Kind::Texts, Without::Nothing, Live, "[\"10.0.0.5\"]";
    /// Whether sites answer 308 to what came over `http`, but for `/.well-known/acme-challenge/`.
    redirect_to_https: Kind::Flag, Without::Is("false"), Live, "true";
    /// How long a client may leave between two pieces of a request's body; then it gets a 408.
    body_timeout: Kind::Duration, Without::Is("\"30s\""), Live, "\"30s\"";
    /// Of clients, on all listeners; the next is closed at once.
    max_connections: Kind::Count("connections"), Without::Is("32768"), Restart, "32768";
    /// Of one IPv4 address or one IPv6 /64.
    max_connections_per_client: Kind::Count("connections"), Without::Is("1024"), Restart, "1024";
    /// TLS handshakes under way; with one more the oldest is cut.
    max_handshakes: Kind::Count("handshakes"), Without::Is("1024"), Restart, "1024";
    /// Requests at once on one HTTP/2 connection. For new connections.
    max_streams: Kind::Count("requests"), Without::Is("128"), Live, "128";
    /// For a TLS handshake.
    handshake_timeout: Kind::Duration, Without::Is("\"10s\""), Restart, "\"10s\"";
    /// For a request's head, and for a new connection to begin one. This and the next two: for new connections.
    head_timeout: Kind::Duration, Without::Is("\"15s\""), Live, "\"15s\"";
    /// From a response to the next request.
    idle_timeout: Kind::Duration, Without::Is("\"60s\""), Live, "\"60s\"";
    /// While a client takes nothing of what waits for it.
    stall_timeout: Kind::Duration, Without::Is("\"30s\""), Live, "\"30s\"";
    /// For one request, from its head to the last byte of its response.
    total_timeout: Kind::Duration, Without::Is("\"1h\""), Live, "\"1h\"";
    /// For a WebSocket, or another connection that has left HTTP, to carry nothing.
    tunnel_timeout: Kind::Duration, Without::Is("\"2m\""), Live, "\"2m\"";
    /// Longest target of a request, at most 256 KiB; a longer one gets a 414. This and the next three: see
    /// [limits](OPERATING.md#limits).
    max_uri: Kind::Size, Without::Is("\"8KiB\""), Live, "\"8KiB\"";
    /// Most fields of a request, at most 1000; more get a 431.
    max_headers: Kind::Count("fields"), Without::Is("100"), Live, "100";
    /// Longest field of a request, its name and its value, at most 256 KiB; a longer one gets a 431.
    max_header_line: Kind::Size, Without::Is("\"16KiB\""), Live, "\"16KiB\"";
    /// Most bytes of all fields of a request, four more for each, at most 256 KiB; more get a 431.
    max_header_bytes: Kind::Size, Without::Is("\"32KiB\""), Live, "\"32KiB\"";
};

pub(in crate::config) const CERTIFICATE: Table = table! { "[[certificates]]":
    /// The certificate in PEM, with its chain behind it. Read anew when it changes, too.
    cert: Kind::Path, Without::Needed, Live, "\"shop.pem\"";
    /// Its key in PEM.
    key: Kind::Path, Without::Needed, Live, "\"shop.key\"";
};

pub(in crate::config) const CACHE: Table = table! { "[cache]":
    /// For all stored responses together; at least `1MiB`. [Limits](OPERATING.md#limits) says what is counted.
    memory: Kind::Size, Without::Is("\"256MiB\""), Restart, "\"2GiB\"";
    /// Largest body that is stored; at most `memory`. A larger one passes through.
    max_object: Kind::Size, Without::Says("`\"64MiB\"`, or `memory` if that is less"), Restart, "\"64MiB\"";
};

pub(in crate::config) const ADMIN: Table = table! { "[admin]":
    /// Where the admin API is.
    listen: Kind::Address, Without::Is("\"127.0.0.1:9090\""), Restart, "\"127.0.0.1:9090\"";
    /// Who may use it. See [tokens](OPERATING.md#tokens).
    tokens: Kind::Tables(&TOKEN), Without::Says("`$SEAWALL_ADMIN_TOKEN`, else one is made in `data_dir`"), Live, "[{ name = \"ops\", role = \"write\", secret_file = \"ops.token\" }]";
    /// Which purges need `"confirm": true`. See [confirming](OPERATING.md#admin-api).
    purge_confirm: Kind::Table(&PURGE_CONFIRM), Without::Nothing, Live, "{ objects = 100000, hits_percent = 25 }";
};

pub(in crate::config) const PURGE_CONFIRM: Table = table! { "[admin.purge_confirm]":
    /// Those that would match more on any one node.
    objects: Kind::Count("stored responses"), Without::Nothing, Live, "100000";
    /// Those that would take a larger share of any node's recent hits: 0 to 100.
    hits_percent: Kind::Count("percent"), Without::Nothing, Live, "25";
};

pub(in crate::config) const TOKEN: Table = table! { "[[admin.tokens]]":
    /// Who: stands in every line about what was done with it. At most 63 bytes.
    name: Kind::Text, Without::Needed, Live, "\"ops\"";
    /// Whether its bearer may change something.
    role: Kind::Words(&["read", "write"]), Without::Needed, Live, "\"write\"";
    /// The sites that it may purge. With it, its bearer may do nothing else but look at their purges and at the nodes.
    sites: Kind::Texts, Without::Says("all, and everything else"), Live, "[\"shop\"]";
    /// The token. This or `secret_file` must be there.
    secret: Kind::Secret, Without::Nothing, Live, "\"<output of openssl rand -hex 32>\"";
    /// A file that holds it, and nothing else.
    secret_file: Kind::Path, Without::Nothing, Live, "\"ops.token\"";
};

pub(in crate::config) const LOG: Table = table! { "[log]":
    /// How much is said. `SEAWALL_LOG` overrides it, with a filter such as `info,access=off`.
    level: Kind::Words(&["error", "warn", "info", "debug", "trace"]), Without::Is("\"info\""), Live, "\"info\"";
    /// Which requests get a [line](OPERATING.md#log) of their own.
    access: Kind::Words(&["off", "errors", "all"]), Without::Says("`\"errors\"`; `\"all\"` where `access_to` is set"), Live, "\"all\"";
    /// Where the lines of requests go: `"log"` among all others, `"stdout"`, or the path of a file, as JSON. See
    /// [access log](OPERATING.md#access-log).
    access_to: Kind::Path, Without::Is("\"log\""), Restart, "\"./access.log\"";
    /// The share of the requests that are written; what failed always is.
    access_sample: Kind::Share, Without::Says("all"), Live, "0.1";
    /// Whether paths are written with their query.
    access_query: Kind::Flag, Without::Is("true"), Live, "false";
    /// For machines or for people.
    format: Kind::Words(&["json", "text"]), Without::Is("\"text\""), Restart, "\"json\"";
};

pub(in crate::config) const TELEMETRY: Table = table! { "[telemetry]":
    /// An OpenTelemetry collector, which spans are sent to by OTLP in plain HTTP. Without it nothing is traced.
    otlp: Kind::Text, Without::Nothing, Restart, "\"http://127.0.0.1:4318\"";
    /// The share of clients' requests that begin a trace.
    sample: Kind::Share, Without::Is("0.01"), Restart, "0.01";
    /// Whether a client's `traceparent` is continued, and sampled as it says. Others' is linked to.
    trust_clients: Kind::Flag, Without::Is("false"), Restart, "true";
};
