//! Which node of a shield region to ask for a key: rendezvous hashing, so that every edge names the same node without
//! talking, and a node that comes or goes moves only its own share of the keys.

/// Sorts nodes by who is to be asked for `key`, first choice first. `name` names a node; equal names tie.
pub fn rank<T>(nodes: &mut [T], key: &[u8], name: impl Fn(&T) -> &str) {
    // One pass over the key, however many nodes there are.
    let key = blake3::hash(key);
    nodes.sort_by_cached_key(|node| std::cmp::Reverse(score(name(node), key.as_bytes())));
}

fn score(name: &str, key: &[u8; blake3::OUT_LEN]) -> [u8; blake3::OUT_LEN] {
    *blake3::keyed_hash(key, name.as_bytes()).as_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn first<'a>(nodes: &[&'a str], key: u32) -> &'a str {
        let mut nodes = nodes.to_vec();
        rank(&mut nodes, &key.to_be_bytes(), |name| name);
        nodes[0]
    }

    const KEYS: u32 = 4000;

    #[test]
    fn every_edge_names_the_same_node_whatever_order_it_knows_them_in() {
        for key in 0..KEYS {
            assert_eq!(first(&["a", "b", "c", "d"], key), first(&["d", "b", "a", "c"], key));
        }
    }

    #[test]
    fn a_node_that_goes_moves_only_its_own_keys() {
        for key in 0..KEYS {
            let before = first(&["a", "b", "c", "d"], key);
            let after = first(&["a", "b", "d"], key);
            assert!(before == "c" || before == after, "key {key} moved from {before} to {after}");
        }
    }

    #[test]
    fn a_lost_first_choice_is_followed_by_the_second() {
        for key in 0..KEYS {
            let mut ranked = vec!["a", "b", "c"];
            rank(&mut ranked, &key.to_be_bytes(), |name| name);
            let rest: Vec<_> = ["a", "b", "c"].into_iter().filter(|name| *name != ranked[0]).collect();
            assert_eq!(first(&rest, key), ranked[1]);
        }
    }

    #[test]
    fn each_node_gets_its_share() {
        let nodes = ["a", "b", "c", "d"];
        for name in nodes {
            let share = (0..KEYS).filter(|key| first(&nodes, *key) == name).count();
            assert!((850..1150).contains(&share), "{name} gets {share} of {KEYS} keys");
        }
    }
}
