// docs/CONFORMANCE.md, made of the golden files: nobody else writes it.
//
// node page.mjs FOLDER PAGE           checks that PAGE is what the golden files in FOLDER make
// node page.mjs FOLDER PAGE --write   writes it

import { readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { pathToFileURL } from 'node:url'

const KINDS = ['required', 'optimal', 'check']

// The page as text. `pinned` and `newest` are golden files, `peers` what others pass of the newest revision.
export function page ({ pinned, newest, peers }) {
  return `# The public HTTP cache test suite

Made by \`cargo xtask conformance --table\` of \`tests/conformance/\`; the gate fails where it is out of date.

A \`required\` or \`optimal\` test is passed or it is not. A \`check\` asks only how a cache behaves: neither answer is wrong. Tests
for browsers are not run and not counted. The node has its default settings.

Two revisions of the suite are run. Their tests and totals differ, so a row of the one does not compare with a row of the other:

| revision | required | optimal | check (yes) | command |
|---|---:|---:|---:|---|
| npm: ${pinned.suite} | ${cells(pinned.passed)} | \`cargo xtask conformance\`, part of the gate |
| newest: ${newest.suite} | ${cells(newest.passed)} | \`cargo xtask conformance --suite FOLDER\`, where FOLDER has a checkout of the public repository |

The newest revision is on no registry, so it is not part of the gate: its golden file is as old as the last run with \`--bless\`. The
run that is recorded here was of a written-out copy of its ${count(newest)} tests for a cache: same ids, kinds, requests and expectations.

Where a test of npm's revision contradicts an RFC, the RFC wins: it follows drafts that the RFCs left behind. Every result is compared
with a golden file, in which each test that is not passed has its reason. A test that newly fails must fail in two runs to
count; one that newly passes wants its entry removed; a \`check\` whose answer changes fails the run.

## Others

Of the **newest revision** (${total(newest.passed.required)} required tests, ${total(newest.passed.optimal)} optimal). "measured": side by side on one machine with 2 cores. "published": by the suite.

| system | required | optimal | |
|---|---:|---:|---|
| **Seawall** | ${good(newest.passed.required)} | ${good(newest.passed.optimal)} | \`cargo xtask conformance --suite FOLDER\` |
${peers.map(peer => `| ${peer.system} | ${peer.required} | ${peer.optimal} | ${peer.how} |`).join('\n')}

## The newest revision

${groups(newest)}

### What is not passed

${reasons(newest)}

## npm's revision

${groups(pinned)}

### What is not passed

${reasons(pinned)}
`
}

function count (golden) {
  return KINDS.reduce((sum, kind) => sum + Number(total(golden.passed[kind])), 0)
}

function cells (numbers) {
  return KINDS.map(kind => numbers[kind]).join(' | ')
}

function good (numbers) {
  return numbers.split('/')[0]
}

function total (numbers) {
  return numbers.split('/')[1]
}

function groups (golden) {
  const rows = Object.entries(golden.groups).map(([name, numbers]) => `| ${name} | ${cells(numbers)} |`)
  return ['| group | required | optimal | check (yes) |', '|---|---:|---:|---:|', ...rows, `| **all** | ${cells(golden.passed)} |`].join('\n')
}

// One row for each reason, with the tests that have it: required ones first.
function reasons (golden) {
  const byReason = new Map()
  for (const [id, { kind, reason }] of Object.entries(golden.not_passed)) {
    const key = `${kind}\n${reason}`
    if (!byReason.has(key)) byReason.set(key, { kind, reason, ids: [] })
    byReason.get(key).ids.push(id)
  }
  const sorted = [...byReason.values()].sort((a, b) => KINDS.indexOf(a.kind) - KINDS.indexOf(b.kind))
  const rows = sorted.map(({ kind, reason, ids }) => `| ${ids.map(id => `\`${id}\``).join(', ')} | ${kind} | ${cell(reason)} |`)
  return ['| tests | kind | why |', '|---|---|---|', ...rows].join('\n')
}

function cell (text) {
  return text.replaceAll('|', '\\|').replace(/(RFC \d{4}) section /g, '$1 §').replace(/\(section /g, '(§')
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const [folder, file] = process.argv.slice(2)
  const read = name => JSON.parse(readFileSync(path.join(folder, name), 'utf8'))
  const text = page({ pinned: read('golden.json'), newest: read('golden-newest.json'), peers: read('peers.json') })
  if (process.argv.includes('--write')) {
    writeFileSync(file, text)
  } else if (readFileSync(file, 'utf8') !== text) {
    console.log(`    ${file} is out of date: run \`cargo xtask conformance --table\``)
    process.exitCode = 1
  }
}
