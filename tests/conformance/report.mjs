// Reads what the suite's client wrote, judges it with the suite's own code, and compares it with the golden file.
//
// node report.mjs GOLDEN RESULTS... [--bless] [--table]
// Ends with 0 if all agrees, 3 if all that is wrong is tests that newly fail, else 1.

import { existsSync, readFileSync, writeFileSync } from 'node:fs'

import { determineTestResult } from 'http-cache-tests/lib/display.mjs'
import surrogate from 'http-cache-tests/tests/surrogate-control.mjs'
import listed from 'http-cache-tests/tests/index.mjs'

import { best, bless, collect, compare, count, passed } from './golden.mjs'

const NEWLY_FAILING = 3

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

const words = process.argv.slice(2)
const flags = new Set(words.filter(word => word.startsWith('--')))
const [goldenFile, ...resultFiles] = words.filter(word => !word.startsWith('--'))

// The suite's command line runs this group last, beside its index.
const suites = [...listed, surrogate]
const runs = resultFiles.map(file => {
  const text = readFileSync(file, 'utf8')
  const results = JSON.parse(text.slice(text.indexOf('{\n')))
  const judge = id => VERDICTS[determineTestResult(suites, id, results)[2]]
  return collect(suites, results, judge)
})
const golden = existsSync(goldenFile)
  ? JSON.parse(readFileSync(goldenFile, 'utf8'))
  : { passed: {}, not_passed: {}, behaviours: {} }
const rows = best(runs, golden)
const { groups, all } = count(rows)
const numbers = ([good, total]) => `${good}/${total}`

if (flags.has('--table')) {
  console.log('| group | required | optimal | check (yes) |\n|---|---:|---:|---:|')
  const line = (name, group) => console.log(`| ${name} | ${numbers(group.required)} | ${numbers(group.optimal)} | ${numbers(group.check)} |`)
  groups.forEach((group, name) => line(name, group))
  line('**all**', all)
}
console.log(`    required ${numbers(all.required)}, optimal ${numbers(all.optimal)}, check ${numbers(all.check)} yes`)

if (runs.length > 1) {
  const [first] = runs
  const late = rows.filter(row => passed(row) && !passed(first.find(other => other.id === row.id)))
  if (late.length > 0) console.log(`    passed only in a second run: ${late.map(row => row.id).join(', ')}`)
}

const version = JSON.parse(readFileSync('node_modules/http-cache-tests/package.json', 'utf8')).version

if (flags.has('--bless')) {
  const blessed = bless(rows, golden, `http-cache-tests ${version}`)
  writeFileSync(goldenFile, JSON.stringify(blessed, null, 2) + '\n')
  const open = Object.entries(blessed.not_passed).filter(([, entry]) => entry.reason === '')
  console.log(`    golden.json is written; reasons still to be written: ${open.length}`)
  open.forEach(([id, entry]) => console.log(`      ${id} (${entry.kind}): ${entry.seen}`))
} else if (!existsSync(goldenFile)) {
  console.log('    there is no golden.json yet: `cargo xtask conformance --bless` writes it, reasons are written by hand')
  process.exitCode = 1
} else {
  const { problems, onlyNewFailures } = compare(rows, golden)
  problems.forEach(problem => console.log(`    ${problem}`))
  if (problems.length > 0) process.exitCode = onlyNewFailures ? NEWLY_FAILING : 1
}
