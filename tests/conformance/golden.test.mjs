// The comparison must be able to fail: `node --test golden.test.mjs`.

import assert from 'node:assert/strict'
import test from 'node:test'

import { best, bless, collect, compare, count } from './golden.mjs'

const row = (id, result, kind = 'required', blockers = []) => ({ id, group: 'g', kind, result, message: 'why', blockers })
const golden = (notPassed = {}, behaviours = {}, passed = {}) => {
  const all = { required: '0/0', optimal: '0/0', check: '0/0', ...passed }
  return { passed: all, groups: { g: all }, not_passed: notPassed, behaviours }
}
const cited = { reason: 'RFC 9111 section 4: a cache may do so' }

test('a run that agrees has no problems', () => {
  const rows = [row('a', 'pass'), row('b', 'optional_fail', 'optimal'), row('c', 'yes', 'check')]
  const numbers = { required: '1/1', optimal: '0/1', check: '1/1' }
  assert.deepEqual(compare(rows, golden({ b: cited }, { c: 'yes' }, numbers)).problems, [])
})

test('numbers that are not those of the golden file are a problem', () => {
  const { problems } = compare([row('a', 'pass')], golden({}, {}, { required: '2/2' }))
  assert.match(problems[0], /1\/1 passed, the golden file says 2\/2/)
})

test('so are those of a group', () => {
  const agreed = golden({}, {}, { required: '1/1' })
  assert.deepEqual(compare([row('a', 'pass')], agreed).problems, [])
  const { problems } = compare([row('a', 'pass')], { ...agreed, groups: {} })
  assert.match(problems[0], /^g: the golden file has other numbers/)
})

test('a test that newly fails is a problem that another run may end', () => {
  const { problems, onlyNewFailures } = compare([row('a', 'fail')], golden())
  assert.equal(problems.length, 1)
  assert.equal(onlyNewFailures, true)
})

test('a test that newly passes wants its entry removed', () => {
  const { problems, onlyNewFailures } = compare([row('a', 'pass')], golden({ a: cited }))
  assert.match(problems[0], /remove its entry/)
  assert.equal(onlyNewFailures, false)
})

test('an entry without an RFC is refused, unless another test stands before it', () => {
  assert.equal(compare([row('a', 'fail')], golden({ a: { reason: 'hard' } })).problems.length, 1)
  const behind = [row('a', 'dependency_fail', 'required', ['b']), row('b', 'fail')]
  assert.deepEqual(compare(behind, golden({ a: { reason: 'needs b' }, b: cited }, {}, { required: '0/2' })).problems, [])
  const askedFor = [row('a', 'dependency_fail', 'required', ['c']), row('c', 'no', 'check')]
  const answered = golden({ a: { reason: 'needs c' } }, { c: 'no' }, { required: '0/1', check: '0/1' })
  assert.deepEqual(compare(askedFor, answered).problems, [])
})

test('an entry for a test that did not run is refused', () => {
  assert.equal(compare([], golden({ gone: cited }, { also: 'yes' })).problems.length, 2)
})

test('a behaviour that changes is a problem', () => {
  assert.equal(compare([row('a', 'no', 'check')], golden({}, { a: 'yes' })).problems.length, 1)
})

test('of two runs the better result of each test counts', () => {
  const merged = best([[row('a', 'fail'), row('b', 'pass')], [row('a', 'pass'), row('b', 'fail')]], golden())
  assert.deepEqual(merged.map(each => each.result), ['pass', 'pass'])
})

test('of two runs the known answer of a check counts', () => {
  const merged = best([[row('a', 'yes', 'check')], [row('a', 'no', 'check')]], golden({}, { a: 'no' }))
  assert.deepEqual(merged.map(each => each.result), ['no'])
})

test('blessing keeps reasons, drops what passes and leaves new ones to be written', () => {
  const rows = [row('a', 'fail'), row('b', 'fail'), row('c', 'pass'), row('d', 'no', 'check')]
  const blessed = bless(rows, golden({ a: cited, c: cited }), 'suite 1')
  assert.deepEqual(Object.keys(blessed.not_passed), ['a', 'b'])
  assert.equal(blessed.not_passed.a.reason, cited.reason)
  assert.equal(blessed.not_passed.b.reason, '')
  assert.deepEqual(blessed.behaviours, { d: 'no' })
})

test('tests for browsers are not counted, and a kind that is not named is required', () => {
  const suites = [{ name: 'g', tests: [{ id: 'a', name: 'a' }, { id: 'b', name: 'b', kind: 'check', browser_only: true }] }]
  const rows = collect(suites, { a: true }, () => 'pass')
  assert.equal(rows.length, 1)
  assert.deepEqual(count(rows).all, { required: [1, 1], optimal: [0, 0], check: [0, 0] })
})

test('a test that was not run is not passed', () => {
  const rows = collect([{ name: 'g', tests: [{ id: 'a', name: 'a' }] }], {}, () => 'untested')
  assert.match(compare(rows, golden()).problems[0], /a \(required\): untested/)
})
