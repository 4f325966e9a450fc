//! The functions named in the configuration, read, checked and compiled before the node listens to anyone.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use seawall_base::OriginName;
use seawall_functions::{Chain, Function, FunctionSettings, Runtime};

use super::{Shared, StartError};
use crate::config;

/// The runtime, where there is a function to run, and the functions by name.
#[derive(Default)]
pub(crate) struct Functions {
    pub(crate) runtime: Option<Runtime>,
    by_name: HashMap<String, Arc<Function>>,
}

impl Functions {
    pub(crate) fn prepare(
        functions: &[config::Function],
        origins: &BTreeSet<OriginName>,
        shared: &Shared,
    ) -> Result<Self, StartError> {
        if functions.is_empty() {
            return Ok(Self::default());
        }
        let runtime = shared.function_runtime()?;
        let mut by_name = HashMap::new();
        for config::Function { name, file, config, grants, on_error } in functions {
            let refused = |why: String| StartError::Function {
                name: name.as_str().to_owned(),
                file: file.clone(),
                why,
            };
            let bytes = std::fs::read(file).map_err(|error| refused(format!("cannot be read: {error}")))?;
            let settings = FunctionSettings {
                config: config.clone(),
                origins: origins.clone(),
                store_private: grants.contains(&config::Grant::StorePrivate),
                on_error: on_error.clone(),
            };
            let function = runtime
                .prepare(name.as_str(), &bytes, settings)
                .map_err(|error| refused(error.to_string()))?;
            let hooks: Vec<&str> = function.hooks().map(seawall_functions::Hook::as_str).collect();
            tracing::info!(function = name.as_str(), version = function.version(), ?hooks, "prepared");
            by_name.insert(name.as_str().to_owned(), function);
        }
        Ok(Self { runtime: Some(runtime), by_name })
    }

    pub(crate) fn chain(&self, site: &config::Site) -> Result<Chain, StartError> {
        let refused = |why: String| StartError::Chain { site: site.name.to_string(), why };
        let find = |name: &config::FunctionName| {
            let found = self.by_name.get(name.as_str()).map(Arc::clone);
            found.ok_or_else(|| refused(format!("no function is named `{}`", name.as_str())))
        };
        let functions: Result<Vec<_>, _> = site.functions.iter().map(find).collect();
        Chain::new(functions?).map_err(|error| refused(error.to_string()))
    }
}
