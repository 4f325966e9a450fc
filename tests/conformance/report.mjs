// Reads what the suite's client wrote, judges it with the suite's own code, and compares it with a golden file.
//
// node report.mjs GOLDEN RESULTS... [--bless] [--suite FOLDER]
// Ends with 0 if all agrees, 3 if all that is wrong is tests that newly fail, else 1.

import { existsSync, readFileSync, writeFileSync } from 'node:fs'

import { best, bless, collect, compare, count, passed } from './golden.mjs'
import { checkout, judge, pinned } from './revision.mjs'

const NEWLY_FAILING = 3

const words = process.argv.slice(2)
const at = words.indexOf('--suite')
const [, folder] = at < 0 ? [] : words.splice(at, 2)
const blesses = words.includes('--bless')
const [goldenFile, ...resultFiles] = words.filter(word => !word.startsWith('--'))

const { suites, determine, name } = await (folder ? checkout(folder) : pinned())
const runs = resultFiles.map(file => {
  const text = readFileSync(file, 'utf8')
  const results = JSON.parse(text.slice(text.indexOf('{\n')))
  return collect(suites, results, judge(determine, suites, results))
})
const golden = existsSync(goldenFile)
  ? JSON.parse(readFileSync(goldenFile, 'utf8'))
  : { passed: {}, groups: {}, not_passed: {}, behaviours: {} }
const rows = best(runs, golden)
const { all } = count(rows)
const numbers = ([good, total]) => `${good}/${total}`

console.log(`    required ${numbers(all.required)}, optimal ${numbers(all.optimal)}, check ${numbers(all.check)} yes`)

if (runs.length > 1) {
  const [first] = runs
  const late = rows.filter(row => passed(row) && !passed(first.find(other => other.id === row.id)))
  if (late.length > 0) console.log(`    passed only in a second run: ${late.map(row => row.id).join(', ')}`)
}

if (blesses) {
  const blessed = bless(rows, golden, name)
  writeFileSync(goldenFile, JSON.stringify(blessed, null, 2) + '\n')
  const open = Object.entries(blessed.not_passed).filter(([, entry]) => entry.reason === '')
  console.log(`    the golden file is written; reasons still to be written: ${open.length}`)
  open.forEach(([id, entry]) => console.log(`      ${id} (${entry.kind}): ${entry.seen}`))
} else if (!existsSync(goldenFile)) {
  console.log('    there is no golden file yet: --bless writes it, reasons are written by hand')
  process.exitCode = 1
} else {
  const { problems, onlyNewFailures } = compare(rows, golden)
  problems.forEach(problem => console.log(`    ${problem}`))
  if (problems.length > 0) process.exitCode = onlyNewFailures ? NEWLY_FAILING : 1
}
