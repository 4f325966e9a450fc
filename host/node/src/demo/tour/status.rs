//! `Cache-Status` (RFC 9211) as the tour compares it.

/// Parameters that differ from run to run (`ttl`, §2.4), or that only repeat the answer's own status (`fwd-status`,
/// §2.3).
const PASSING: [&str; 2] = ["ttl", "fwd-status"];

/// A member without what depends on the moment. Members of this demo hold no quoted strings.
pub(super) fn lasting(member: &str) -> String {
    let parts = member.split(';').map(str::trim);
    let kept = parts.filter(|part| {
        let name = part.split('=').next().unwrap_or_default();
        !PASSING.contains(&name)
    });
    kept.collect::<Vec<_>>().join("; ")
}

/// Whether a member has this parameter.
pub(super) fn has(member: &str, parameter: &str) -> bool {
    member.split(';').skip(1).any(|part| part.trim() == parameter)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lasts_is_compared() {
        assert_eq!(lasting("fra-1; hit; ttl=3599"), "fra-1; hit");
        assert_eq!(lasting("fra-1; fwd=uri-miss; fwd-status=200; stored"), "fra-1; fwd=uri-miss; stored");
        assert_ne!(lasting("fra-1; fwd=stale; ttl=1"), lasting("fra-1; fwd=uri-miss; ttl=1"));
    }

    #[test]
    fn a_parameter_is_found_whole() {
        assert!(has("fra-1; fwd=uri-miss; collapsed", "collapsed"));
        assert!(!has("hit; fwd=uri-miss", "hit"));
    }
}
