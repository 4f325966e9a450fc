//! What to try by hand once the tour is over.

use super::error::DemoError;
use super::narrator::Narrator;
use super::nodes::{CLOSED, Nodes, SHOP, SPLIT};
use super::origin::Page;
use super::tour::PURGE_PATH;

/// Prints command lines with this run's ports and token.
pub(super) fn invite(narrator: &mut Narrator<'_>, nodes: &Nodes) -> Result<(), DemoError> {
    let (fra, nyc, admin, token) = (nodes.fra.http, nodes.nyc.http, nodes.fra.admin, &nodes.token);
    let (product, photo, greeting) = (Page::Product7.path(), Page::Photo.path(), Page::Greeting.path());
    let landing = Page::Landing.path();
    narrator.say("\nIt stays up until Ctrl-C. Try it yourself:")?;
    narrator.say(&format!(
        "
   # a page, at each edge
   curl -i -H 'Host: {SHOP}' http://{fra}{product}
   curl -i -H 'Host: {SHOP}' http://{nyc}{product}

   # the photo, and a part of it
   curl -s -H 'Host: {SHOP}' -D - -o photo.bmp http://{fra}{photo}
   curl -s -H 'Host: {SHOP}' -D - -o /dev/null -r 0-53 http://{fra}{photo}

   # variants, and the functions
   curl -i -H 'Host: {SHOP}' -H 'Accept-Language: de' http://{fra}{greeting}
   curl -i -H 'Host: {SPLIT}' -H 'Cookie: ab=b' http://{fra}{landing}
   curl -i -H 'Host: {CLOSED}' http://{fra}/

   # purge a tag everywhere; then ask for the page again
   TOKEN={token}
   curl -s -H \"Authorization: Bearer $TOKEN\" -H 'Content-Type: application/json' \\
        -d '{{\"tags\":[\"product-7\"]}}' \\
        'http://{admin}{PURGE_PATH}'

   # who is there, and what they count
   curl -s -H \"Authorization: Bearer $TOKEN\" http://{admin}/v1/nodes
   curl -s http://{admin}/metrics

   # the same with seawall itself
   export SEAWALL_ADMIN_TOKEN=$TOKEN
   seawall purge --tag product-7 --wait all --admin http://{admin}
   seawall nodes --admin http://{admin}"
    ))
}
