//! Makes of a configuration what is in force: at the start, and in every reload, out of the parts that stay.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::{SystemTime, UNIX_EPOCH};

use http::{HeaderValue, StatusCode};
use parking_lot::{Mutex, RwLock};
use prometheus_client::registry::Registry;
use seawall_admin::{ConfirmLimits, InForce, Role, Token, Tokens};
use seawall_base::trace::Tracer;
use seawall_base::{OriginName, SiteName};
use seawall_cache::Store;
use seawall_cluster::Cluster;
use seawall_origin::Trust;
use seawall_pipeline::edge::Identity;
use seawall_pipeline::error_page::{ErrorPage, ErrorPages};
use seawall_pipeline::{AccessLog, Edge, Lines, Peers, Proxies, Site, Sites, WhenCutOff, Which};
use seawall_policy::forwarded::Dialect;

use super::front::Front;
use super::functions::Switchboard;
use super::live::Now;
use super::origins::{self, Counters, Origins};
use super::{Shared, StartError, settings};
use crate::cli::token;
use crate::config::{self, Config, Scheme};

/// What lives as long as the node, whatever its configuration.
pub(crate) struct Base {
    pub(crate) shared: Shared,
    pub(crate) store: Arc<Store>,
    pub(crate) cluster: Arc<Cluster>,
    pub(crate) peers: Option<Peers>,
    /// Where clients are served over TLS, if they are.
    pub(crate) https_port: Option<u16>,
    pub(crate) metrics: seawall_pipeline::Metrics,
    pub(crate) identity: Identity,
    pub(crate) requests: Arc<AtomicU64>,
    pub(crate) origins: Counters,
    pub(crate) front: Arc<Front>,
    pub(crate) registry: Arc<RwLock<Registry>>,
    /// The machine's certificate authorities, once an origin wants them.
    pub(crate) trust: Mutex<Option<Trust>>,
    /// Whether the counters of functions are in the registry.
    pub(crate) counts_functions: Mutex<bool>,
    /// Where the lines of requests go, where that is a place of their own.
    pub(crate) lines: Option<Arc<dyn Lines>>,
    /// What makes spans, where there is a collector.
    pub(crate) tracer: Option<Tracer>,
}

/// What the names of our metrics begin with; those of the process have the names that all processes' have.
pub(crate) const METRICS_PREFIX: &str = "seawall";

/// A configuration's text, for its digest, and its file.
pub(crate) struct Text<'t> {
    pub(crate) file: &'t Path,
    pub(crate) text: &'t str,
}

impl Base {
    /// Makes everything of `config`, and takes over from `before` what it has in common with it. `number` is unlike that
    /// of any other configuration of this node; 0 is the first. Changes nothing that is in force. Reads files and may
    /// compile functions: not for a thread that serves requests.
    pub(crate) fn build(
        &self,
        config: Config,
        text: Option<&Text<'_>>,
        before: Option<&Now>,
        number: u64,
    ) -> Result<Now, StartError> {
        let clock = &self.shared.clock;
        let tokens = tokens(&config)?;
        let trust = self.trust(&config)?;
        let pools =
            origins::pools(&config, &trust, clock, &self.origins, before.map(|before| &before.pools))?;
        let known = before.map(|before| before.functions.as_ref());
        let functions = Switchboard::prepare(&config, &self.shared, known)?;
        let origins = origins::origins(&config, &pools, &functions)?;
        self.count_functions(&functions);
        let editions = editions(&config, before, number);
        let sites = self.sites(&config, &origins, &functions, &editions)?;
        let edge = Arc::new(Edge {
            name: config.node.name.clone(),
            identity: self.identity.clone(),
            clock: clock.clone(),
            store: Arc::clone(&self.store),
            sites,
            origins,
            cluster: Arc::clone(&self.cluster),
            peers: self.peers.clone(),
            proxies: proxies(&config),
            https_port: self.https_port,
            head_limits: config.listen.head.limits(),
            metrics: self.metrics.clone(),
            access_log: access_log(&config.log, self.lines.as_ref()),
            trace: self.shared.trace.clone(),
            tracer: self.tracer.clone(),
            requests: Arc::clone(&self.requests),
        });
        let shown = config.to_redacted_json();
        let digested = text.map_or_else(|| shown.to_string(), |text| text.text.to_owned());
        let in_force = Arc::new(InForce {
            sites: config.sites.iter().map(|site| site.name.clone()).collect(),
            tokens,
            confirm: ConfirmLimits {
                objects: config.admin.purge_confirm.objects.map(u64::from),
                hits_percent: config.admin.purge_confirm.hits_percent,
            },
            config: shown,
            digest: blake3::hash(digested.as_bytes()).to_hex().to_string(),
            loaded_unix_ms: unix_ms(clock.now()),
            file: text.map(|text| text.file.display().to_string()),
        });
        Ok(Now { config, edge, functions, pools, editions, in_force })
    }

    /// The machine's certificates are read once, and only where an origin is asked over TLS.
    fn trust(&self, config: &Config) -> Result<Trust, StartError> {
        let failed = |source| StartError::Io {
            what: "the machine's certificate authorities, for https origins",
            source,
        };
        let mut servers = config.origins.iter().flat_map(|origin| &origin.servers);
        if !servers.any(|server| server.url.scheme() == Scheme::Https) {
            return Trust::nobody().map_err(failed);
        }
        let mut known = self.trust.lock();
        if let Some(trust) = known.as_ref() {
            return Ok(trust.clone());
        }
        Ok(known.insert(Trust::system().map_err(failed)?).clone())
    }

