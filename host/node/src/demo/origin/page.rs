//! What the demo's origin has, and how each page wants to be cached.

use bytes::Bytes;
use http::header::{
    ACCEPT_LANGUAGE, CACHE_CONTROL, CONTENT_LANGUAGE, CONTENT_TYPE, HeaderName, HeaderValue, VARY,
};
use http::{HeaderMap, Response, StatusCode};
use http_body_util::Full;

/// Names what a response is about, for purges.
const SURROGATE_KEY: HeaderName = HeaderName::from_static("surrogate-key");

/// Longer than anybody plays with the demo, so that what disappears has been purged.
const FOR_AN_HOUR: &str = "public, max-age=3600";

/// Pixels of the photo's side: with three bytes each, it has three MiB.
const PHOTO_SIDE: u32 = 1024;

/// A page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::demo) enum Page {
    /// Two products, each with a tag of its own and one that they share.
    Product7,
    /// The other.
    Product8,
    /// A large one.
    Photo,
    /// One that takes a second to make.
    Slow,
    /// One in two languages.
    Greeting,
    /// One that no cache may keep.
    Cart,
    /// The landing page that is there today.
    Landing,
    /// The one that may replace it.
    LandingB,
}

impl Page {
    /// All pages, as they are declared.
    pub(in crate::demo) const ALL: [Self; 8] = [
        Self::Product7,
        Self::Product8,
        Self::Photo,
        Self::Slow,
        Self::Greeting,
        Self::Cart,
        Self::Landing,
        Self::LandingB,
    ];

    /// Its path.
    pub(in crate::demo) fn path(self) -> &'static str {
        match self {
            Self::Product7 => "/product/7",
            Self::Product8 => "/product/8",
            Self::Photo => "/photo.bmp",
            Self::Slow => "/slow",
            Self::Greeting => "/greeting",
            Self::Cart => "/cart",
            Self::Landing => "/landing",
            Self::LandingB => "/b/landing",
        }
    }

    /// The page at a path.
    pub(super) fn at(path: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|page| page.path() == path)
    }

    /// Its place in [`Page::ALL`].
    pub(super) fn index(self) -> usize {
        self as usize
    }
}

/// The answer to the `number`th request for a page.
pub(super) fn answer(page: Option<Page>, number: u64, request: &HeaderMap) -> Response<Full<Bytes>> {
    let Some(page) = page else {
        let mut response = text("There is nothing here.\n".to_owned(), "no-store");
        *response.status_mut() = StatusCode::NOT_FOUND;
        return response;
    };
    let numbered = |what: &str| format!("{what}, answer {number} of the origin\n");
    match page {
        Page::Product7 => tagged(text(numbered("Product 7"), FOR_AN_HOUR), "product-7 products"),
        Page::Product8 => tagged(text(numbered("Product 8"), FOR_AN_HOUR), "product-8 products"),
        Page::Photo => tagged(whole(photo(), "image/bmp", FOR_AN_HOUR), "photos"),
        Page::Slow => text(numbered("Slow page"), FOR_AN_HOUR),
        Page::Greeting => greeting(request),
        Page::Cart => text(numbered("Your cart"), "no-store"),
        Page::Landing => text(numbered("Landing page A"), FOR_AN_HOUR),
        Page::LandingB => text(numbered("Landing page B"), FOR_AN_HOUR),
    }
}

fn greeting(request: &HeaderMap) -> Response<Full<Bytes>> {
    let german = request.get(ACCEPT_LANGUAGE).is_some_and(|wanted| wanted.as_bytes().starts_with(b"de"));
    let (language, words) = if german { ("de", "Guten Tag!\n") } else { ("en", "Good day!\n") };
    let mut response = text(words.to_owned(), FOR_AN_HOUR);
    let headers = response.headers_mut();
    headers.insert(CONTENT_LANGUAGE, HeaderValue::from_static(language));
    headers.insert(VARY, HeaderValue::from_static("accept-language"));
    response
}

fn text(body: String, caching: &'static str) -> Response<Full<Bytes>> {
    whole(Bytes::from(body), "text/plain; charset=utf-8", caching)
}

fn whole(body: Bytes, media_type: &'static str, caching: &'static str) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static(caching));
    response
}

fn tagged(mut response: Response<Full<Bytes>>, tags: &'static str) -> Response<Full<Bytes>> {
    response.headers_mut().insert(SURROGATE_KEY, HeaderValue::from_static(tags));
    response
}

/// A picture that browsers show: a Windows bitmap is a header and then the pixels as they are.
pub(in crate::demo) fn photo() -> Bytes {
    const HEADERS_BYTES: u32 = 14 + 40;
    const PIXELS_BYTES: u32 = PHOTO_SIDE * PHOTO_SIDE * 3;
    let mut file = Vec::with_capacity((HEADERS_BYTES + PIXELS_BYTES) as usize);
    file.extend_from_slice(b"BM");
    // The file's size, nothing, and where the pixels start.
    for number in [HEADERS_BYTES + PIXELS_BYTES, 0, HEADERS_BYTES] {
        file.extend_from_slice(&number.to_le_bytes());
    }
    // This header's size, width and height.
    for number in [40, PHOTO_SIDE, PHOTO_SIDE] {
        file.extend_from_slice(&number.to_le_bytes());
    }
    // One plane, 24 bits a pixel, then six numbers for which 0 means the usual.
    file.extend_from_slice(&[1, 0, 24, 0]);
    file.extend_from_slice(&[0; 24]);
    for row in 0..PHOTO_SIDE {
        for column in 0..PHOTO_SIDE {
            let [low, high] = [row, column].map(|at| (at / 4 % 256) as u8);
            file.extend_from_slice(&[255 - low / 2, high, low]);
        }
    }
    Bytes::from(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_page_is_found_at_its_path_and_counted_in_its_place() {
        for (index, page) in Page::ALL.into_iter().enumerate() {
            assert_eq!(Page::at(page.path()), Some(page));
            assert_eq!(page.index(), index);
        }
        assert_eq!(Page::at("/product"), None);
    }

    #[test]
    fn the_photo_is_as_long_as_its_header_says() {
        let photo = photo();
        assert_eq!(photo[2..6], u32::try_from(photo.len()).unwrap().to_le_bytes());
    }
}
