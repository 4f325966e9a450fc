//! Which of several servers is asked: pure functions of what is known of them.
//!
//! Owns: the four ways to balance. Refuses: clocks, randomness and state. What must differ from request to request comes
//! in with the draw, so that every choice can be computed again.

/// How a pool chooses among its servers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Balance {
    /// In turn, by weight.
    #[default]
    RoundRobin,
    /// The one with the fewest requests under way, by weight.
    LeastRequests,
    /// Two at random; of these the one with the lower latency times requests under way, by weight.
    P2cLatency,
    /// By the cache key, so that a server sees the same keys again: weighted rendezvous hashing. When a server leaves,
    /// only its own keys move.
    Hash,
}

impl Balance {
    /// Every way.
    pub const ALL: [Self; 4] = [Self::RoundRobin, Self::LeastRequests, Self::P2cLatency, Self::Hash];

    /// As in the config file.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::RoundRobin => "round-robin",
            Self::LeastRequests => "least-requests",
            Self::P2cLatency => "p2c-latency",
            Self::Hash => "hash",
        }
    }
}

/// A server that may be asked, as far as choosing needs to know it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Candidate {
    /// Which one it is; what is answered.
    pub(crate) at: usize,
    /// At least 1.
    pub(crate) weight: u32,
    pub(crate) in_flight: u32,
    /// 0 where it is not known: such a server is worth a try.
    pub(crate) latency_us: u32,
    /// A hash of its name, the same on every node.
    pub(crate) seed: u64,
}

/// What tells one request from another.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Draw {
    /// Counts the pool's requests.
    pub(crate) turn: u64,
    /// A hash of what is asked for.
    pub(crate) key: u64,
}

/// Chooses. `None` only where there is nobody. Walks the candidates a few times and keeps nothing.
pub(crate) fn pick(
    balance: Balance,
    candidates: impl Iterator<Item = Candidate> + Clone,
    draw: Draw,
) -> Option<usize> {
    match balance {
        Balance::RoundRobin => in_turn(candidates, draw.turn),
        Balance::LeastRequests => least_requests(candidates, draw.turn),
        Balance::P2cLatency => better_of_two(candidates, draw.turn),
        Balance::Hash => rendezvous(candidates, draw.key),
    }
}

/// Every `total` turns each server has its weight's share exactly. The turns walk in strides of about the golden ratio,
/// so that a heavy server's turns do not come in a row.
fn in_turn(candidates: impl Iterator<Item = Candidate> + Clone, turn: u64) -> Option<usize> {
    let total: u64 = candidates.clone().map(|candidate| u64::from(candidate.weight)).sum();
    let mut place = (turn.checked_rem(total)? * stride(total)) % total;
    for candidate in candidates {
        let weight = u64::from(candidate.weight);
        if place < weight {
            return Some(candidate.at);
        }
        place -= weight;
    }
    None
}

/// Near `total / 1.618` and without a common divisor with it: steps of it visit every place once.
fn stride(total: u64) -> u64 {
    (total * 618 / 1000..).find(|step| gcd(*step, total) == 1).unwrap_or(1)
}

fn gcd(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { gcd(b, a % b) }
}

fn least_requests(candidates: impl Iterator<Item = Candidate> + Clone, turn: u64) -> Option<usize> {
    let load = |one: &Candidate, other: &Candidate| (u64::from(one.in_flight) + 1) * u64::from(other.weight);
    let best = candidates
        .clone()
        .reduce(|best, next| if load(&next, &best) < load(&best, &next) { next } else { best })?;
    // Among equals in turn: an idle pool would else ask its first server for ever.
    let equals = candidates.filter(|next| load(next, &best) == load(&best, next));
    let count = equals.clone().count() as u64;
    let nth = usize::try_from(turn.checked_rem(count)?).ok()?;
    equals.skip(nth).map(|candidate| candidate.at).next()
}

fn better_of_two(candidates: impl Iterator<Item = Candidate> + Clone, turn: u64) -> Option<usize> {
    let count = candidates.clone().count() as u64;
    if count < 2 {
        return candidates.map(|candidate| candidate.at).next();
    }
    let random = mix(turn);
    let first = random % count;
    let second = (first + 1 + (random >> 32) % (count - 1)) % count;
    let nth = |n: u64| candidates.clone().nth(usize::try_from(n).ok()?);
    let (one, other) = (nth(first)?, nth(second)?);
    let cost = |one: &Candidate, other: &Candidate| {
        u128::from(one.latency_us.max(1)) * (u128::from(one.in_flight) + 1) * u128::from(other.weight)
    };
    Some(if cost(&other, &one) < cost(&one, &other) { other.at } else { one.at })
}

/// Weighted rendezvous hashing: each server draws `-weight / ln(u)` with its own `u` for the key, and the highest wins.
fn rendezvous(candidates: impl Iterator<Item = Candidate>, key: u64) -> Option<usize> {
    let score = |candidate: &Candidate| {
        // 53 bits, in (0, 1].
        let unit = ((mix(key ^ candidate.seed) >> 11) + 1) as f64 / (1u64 << 53) as f64;
        -f64::from(candidate.weight) / unit.ln()
    };
    let scored = candidates.map(|candidate| (score(&candidate), candidate.at));
    scored.max_by(|(one, _), (other, _)| one.total_cmp(other)).map(|(_, at)| at)
}

/// SplitMix64's last step: every bit of the input changes about half of the output.
fn mix(value: u64) -> u64 {
    let value = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

/// FNV-1a: the same on every node and in every version.
pub(crate) fn hash(parts: &[&[u8]]) -> u64 {
    let bytes = parts.iter().flat_map(|part| part.iter());
    mix(bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
    }))
}

#[cfg(test)]
mod tests;
