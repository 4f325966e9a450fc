// Which revision of the suite was run: its tests, its own judge of a result, and what it is called.

import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { pathToFileURL } from 'node:url'

// The suite's verdict is a row of symbols; the last one tells them apart.
const VERDICTS = {
  '-': 'untested',
  '✅': 'pass',
  '⛔️': 'fail',
  '⚠️': 'optional_fail',
  Y: 'yes',
  N: 'no',
  '🔹': 'setup_fail',
  '⁉️': 'harness_fail',
  '⚪️': 'dependency_fail',
  '↻': 'retry'
}

// A judge of results by the suite's own code.
export function judge (determine, suites, results) {
  return id => VERDICTS[determine(suites, id, results)[2]]
}

// npm's, as the lock file pins it.
export async function pinned () {
  const { determineTestResult } = await import('http-cache-tests/lib/display.mjs')
  const { default: listed } = await import('http-cache-tests/tests/index.mjs')
  // The suite's command line runs this group last, beside its index.
  const { default: surrogate } = await import('http-cache-tests/tests/surrogate-control.mjs')
  const { version } = JSON.parse(readFileSync('node_modules/http-cache-tests/package.json', 'utf8'))
  return { suites: [...listed, surrogate], determine: determineTestResult, name: `http-cache-tests ${version}` }
}

// A folder that somebody has checked out of the public repository.
export async function checkout (folder) {
  const load = file => import(pathToFileURL(path.join(folder, file)).href)
  const { determineTestResult } = await load('test-engine/lib/results.mjs')
  const { default: suites } = await load('tests/index.mjs')
  return { suites, determine: determineTestResult, name: `http-tests/cache-tests${commit(folder)}, ${count(suites)} tests` }
}

function count (suites) {
  return suites.reduce((sum, suite) => sum + suite.tests.length, 0)
}

function commit (folder) {
  try {
    const text = execFileSync('git', ['-C', folder, 'log', '-1', '--format=%h of %cs'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })
    return ` ${text.trim()}`
  } catch {
    return ''
  }
}
