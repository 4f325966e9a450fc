//! The query as the key has it: without what the site ignores, and sorted where it says so.
//!
//! Owns the one form of a URL that the key, the index of URLs and a purge by URL all use. What is sent to the origin is
//! not touched. Names are compared as they stand in the URL, without percent-decoding.

use std::borrow::Cow;

use smallvec::SmallVec;

use crate::glob::Glob;

/// Most parameters that are sorted. A query with more keeps its order: sorting what a client sends must not be a way to
/// spend our time.
pub const SORTED_PARAMETERS_MAX: usize = 256;

/// Which parameters the key has.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Parameters {
    /// All of them.
    #[default]
    All,
    /// All but these.
    Ignore(Box<[Glob]>),
    /// Only these.
    Keep(Box<[Glob]>),
}

/// How a site reads queries.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct QueryRules {
    /// Which parameters the key has.
    pub parameters: Parameters,
    /// Whether they are sorted by name. Those of one name keep their order, which may mean something.
    pub sort: bool,
}

impl QueryRules {
    /// A path and query in the form that the key has. The same text where there is nothing to change, and always where it
    /// is in that form already.
    #[must_use]
    pub fn normal<'t>(&self, path_and_query: &'t str) -> Cow<'t, str> {
        let Some((path, query)) = path_and_query.split_once('?') else {
            return Cow::Borrowed(path_and_query);
        };
        let mut kept: SmallVec<[&str; 16]> = SmallVec::new();
        let mut sorted = true;
        let mut all = true;
        for parameter in query.split('&') {
            if self.keeps(name(parameter)) {
                sorted &= kept.last().is_none_or(|last| name(last) <= name(parameter));
                kept.push(parameter);
            } else {
                all = false;
            }
        }
        let sorts = self.sort && !sorted && kept.len() <= SORTED_PARAMETERS_MAX;
        if all && !sorts {
            return Cow::Borrowed(path_and_query);
        }
        if sorts {
            kept.sort_by(|one, other| name(one).cmp(name(other)));
        }
        let mut text = String::with_capacity(path_and_query.len());
        text.push_str(path);
        for (index, parameter) in kept.iter().enumerate() {
            text.push(if index == 0 { '?' } else { '&' });
            text.push_str(parameter);
        }
        Cow::Owned(text)
    }

    fn keeps(&self, name: &str) -> bool {
        match &self.parameters {
            Parameters::All => true,
            Parameters::Ignore(globs) => !globs.iter().any(|glob| glob.matches(name)),
            Parameters::Keep(globs) => globs.iter().any(|glob| glob.matches(name)),
        }
    }
}

fn name(parameter: &str) -> &str {
    parameter.split_once('=').map_or(parameter, |(name, _)| name)
}

#[cfg(test)]
mod tests;