    fn count_functions(&self, functions: &Switchboard) {
        let mut counted = self.counts_functions.lock();
        if let (Some(runtime), false) = (&functions.runtime, *counted) {
            runtime.register_metrics(self.registry.write().sub_registry_with_prefix(METRICS_PREFIX));
            *counted = true;
        }
    }

    fn sites(
        &self,
        config: &Config,
        origins: &Origins,
        functions: &Switchboard,
        editions: &HashMap<SiteName, u64>,
    ) -> Result<Sites, StartError> {
        let mut sites = Sites::default();
        for site in &config.sites {
            let origin = origins.get(&site.origin).ok_or_else(|| no_origin(&site.name, &site.origin))?;
            let hosts: Vec<String> = site.hosts.iter().map(ToString::to_string).collect();
            let keying = settings::keying(site)?;
            let built = Site {
                name: site.name.clone(),
                in_keys: in_keys(&site.name, editions.get(&site.name).copied().unwrap_or_default()),
                origin: origin.clone(),
                error_pages: error_pages(site)?,
                functions: functions.roster(site)?,
                shield: site.shield.clone(),
                when_cut_off: when_cut_off(site.when_cut_off),
                rules: settings::rules(site, keying.as_deref()),
                own_rules: settings::own_rules(site),
                normalise: settings::normalise(site),
                keying,
                strip_set_cookie: site.caching.strip_set_cookie,
                redirect_to_https: site.redirect_to_https.unwrap_or(config.listen.proxies.redirect_to_https),
                tells_key: site.caching.debug_key,
                guards: site.guards.guards(&site.caching.key.headers),
                shelf: self.store.shelf(&site.name),
            };
            sites.add(Arc::new(built), hosts.iter().map(String::as_str));
        }
        Ok(sites)
    }
}

/// A site that is as new, or whose keys mean something else than before, begins with nothing.
fn editions(config: &Config, before: Option<&Now>, number: u64) -> HashMap<SiteName, u64> {
    let edition = |site: &config::Site| {
        let before = before?;
        let same = before.config.sites.iter().find(|other| other.name == site.name)?;
        same.means_the_same_by_its_keys(site).then(|| before.editions.get(&site.name).copied()).flatten()
    };
    config.sites.iter().map(|site| (site.name.clone(), edition(site).unwrap_or(number))).collect()
}

/// No name has a `#`, so that no two sites' keys begin alike.
fn in_keys(site: &SiteName, edition: u64) -> Box<str> {
    match edition {
        0 => Box::from(site.as_str()),
        edition => format!("{site}#{edition}").into_boxed_str(),
    }
}

pub(crate) fn unix_ms(now: SystemTime) -> u64 {
    let since = now.duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

fn tokens(config: &Config) -> Result<Tokens, StartError> {
    let resolved = token::resolve_for_server(config, token::from_env().as_deref())?;
    let tokens = resolved.into_iter().map(|token| {
        let role = match token.role {
            config::Role::Read => Role::Read,
            config::Role::Write => Role::Write,
        };
        let sites = (!token.sites.is_empty()).then_some(token.sites);
        Token { name: token.name, secret: token.secret.expose().to_owned(), role, sites }
    });
    Tokens::new(tokens.collect()).map_err(|errors| {
        let texts: Vec<String> = errors.iter().map(ToString::to_string).collect();
        StartError::AdminToken(texts.join("; "))
    })
}

fn proxies(config: &Config) -> Proxies {
    let config::ProxyKeys { trusted, forwarded_by, .. } = &config.listen.proxies;
    Proxies {
        trusted: trusted.clone().into(),
        dialect: match forwarded_by {
            config::ForwardedBy::XForwarded => Dialect::XForwarded,
            config::ForwardedBy::Forwarded => Dialect::Forwarded,
        },
    }
}

fn access_log(config: &config::Log, to: Option<&Arc<dyn Lines>>) -> AccessLog {
    AccessLog {
        which: match config.access {
            config::AccessLog::Off => Which::Off,
            config::AccessLog::Errors => Which::Errors,
            config::AccessLog::All => Which::All,
        },
        sample: config.access_sample.map(config::Share::get),
        omits_query: !config.access_query,
        to: to.map(Arc::clone),
    }
}

/// Read once for each configuration.
fn error_pages(site: &config::Site) -> Result<ErrorPages, StartError> {
    let mut pages = ErrorPages::default();
    for config::ErrorPageFile { status, file, media_type } in &site.error_page {
        let wrong = |error: &dyn std::fmt::Display| {
            StartError::Config(format!("site `{}`: error page {}: {error}", site.name, file.display()))
        };
        let text = std::fs::read_to_string(file).map_err(|error| wrong(&error))?.into_boxed_str();
        let status = status.map(StatusCode::from_u16).transpose().map_err(|error| wrong(&error))?;
        pages.add(status, ErrorPage { media_type: HeaderValue::from_static(media_type), text });
    }
    Ok(pages)
}

fn no_origin(site: &SiteName, origin: &OriginName) -> StartError {
    StartError::Config(format!("site `{site}` names the origin `{origin}`, which there is not"))
}

fn when_cut_off(config: config::WhenCutOff) -> WhenCutOff {
    match config {
        config::WhenCutOff::Serve => WhenCutOff::Serve,
        config::WhenCutOff::Revalidate => WhenCutOff::Revalidate,
        config::WhenCutOff::Refuse => WhenCutOff::Refuse,
    }
}
