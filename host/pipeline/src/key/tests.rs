use super::*;

fn of(values: &[&str]) -> Bytes {
    part(values.iter().map(|value| value.as_bytes()))
}

#[test]
fn different_values_are_different_parts() {
    let long = "x".repeat(KEY_VALUE_MAX_BYTES);
    let longer = format!("{long}y");
    let all = [
        of(&[]),
        of(&[""]),
        of(&["a"]),
        of(&["", "a"]),
        of(&["a", ""]),
        of(&["a", "b"]),
        of(&["ab"]),
        of(&[&long]),
        of(&[&longer]),
    ];
    let distinct: std::collections::HashSet<&Bytes> = all.iter().collect();
    assert_eq!(distinct.len(), all.len());
    assert!(all.iter().all(|part| part.len() <= KEY_VALUE_MAX_BYTES));
}
