//! Where a node keeps its files if nobody says where. The node and the command line must agree on it, or the command
//! line would not find the admin token.

use std::ffi::OsString;
use std::path::PathBuf;

/// `$XDG_STATE_HOME/seawall`, else `$HOME/.local/state/seawall`, else `./seawall-data`.
#[must_use]
pub fn default_data_dir() -> PathBuf {
    data_dir_of(std::env::var_os("XDG_STATE_HOME"), std::env::var_os("HOME"))
}

/// The XDG Base Directory Specification says that a relative path there is to be ignored.
fn data_dir_of(state: Option<OsString>, home: Option<OsString>) -> PathBuf {
    let absolute = |folder: OsString| Some(PathBuf::from(folder)).filter(|path| path.is_absolute());
    if let Some(state) = state.and_then(absolute) {
        state.join("seawall")
    } else if let Some(home) = home.and_then(absolute) {
        home.join(".local/state/seawall")
    } else {
        PathBuf::from("seawall-data")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_state_folder_comes_before_the_home_folder() {
        let dir = |state: Option<&str>, home: Option<&str>| {
            data_dir_of(state.map(Into::into), home.map(Into::into))
        };
        assert_eq!(dir(Some("/s"), Some("/h")), PathBuf::from("/s/seawall"));
        assert_eq!(dir(None, Some("/h")), PathBuf::from("/h/.local/state/seawall"));
        assert_eq!(dir(Some("relative"), Some("/h")), PathBuf::from("/h/.local/state/seawall"));
        assert_eq!(dir(Some(""), None), PathBuf::from("seawall-data"));
    }
}
