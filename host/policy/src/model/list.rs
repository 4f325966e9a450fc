//! Lists, tokens and quoted strings (RFC 9110 §5.6), character by character.

/// The members of one line: what stands between commas that are not quoted, without the space around it.
pub(super) fn members(line: &str) -> Vec<String> {
    let characters: Vec<char> = line.chars().collect();
    let mut members = vec![String::new()];
    let mut at = 0;
    while at < characters.len() {
        // A quote that nobody closes is a character like any other.
        let end = if characters[at] == '"' { closing(&characters, at).unwrap_or(at) } else { at };
        if characters[at] == ',' {
            members.push(String::new());
        } else {
            members.last_mut().unwrap().extend(&characters[at..=end]);
        }
        at = end + 1;
    }
    let trimmed = members.iter().map(|member| trim(member).to_owned());
    trimmed.filter(|member| !member.is_empty()).collect()
}

/// Where the quoted string that opens at `open` ends; a backslash takes the next character along.
fn closing(characters: &[char], open: usize) -> Option<usize> {
    let mut at = open + 1;
    while at < characters.len() {
        match characters[at] {
            '"' => return Some(at),
            '\\' => at += 2,
            _ => at += 1,
        }
    }
    None
}

/// What a quoted string says: each `\x` is `x` (RFC 9110 §5.6.4). Nothing if `text` is not one quoted string.
pub(super) fn unquoted(text: &str) -> Option<String> {
    let characters: Vec<char> = text.chars().collect();
    if characters.first() != Some(&'"') || closing(&characters, 0)? != characters.len() - 1 {
        return None;
    }
    let mut inside = characters[1..characters.len() - 1].iter();
    let mut said = String::new();
    while let Some(character) = inside.next() {
        said.push(if *character == '\\' { *inside.next()? } else { *character });
    }
    Some(said)
}

/// Optional white space is space and tab.
pub(super) fn trim(text: &str) -> &str {
    text.trim_matches([' ', '\t'])
}

pub(super) fn is_token(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c))
}

/// Delta-seconds (RFC 9111 §1.2.2): digits, and what is too large is 2^31.
pub(super) fn seconds(text: &str) -> Option<i128> {
    if text.is_empty() || !text.chars().all(|c| c.is_ascii_digit()) {
        return None;
    }
    Some(text.parse::<i128>().unwrap_or(i128::MAX).min(1 << 31))
}
