//! Putting a rebuilt file in the place of what runs, for an author's desk.

use std::sync::Arc;

use seawall_functions::{FunctionSettings, Hook};

use super::Switchboard;

/// What a reload did.
pub(crate) struct Reloaded {
    /// The version that runs now.
    pub(crate) version: String,
    /// Its hooks.
    pub(crate) hooks: Vec<&'static str>,
    /// The tag of what the version before shaped; none where the same version ran.
    pub(crate) left: Option<String>,
}

impl Switchboard {
    /// Compiles `bytes` in the place of a function of the config, with its settings. Where that fails, the one that runs
    /// goes on.
    pub(crate) fn reload(&self, name: &str, bytes: &[u8]) -> Result<Reloaded, String> {
        let runtime = self.runtime.as_ref().ok_or("this node has no functions")?;
        let running = {
            let now = self.now.lock();
            let fixed = self.fixed.get(name).map(|fixed| &fixed.function);
            now.active.get(name).or(fixed).map(Arc::clone)
        };
        let running = running.ok_or_else(|| format!("there is no function `{name}`"))?;
        let settings: FunctionSettings = running.settings().clone();
        let function = runtime.prepare(name, bytes, settings).map_err(|error| error.to_string())?;
        let left = (function.version() != running.version()).then(|| running.tag().to_owned());
        let reloaded = Reloaded {
            version: function.version().to_owned(),
            hooks: function.hooks().map(Hook::as_str).collect(),
            left,
        };
        self.put(&mut self.now.lock(), function);
        Ok(reloaded)
    }
}
