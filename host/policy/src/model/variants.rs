//! Which later request selects a stored response (RFC 9111 §4.1).

use std::collections::BTreeSet;

use super::{Message, list};

/// What `Vary` nominates.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Nominated {
    /// `*`, or what cannot be read: no request matches.
    All,
    Fields(BTreeSet<String>),
}

/// How one request stands to one nominated field.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Presented {
    Absent,
    /// The members of all lines, as written.
    Members(Vec<String>),
    /// What is preferred how much, in thousandths: order and letter case mean nothing (RFC 9110 §12.5).
    Preferences(BTreeSet<(String, u32)>),
}

pub(super) fn nominated(response: &Message) -> Nominated {
    let members = response.members("vary");
    if members.iter().any(|member| member == "*" || !list::is_token(member)) {
        return Nominated::All;
    }
    Nominated::Fields(members.iter().map(|member| member.to_ascii_lowercase()).collect())
}

/// Whether `later` selects what `first` caused.
pub(super) fn selects(response: &Message, first: &Message, later: &Message) -> bool {
    match nominated(response) {
        Nominated::All => false,
        Nominated::Fields(fields) => {
            fields.iter().all(|field| presented(first, field) == presented(later, field))
        }
    }
}

fn presented(request: &Message, field: &str) -> Presented {
    if !request.has(field) {
        return Presented::Absent;
    }
    let members = request.members(field);
    if field == "accept-encoding" || field == "accept-language" {
        let wanted: Option<BTreeSet<_>> = members.iter().map(|member| preference(member)).collect();
        if let Some(wanted) = wanted {
            return Presented::Preferences(wanted);
        }
    }
    Presented::Members(members)
}

/// `range [ OWS ";" OWS "q=" qvalue ]` (RFC 9110 §12.4.2).
fn preference(member: &str) -> Option<(String, u32)> {
    let (range, weight) = member.split_once(';').unwrap_or((member, "q=1"));
    let (range, weight) = (list::trim(range).to_ascii_lowercase(), list::trim(weight).to_ascii_lowercase());
    let digits = weight.strip_prefix("q=")?;
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let fits = fraction.len() <= 3 && fraction.chars().all(|c| c.is_ascii_digit());
    let thousandths: u32 = format!("{fraction:0<3}").parse().ok().filter(|_| fits)?;
    let weight = match whole {
        "0" => thousandths,
        "1" if thousandths == 0 => 1000,
        _ => return None,
    };
    list::is_token(&range).then_some((range, weight))
}
