//! Rules about any text in the repository, whatever its language.

use crate::breach::Breach;
use crate::repository::TextFile;

/// Folders of somebody's machine. Written in two halves: this file obeys its own rule.
const MACHINE: [&str; 4] =
    [concat!("/ro", "ot/"), concat!("/wo", "rk/"), concat!("/ho", "me/"), concat!("/Use", "rs/")];

/// Hosts that packages come from. Which one a machine uses is that machine's affair.
const REGISTRIES: [&str; 7] = [
    concat!("index.crates", ".io"),
    concat!("static.crates", ".io"),
    concat!("registry.npmjs", ".org"),
    concat!("files.python", "hosted.org"),
    concat!("pypi", ".org"),
    concat!("deb.deb", "ian.org"),
    concat!("security.deb", "ian.org"),
];

/// Few enough to be read before the code; longer, and it is read by nobody.
const ARCHITECTURE_LINES: usize = 200;

/// Paths of a machine and hosts of a registry.
pub(crate) fn places(texts: &[TextFile]) -> Vec<Breach> {
    let mut breaches = Vec::new();
    for file in texts {
        for (index, line) in file.text.lines().enumerate() {
            let machine = MACHINE.iter().find(|place| has_path(line, place));
            let registry = REGISTRIES.iter().find(|host| line.contains(*host));
            for place in machine.into_iter().chain(registry) {
                breaches.push(Breach::new(&file.path, index + 1, format!("names `{place}`")));
            }
        }
    }
    breaches
}

/// `a/work/b` is a path from here; only one that begins with the folder is a machine's.
fn has_path(line: &str, place: &str) -> bool {
    line.match_indices(place).any(|(at, _)| {
        let before = line.get(..at).and_then(|text| text.chars().next_back());
        before.is_none_or(|before| !before.is_alphanumeric() && !"._-})/".contains(before))
    })
}

/// The map of the code, once it is there, stays a map.
pub(crate) fn architecture(texts: &[TextFile]) -> Vec<Breach> {
    let map = texts.iter().filter(|file| file.path == "docs/ARCHITECTURE.md");
    let long = map.filter(|file| file.text.lines().count() >= ARCHITECTURE_LINES);
    long.map(|file| {
        let lines = file.text.lines().count();
        Breach::new(&file.path, lines, format!("has {lines} lines, must stay under {ARCHITECTURE_LINES}"))
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::{architecture, places};
    use crate::repository::TextFile;

    fn file(path: &str, text: &str) -> [TextFile; 1] {
        [TextFile { path: path.to_owned(), text: text.to_owned() }]
    }

    #[test]
    fn machines_and_registries_are_found_with_their_line() {
        let found =
            places(&file("a.md", concat!("fine\nsee /ro", "ot/x\nhttps://registry.npmjs", ".org/y\n")));
        assert_eq!(found.len(), 2);
        assert!(found[0].to_string().contains("a.md:2"), "{}", found[0]);
    }

    #[test]
    fn paths_from_here_and_the_crates_site_are_fine() {
        let text = concat!(
            "docs/wo",
            "rk/x\nhttps://github.com/rust-lang/crates.io-index\nhttps://crates.io/crates/moka\n"
        );
        assert!(places(&file("a.md", text)).is_empty());
    }

    #[test]
    fn a_long_map_is_found() {
        assert_eq!(architecture(&file("docs/ARCHITECTURE.md", &"x\n".repeat(200))).len(), 1);
        assert!(architecture(&file("docs/ARCHITECTURE.md", &"x\n".repeat(199))).is_empty());
        assert!(architecture(&file("docs/OPERATING.md", &"x\n".repeat(999))).is_empty());
    }
}
