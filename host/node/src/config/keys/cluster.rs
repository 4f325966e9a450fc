//! The keys of `[cluster]`.

use super::{Change, Key, Kind, Table, Without};

pub(in crate::config) const CLUSTER: Table = table! { "[cluster]":
    /// What peers prove to each other; the same on every node.
    secret: Kind::Secret, Without::Nothing, Restart, "\"<output of openssl rand -hex 32>\"";
    /// A file that holds it, and nothing else.
    secret_file: Kind::Path, Without::Nothing, Restart, "\"cluster.secret\"";
    /// With NATS: how long a node may not know that it has applied every purge, see `when_cut_off`. Below 3 s a late
    /// beat shows; with three replicas, below 15 s a lost leader does.
    max_lag: Kind::Duration, Without::Is("\"5s\""), Restart, "\"5s\"";
    /// `nats://host:port` or `tls://host:port`: the control log and the table of nodes are there, and processes with the
    /// same list are one [cluster](OPERATING.md#a-cluster). Needs `node.name`.
    nats: Kind::Texts, Without::Nothing, Restart, "[\"nats://10.0.0.5:4222\"]";
    /// What the stream, bucket and subjects are named after: clusters of different names share servers.
    name: Kind::Name, Without::Says("`\"seawall\"`"), Restart, "\"seawall\"";
    /// The servers' JetStream domain, if they have one: nodes behind a leaf node need it.
    domain: Kind::Text, Without::Nothing, Restart, "\"hub\"";
    /// Where other nodes reach this one's `listen.peers`; needed if that is `0.0.0.0` or `[::]`.
    advertise: Kind::Address, Without::Says("`listen.peers`"), Restart, "\"10.0.0.1:7000\"";
    /// 1, 3 or 5 servers keep the log. For the stream that this node makes, as are the next two.
    replicas: Kind::Count("servers"), Without::Says("`1`"), Restart, "3";
    /// How long a purge stays in the log; at least `1m`.
    retention: Kind::Duration, Without::Says("`\"7d\"`"), Restart, "\"7d\"";
    /// How many bytes of purges stay; at least `16MiB`.
    max_bytes: Kind::Size, Without::Says("`\"512MiB\"`"), Restart, "\"512MiB\"";
    /// A `.creds` file: one of the four ways to log in.
    credentials: Kind::Path, Without::Nothing, Restart, "\"node.creds\"";
    /// A file with an nkey seed: another way.
    nkey_file: Kind::Path, Without::Nothing, Restart, "\"node.nk\"";
    /// A file with a token: another.
    token_file: Kind::Path, Without::Nothing, Restart, "\"nats.token\"";
    /// With `password_file`: the last.
    user: Kind::Text, Without::Nothing, Restart, "\"edge\"";
    /// A file with the password of `user`.
    password_file: Kind::Path, Without::Nothing, Restart, "\"nats.password\"";
    /// Who vouches for the NATS servers, in PEM. Any of the `tls_` keys makes TLS a must.
    tls_ca: Kind::Path, Without::Says("the machine's authorities"), Restart, "\"ca.pem\"";
    /// What this node shows them, in PEM.
    tls_cert: Kind::Path, Without::Nothing, Restart, "\"node.pem\"";
    /// Its key, in PEM.
    tls_key: Kind::Path, Without::Nothing, Restart, "\"node.key\"";
};
