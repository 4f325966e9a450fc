use super::most_recent;
use crate::suite::{Exchange, at};

#[test]
fn the_most_recent_date_wins() {
    let made = |seconds| {
        Exchange::with(&[("cache-control", "max-age=3600".to_owned()), ("date", at(seconds))]).stored()
    };
    let (old, new) = (made(-20), made(-10));
    assert_eq!(most_recent([("new", &new), ("old", &old)]), Some("new"));
    assert_eq!(most_recent([("old", &old), ("new", &new)]), Some("new"));
    assert_eq!(most_recent::<()>([]), None);
}
