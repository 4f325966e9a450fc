// Makes src/filter.js a component: dist/js_landing.wasm, with the JavaScript engine in it.

import { componentize } from '@bytecodealliance/componentize-js';
import { mkdir, writeFile } from 'node:fs/promises';

// Where the interface of functions is: beside the crate in this repository, inside of it where it stands alone.
const witPath = new URL('../../wit', import.meta.url).pathname;

const { component } = await componentize({
  sourcePath: new URL('src/filter.js', import.meta.url).pathname,
  witPath,
  // Which hooks there are: see wit/worlds.wit.
  worldName: 'client-filter',
  // A filter makes no connections. What is left of WASI is there: clocks, random numbers, `console.log`.
  disableFeatures: ['fetch-event', 'http'],
});
await mkdir(new URL('dist/', import.meta.url), { recursive: true });
await writeFile(new URL('dist/js_landing.wasm', import.meta.url), component);
console.log(`dist/js_landing.wasm: ${component.length} bytes`);
