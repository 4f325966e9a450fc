//! Every table and key that a config file may have, each with a value one could write there.
//!
//! Owns the words of the file: unknown keys are told from known ones here, and every message that says what to write
//! takes its example from here. Refuses to know what a value means; `raw` reads it and the typed tables check it.

/// One key and an example of its value, as TOML.
pub(super) struct Key {
    pub(super) name: &'static str,
    pub(super) example: &'static str,
}

/// One table of the file.
pub(super) struct Table {
    /// The header as people write it; empty for the file itself.
    pub(super) label: &'static str,
    pub(super) keys: &'static [Key],
}

impl Table {
    pub(super) fn example(&self, name: &str) -> &'static str {
        self.keys.iter().find(|key| key.name == name).map_or("...", |key| key.example)
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &'static str> {
        self.keys.iter().map(|key| key.name)
    }
}

const fn key(name: &'static str, example: &'static str) -> Key {
    Key { name, example }
}

/// The file itself. The examples are headers: nothing but tables stands at the top.
pub(super) const FILE: Table = Table {
    label: "",
    keys: &[
        key("node", "[node]"),
        key("listen", "[listen]"),
        key("certificates", "[[certificates]]"),
        key("cache", "[cache]"),
        key("admin", "[admin]"),
        key("cluster", "[cluster]"),
        key("origins", "[[origins]]"),
        key("functions", "[[functions]]"),
        key("sites", "[[sites]]"),
        key("log", "[log]"),
    ],
};

pub(super) const NODE: Table = Table {
    label: "[node]",
    keys: &[
        key("name", "\"fra-1\""),
        key("region", "\"fra\""),
        key("data_dir", "\"/var/lib/seawall\""),
        key("threads", "4"),
    ],
};

pub(super) const LISTEN: Table = Table {
    label: "[listen]",
    keys: &[
        key("http", "[\"0.0.0.0:80\"]"),
        key("https", "[\"0.0.0.0:443\"]"),
        key("peers", "\"10.0.0.1:7000\""),
        key("tls_min", "\"1.3\""),
        key("strict_sni", "true"),
        key("body_timeout", "\"30s\""),
        key("max_connections", "32768"),
        key("max_connections_per_client", "1024"),
        key("max_handshakes", "1024"),
        key("max_streams", "128"),
        key("handshake_timeout", "\"10s\""),
        key("head_timeout", "\"15s\""),
        key("idle_timeout", "\"60s\""),
        key("stall_timeout", "\"30s\""),
        key("total_timeout", "\"1h\""),
    ],
};

pub(super) const CERTIFICATE: Table =
    Table { label: "[[certificates]]", keys: &[key("cert", "\"shop.pem\""), key("key", "\"shop.key\"")] };

pub(super) const CACHE: Table =
    Table { label: "[cache]", keys: &[key("memory", "\"2GiB\""), key("max_object", "\"64MiB\"")] };

pub(super) const ADMIN: Table = Table {
    label: "[admin]",
    keys: &[
        key("listen", "\"127.0.0.1:9090\""),
        key("tokens", "[{ name = \"ops\", role = \"write\", secret_file = \"ops.token\" }]"),
    ],
};

pub(super) const TOKEN: Table = Table {
    label: "[[admin.tokens]]",
    keys: &[
        key("name", "\"ops\""),
        key("role", "\"write\""),
        key("secret", "\"<output of openssl rand -hex 32>\""),
        key("secret_file", "\"ops.token\""),
    ],
};

pub(super) const CLUSTER: Table = Table {
    label: "[cluster]",
    keys: &[
        key("secret", "\"<output of openssl rand -hex 32>\""),
        key("secret_file", "\"cluster.secret\""),
        key("max_lag", "\"5s\""),
        key("nats", "[\"nats://10.0.0.5:4222\"]"),
        key("name", "\"seawall\""),
        key("domain", "\"hub\""),
        key("advertise", "\"10.0.0.1:7000\""),
        key("replicas", "3"),
        key("retention", "\"7d\""),
        key("max_bytes", "\"512MiB\""),
        key("credentials", "\"node.creds\""),
        key("nkey_file", "\"node.nk\""),
        key("token_file", "\"nats.token\""),
        key("user", "\"edge\""),
        key("password_file", "\"nats.password\""),
        key("tls_ca", "\"ca.pem\""),
        key("tls_cert", "\"node.pem\""),
        key("tls_key", "\"node.key\""),
    ],
};

pub(super) const ORIGIN: Table = Table {
    label: "[[origins]]",
    keys: &[
        key("name", "\"shop\""),
        key("servers", "[\"https://a.origin.example\"]"),
        key("connect_timeout", "\"3s\""),
        key("first_byte_timeout", "\"15s\""),
        key("between_bytes_timeout", "\"10s\""),
        key("host_header", "\"origin.example\""),
        key("balance", "\"least-requests\""),
        key("try_timeout", "\"5s\""),
        key("timeout", "\"20s\""),
        key("when_all_out", "\"fail\""),
        key("max_connections", "200"),
        key("max_fetches", "500"),
        key("queue", "100"),
        key("queue_timeout", "\"1s\""),
        key("backup", "\"shop-backup\""),
        key("http2", "true"),
        key("sni", "\"origin.example\""),
        key("ca_file", "\"origin-ca.pem\""),
        key("client_cert", "\"client.pem\""),
        key("client_key", "\"client.key\""),
        key("health", "{ path = \"/healthz\" }"),
        key("eject", "{ failures = 5, share = 50 }"),
        key("retry", "{ percent = 20 }"),
    ],
};

