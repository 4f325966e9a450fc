//! The second tier as a whole: every table checked, in the order in which later ones refer to earlier ones.

use std::path::Path;

use super::check::{Check, Names};
use super::keys::{self, Table};
use super::listen::Addresses;
use super::raw::{RawCertificate, RawConfig, RawFunction, RawOrigin, RawSite};
use super::reader::{Field, Report};
use super::site::Known;
use super::{
    Admin, Cache, Certificate, Cluster, Config, Function, Listen, Log, Node, Origin, Site, Telemetry, origin,
};

/// `None` only where something has been reported. `named` where the node has its name from elsewhere.
pub(super) fn config(raw: RawConfig, report: &Report<'_>, folder: &Path, named: bool) -> Option<Config> {
    let RawConfig {
        node,
        listen,
        certificates,
        cache,
        admin,
        cluster,
        origins,
        functions,
        sites,
        log,
        telemetry,
    } = raw;
    let check = |table: &'static Table, at: usize| Check::new(report, folder, table, at);

    let peers_at = place(&listen.peers, listen.at);
    let cluster_at = cluster.is_given().then_some(cluster.at);
    let node = Node::from_raw(&check(&keys::NODE, node.at), node, peers_at.or(cluster_at).filter(|_| !named));
    let http_by_default = listen.http.at.is_none() && listen.https.at.is_none();
    let mut addresses = Addresses::of_defaults(http_by_default, matches!(admin.listen, Field::Absent));
    let https_at = listen.https.at;
    let listen = Listen::from_raw(&check(&keys::LISTEN, listen.at), listen, &mut addresses);
    need_certificates(report, &certificates, https_at);
    let pair = |raw: RawCertificate| Certificate::from_raw(&check(&keys::CERTIFICATE, raw.at), raw);
    let certificates = given(certificates, pair);
    let of_token = |at| check(&keys::TOKEN, at);
    let admin_at = admin.at;
    let admin = Admin::from_raw(&check(&keys::ADMIN, admin_at), admin, &mut addresses, of_token);
    let cache = Cache::from_raw(&check(&keys::CACHE, cache.at), cache);
    let cluster = Cluster::from_raw(&check(&keys::CLUSTER, cluster.at), cluster, peers_at, listen.peers);
    let log = Log::from_raw(&check(&keys::LOG, log.at), log);
    let telemetry = Telemetry::from_raw(&check(&keys::TELEMETRY, telemetry.at), telemetry);

    let mut origin_names = Names::new("an origin");
    let origins = each(origins, &mut origin_names, |raw: RawOrigin, names| {
        let check = check(&keys::ORIGIN, raw.at);
        let reference_at = raw.reference_at();
        Origin::from_raw(&check, raw, names).map(|origin| (check, origin, reference_at))
    });
    origin::check_backups(&origins, &origin_names);
    let mut function_names = Names::new("a function");
    let functions = each(functions, &mut function_names, |raw: RawFunction, names| {
        Function::from_raw(&check(&keys::FUNCTION, raw.at), raw, names)
    });
    origin::check_functions(&origins, &function_names);
    let origins: Vec<Origin> = origins.into_iter().map(|(_, origin, _)| origin).collect();
    let handlers = origins.iter().filter_map(|origin| origin.function.clone()).collect();
    need_sites(report, &sites);
    let mut names = Names::new("a site");
    let hosts = Names::new("a site");
    let mut known = Known { origins: &origin_names, functions: &function_names, handlers, hosts };
    let sites = each(sites, &mut names, |raw: RawSite, names| {
        Site::from_raw(&check(&keys::SITE, raw.at), raw, names, &mut known)
    });
    admin.check_sites(&check(&keys::ADMIN, admin_at), admin_at, &names);
    Some(Config {
        node: node?,
        listen,
        certificates,
        cache,
        admin,
        cluster,
        origins,
        functions,
        sites,
        log,
        telemetry,
    })
}

fn need_certificates(
    report: &Report<'_>,
    certificates: &Field<Vec<RawCertificate>>,
    https_at: Option<usize>,
) {
    if let (Field::Absent, Some(at)) = (certificates, https_at) {
        report.at(at, keys::LISTEN.label, NO_CERTIFICATES);
    }
}

fn need_sites(report: &Report<'_>, sites: &Field<Vec<RawSite>>) {
    if matches!(sites, Field::Absent) || matches!(sites, Field::Given(list) if list.value.is_empty()) {
        report.whole(NO_SITES);
    }
}

/// Where a key stands; `table` where that is not known any more.
fn place<T>(field: &Field<T>, table: usize) -> Option<usize> {
    match field {
        Field::Given(spot) => Some(spot.at),
        Field::Broken => Some(table),
        Field::Absent => None,
    }
}

/// Those of a list that can be used.
fn given<R, T>(raws: Field<Vec<R>>, read: impl FnMut(R) -> Option<T>) -> Vec<T> {
    match raws {
        Field::Given(raws) => raws.value.into_iter().filter_map(read).collect(),
        Field::Broken | Field::Absent => Vec::new(),
    }
}

const NO_SITES: &str = "has no site, so that every request would get 421. Write `[[sites]]` with `name`, \
    `hosts` and `origin`; `hosts = [\"*\"]` takes every host.";

const NO_CERTIFICATES: &str = "`https` needs a certificate. Write `[[certificates]]` with `cert` and `key`.";

/// The entries that are right. Where the list itself could not be read, no reference into it can be judged.
fn each<R, T>(
    raws: Field<Vec<R>>,
    names: &mut Names,
    mut check: impl FnMut(R, &mut Names) -> Option<T>,
) -> Vec<T> {
    match raws {
        Field::Given(raws) => raws.value.into_iter().filter_map(|raw| check(raw, names)).collect(),
        Field::Broken => {
            names.lose_one();
            Vec::new()
        }
        Field::Absent => Vec::new(),
    }
}
