//! A function that puts every path below `/b`, removes `Server` and adds a security field: what the benchmarks let nginx
//! and HAProxy do in Lua beside it.

use seawall_edge::{Error, Request, Response, Verdict, filter};

/// Puts the path below `/b`.
pub fn on_request(request: &mut Request) -> Result<Verdict, Error> {
    let path = match request.query() {
        Some(query) => format!("/b{}?{query}", request.path()),
        None => format!("/b{}", request.path()),
    };
    request.set_path(&path)?;
    Ok(Verdict::Next)
}

/// Edits two fields.
pub fn on_response(_: &Request, response: &mut Response) -> Result<(), Error> {
    response.remove_header("server")?;
    response.set_header("x-content-type-options", "nosniff")?;
    Ok(())
}

filter! { on_request, on_response }

#[cfg(test)]
mod tests {
    use seawall_edge::mock;

    use super::*;

    #[test]
    fn it_does_what_the_others_do_in_lua() {
        let mut request = mock::request("GET", "https://shop.example/1k/7?n=1").build();
        assert_eq!(on_request(&mut request), Ok(Verdict::Next));
        assert_eq!((request.path().as_str(), request.query().as_deref()), ("/b/1k/7", Some("n=1")));
        let mut response = mock::response(&request, 200).header("server", "x").build();
        on_response(&request, &mut response).unwrap();
        assert_eq!(response.header("server"), None);
        assert_eq!(response.header("x-content-type-options").as_deref(), Some("nosniff"));
    }
}
