//! The objects that are asked for: `/1k/N`, `/64k/N` and `/4m/N`, below any folder (functions change paths).

use bytes::Bytes;

/// The sizes on offer, by a segment of the path.
const SIZES: [(&str, usize); 3] = [("1k", 1024), ("64k", 64 * 1024), ("4m", 4 * 1024 * 1024)];

/// The body behind `path`: of the size in its last segment but one, the same for every number.
///
/// `None` if the path names no size, or no number.
#[must_use]
pub fn body_of(path: &str) -> Option<Bytes> {
    let (folder, number) = path.rsplit_once('/')?;
    let (_, size) = folder.rsplit_once('/')?;
    number.parse::<u32>().ok()?;
    let (_, bytes) = SIZES.iter().find(|(name, _)| *name == size)?;
    Some(Bytes::from(vec![b'x'; *bytes]))
}

#[cfg(test)]
mod tests {
    use super::body_of;

    #[test]
    fn the_path_names_the_size() {
        assert_eq!(body_of("/1k/7").unwrap().len(), 1024);
        assert_eq!(body_of("/b/1k/7").unwrap().len(), 1024);
        assert_eq!(body_of("/4m/0").unwrap().len(), 4 * 1024 * 1024);
    }

    #[test]
    fn other_paths_have_no_body() {
        for path in ["/", "/1k", "/1k/", "/1k/x", "/2k/1", "1k/1"] {
            assert!(body_of(path).is_none(), "{path}");
        }
    }
}
