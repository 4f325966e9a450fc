//! A function in JavaScript: a package that npm builds as it is, anywhere. The interface comes along.

use std::fs;
use std::io;
use std::path::Path;

use super::{KIT, put};

/// The version is the example's, which is tested: `edge-functions/js-landing`.
const PACKAGE: &str = r#"{
  "name": "NAME",
  "version": "0.1.0",
  "private": true,
  "type": "module",
  "scripts": { "build": "node build.js" },
  "devDependencies": { "@bytecodealliance/componentize-js": "0.23.0" }
}
"#;

const BUILD: &str = r#"// Makes src/filter.js a component: dist/FILE.wasm, with the JavaScript engine in it.

import { componentize } from '@bytecodealliance/componentize-js';
import { mkdir, writeFile } from 'node:fs/promises';

const { component } = await componentize({
  sourcePath: new URL('src/filter.js', import.meta.url).pathname,
  witPath: new URL('wit', import.meta.url).pathname,
  // Which hooks there are: see wit/worlds.wit.
  worldName: 'client-filter',
  // A filter makes no connections. What is left of WASI is there: clocks, random numbers, `console.log`.
  disableFeatures: ['fetch-event', 'http'],
});
await mkdir(new URL('dist/', import.meta.url), { recursive: true });
await writeFile(new URL('dist/FILE.wasm', import.meta.url), component);
console.log(`dist/FILE.wasm: ${component.length} bytes`);
"#;

const SOURCE: &str = r#"// An edge function: tells the origin where a request came by, and every client too.

import { path, setHeader as setRequestHeader } from 'seawall:edge/request@0.1.0';
import { setHeader } from 'seawall:edge/response@0.1.0';
import { write } from 'seawall:edge/log@0.1.0';

// Values of fields are bytes.
const bytes = new TextEncoder();

// Before the cache is asked. What is thrown fails the hook, and its text is in the log.
export const onRequest = {
  handle() {
    setRequestHeader('x-edge', bytes.encode('NAME'));
    write('debug', `asked for ${path()}`);
    return { tag: 'next' };
  },
};

// Before a response goes to the client.
export const onResponse = {
  handle() {
    setHeader('x-edge', bytes.encode('NAME'));
  },
};
"#;

const FIXTURE: &str = r#"[
  {
    "name": "the origin and the client learn where a request came by",
    "request": { "url": "https://shop.example/page" },
    "expect": {
      "on-request": { "verdict": "next", "headers": { "x-edge": "NAME" }, "log": ["asked for /page"] },
      "on-response": { "status": 200, "headers": { "x-edge": "NAME" } }
    }
  }
]
"#;

const README: &str = r#"# NAME

An edge function for Seawall in JavaScript. `src/filter.js` has its hooks.

```
npm install
npm run build
seawall functions test dist/FILE.wasm
seawall dev --origin http://127.0.0.1:3000 --function dist/FILE.wasm
seawall functions deploy NAME dist/FILE.wasm --activate
```

`wit/` is the interface between function and host. The file has the JavaScript engine in it: 12 MB, and a call takes some
hundred microseconds where one in Rust takes ten. `fixtures/` says what is expected of it.
"#;

/// What is installed runs nothing by itself, and the lock file does not say where packages come from.
const NPMRC: &str = "omit-lockfile-registry-resolved=true\nignore-scripts=true\naudit=false\nfund=false\n";

/// Writes the package into `folder`, which must not be there.
pub(in super::super) fn write(folder: &Path, name: &str) -> io::Result<()> {
    fs::create_dir(folder)?;
    let filled = |text: &str| text.replace("NAME", name).replace("FILE", &name.replace('-', "_"));
    for (path, text) in [
        ("package.json", PACKAGE),
        ("build.js", BUILD),
        ("src/filter.js", SOURCE),
        ("fixtures/basic.json", FIXTURE),
        ("README.md", README),
        (".npmrc", NPMRC),
        (".gitignore", "/node_modules\n/dist\n"),
    ] {
        put(folder, path, &filled(text))?;
    }
    KIT.iter()
        .filter(|(path, _)| path.starts_with("wit/"))
        .try_for_each(|(path, text)| put(folder, path, text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_package_is_whole_and_built_with_the_tool_of_the_example() {
        let folder = tempfile::tempdir().unwrap();
        let own = folder.path().join("front");
        write(&own, "front").unwrap();
        let read = |path: &str| fs::read_to_string(own.join(path)).unwrap();
        assert!(read("src/filter.js").contains("'front'") && read("build.js").contains("dist/front.wasm"));
        assert!(read("wit/worlds.wit").contains("world client-filter"));
        let tool = |text: &str| {
            let package: serde_json::Value = serde_json::from_str(text).unwrap();
            package["devDependencies"].clone()
        };
        let example = concat!(env!("CARGO_MANIFEST_DIR"), "/../../edge-functions/js-landing/package.json");
        assert_eq!(tool(&read("package.json")), tool(&fs::read_to_string(example).unwrap()));
        assert_eq!(write(&own, "front").unwrap_err().kind(), io::ErrorKind::AlreadyExists);
    }
}