pub(super) const SERVER: Table = Table {
    label: "[[origins.servers]]",
    keys: &[key("url", "\"https://a.origin.example\""), key("weight", "2"), key("backup", "true")],
};

pub(super) const HEALTH: Table = Table {
    label: "[origins.health]",
    keys: &[
        key("path", "\"/healthz\""),
        key("interval", "\"5s\""),
        key("timeout", "\"2s\""),
        key("status", "\"200-399\""),
        key("rise", "2"),
        key("fall", "2"),
        key("host", "\"origin.example\""),
    ],
};

pub(super) const EJECT: Table = Table {
    label: "[origins.eject]",
    keys: &[
        key("failures", "5"),
        key("base", "\"1s\""),
        key("max", "\"30s\""),
        key("share", "50"),
        key("probes", "1"),
    ],
};

pub(super) const RETRY: Table = Table {
    label: "[origins.retry]",
    keys: &[key("percent", "20"), key("min_per_second", "10"), key("tries", "3")],
};

pub(super) const FUNCTION: Table = Table {
    label: "[[functions]]",
    keys: &[
        key("name", "\"shop-front\""),
        key("file", "\"shop_front.wasm\""),
        key("config", "{ greeting = \"hello\" }"),
        key("grants", "[\"store-private\"]"),
        key("on_error", "{ on-response = \"fail-closed\" }"),
    ],
};

pub(super) const SITE: Table = Table {
    label: "[[sites]]",
    keys: &[
        key("name", "\"shop\""),
        key("hosts", "[\"shop.example\"]"),
        key("origin", "\"shop\""),
        key("functions", "[\"shop-front\"]"),
        key("shield", "\"ams\""),
        key("when_cut_off", "\"revalidate\""),
        key("default_ttl", "\"2m\""),
        key("stale_while_revalidate", "\"30s\""),
        key("stale_if_error", "\"1h\""),
        key("negative_ttl", "\"10s\""),
        key("error_page", "{ default = \"error.html\" }"),
        key("heuristics", "false"),
        key("stale_when_disconnected", "\"1h\""),
        key("no_store", "\"strict\""),
        key("request_no_store", "false"),
        key("request_directives", "false"),
        key("store_set_cookie", "false"),
        key("strip_set_cookie", "false"),
        key("store_post", "false"),
        key("strip_request_cookies", "[\"_ga*\"]"),
        key("debug_key", "true"),
        key("query", "{ ignore = [\"utm_*\", \"gclid\"], sort = true }"),
        key("key", "{ headers = [\"x-device\"], cookies = [\"currency\"] }"),
        key("normalise", "{ accept_language = [\"en\", \"de\"] }"),
        key("rules", "[{ paths = [\"/assets/*\"], ttl = \"1d\" }]"),
    ],
};

pub(super) const QUERY: Table = Table {
    label: "[sites.query]",
    keys: &[key("ignore", "[\"utm_*\", \"gclid\"]"), key("keep", "[\"id\", \"page\"]"), key("sort", "true")],
};

pub(super) const KEY: Table = Table {
    label: "[sites.key]",
    keys: &[key("headers", "[\"x-device\"]"), key("cookies", "[\"currency\"]")],
};

pub(super) const NORMALISE: Table = Table {
    label: "[sites.normalise]",
    keys: &[key("accept_encoding", "true"), key("accept_language", "[\"en\", \"de\"]")],
};

pub(super) const RULE: Table = Table {
    label: "[[sites.rules]]",
    keys: &[
        key("paths", "[\"/assets/*\"]"),
        key("statuses", "[\"404\", \"5xx\"]"),
        key("ttl", "\"1d\""),
        key("override", "true"),
        key("stale_while_revalidate", "\"30s\""),
        key("stale_if_error", "\"1h\""),
    ],
};

pub(super) const LOG: Table = Table {
    label: "[log]",
    keys: &[key("level", "\"info\""), key("access", "\"all\""), key("format", "\"json\"")],
};

/// All tables below the file itself.
pub(super) const TABLES: &[&Table] = &[
    &NODE,
    &LISTEN,
    &CERTIFICATE,
    &CACHE,
    &ADMIN,
    &TOKEN,
    &CLUSTER,
    &ORIGIN,
    &SERVER,
    &HEALTH,
    &EJECT,
    &RETRY,
    &FUNCTION,
    &SITE,
    &QUERY,
    &KEY,
    &NORMALISE,
    &RULE,
    &LOG,
];

/// The tables that have this key.
pub(super) fn homes(key: &str) -> Vec<&'static str> {
    TABLES.iter().filter(|table| table.names().any(|name| name == key)).map(|table| table.label).collect()
}
