// The page says what the golden files say: `node --test page.test.mjs`.

import assert from 'node:assert/strict'
import test from 'node:test'

import { page } from './page.mjs'

const golden = (suite, required, notPassed = {}) => {
  const numbers = { required, optimal: '3/4', check: '5/6' }
  return { suite, passed: numbers, groups: { Freshness: numbers }, not_passed: notPassed, behaviours: {} }
}
const peers = [{ system: 'Other 1.0', required: 1, optimal: 2, how: 'measured' }]
const entry = (kind, reason) => ({ kind, reason, result: 'fail', seen: '' })

test('each revision has its own numbers, and the peers stand beside the newest', () => {
  const text = page({ pinned: golden('old', '7/9'), newest: golden('new', '8/8'), peers })
  assert.match(text, /^\| npm: old \| 7\/9 \| 3\/4 \| 5\/6 \|/m)
  assert.match(text, /^\| newest: new \| 8\/8 \| 3\/4 \| 5\/6 \|/m)
  assert.match(text, /^\| \*\*Seawall\*\* \| 8 \| 3 \|/m)
  assert.match(text, /^\| Other 1\.0 \| 1 \| 2 \| measured \|$/m)
  assert.equal(text.match(/^\| Freshness \|/gm).length, 2)
})

test('tests with the same reason share a row, required ones come first', () => {
  const notPassed = {
    a: entry('optimal', 'RFC 9111 section 3.3: a | b'),
    b: entry('required', 'RFC 9110 section 9 wins (section 10)'),
    c: entry('optimal', 'RFC 9111 section 3.3: a | b')
  }
  const text = page({ pinned: golden('old', '1/1', notPassed), newest: golden('new', '1/1'), peers })
  const required = text.indexOf('| `b` | required | RFC 9110 §9 wins (§10) |')
  const optimal = text.indexOf('| `a`, `c` | optimal | RFC 9111 §3.3: a \\| b |')
  assert.ok(required > 0 && optimal > required, text)
})
