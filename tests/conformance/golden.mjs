// What the golden file promises, and whether a run keeps it.
//
// Pure: data in, data out. `report.mjs` does the reading, writing and printing.

// A test of these kinds passes or it does not. `check` tests ask only how a cache behaves; both answers are right.
const JUDGED = new Set(['required', 'optimal'])

// Every test that is for a cache, and what came of it: { id, group, name, kind, result, message, blockers }.
//
// `judge(id)` is the suite's own verdict: one of its result types. `results` is what its client wrote. A test that is
// not among them was not run: its result is `untested`, which is not a pass.
export function collect (suites, results, judge) {
  const rows = []
  for (const suite of suites) {
    for (const test of suite.tests) {
      if (test.browser_only) continue
      const result = judge(test.id)
      rows.push({
        id: test.id,
        group: suite.name,
        name: test.name,
        kind: test.kind || 'required',
        result,
        message: Array.isArray(results[test.id]) ? results[test.id].join(': ') : '',
        blockers: result === 'dependency_fail' ? test.depends_on : []
      })
    }
  }
  return rows
}

export function passed (row) {
  return row.result === 'pass' || row.result === 'yes'
}

// Of several runs, the better result of each test: the suite waits in real time, and a busy machine is late. Of a
// `check` test no answer is better: the one that is in the golden file.
export function best (runs, golden) {
  const [first, ...others] = runs
  const good = row => JUDGED.has(row.kind) ? passed(row) : row.result === golden.behaviours[row.id]
  return first.map(row => {
    if (good(row)) return row
    return others.flat().find(other => other.id === row.id && good(other)) || row
  })
}

// Numbers for each group and in all: { group: { required: [passed, all], optimal: [...], check: [...] } }.
export function count (rows) {
  const groups = new Map()
  for (const row of rows) {
    for (const group of [row.group, 'all']) {
      if (!groups.has(group)) groups.set(group, { required: [0, 0], optimal: [0, 0], check: [0, 0] })
      const numbers = groups.get(group)[row.kind]
      numbers[1] += 1
      if (passed(row)) numbers[0] += 1
    }
  }
  const all = groups.get('all')
  groups.delete('all')
  return { groups, all }
}

// What differs between a run and the golden file, each as a line that says what to do; and whether all of it is
// tests that newly fail, so that another run may tell chance from change.
export function compare (rows, golden) {
  const problems = []
  let onlyNewFailures = true
  const seen = new Set()
  const problem = (text, newFailure = false) => {
    problems.push(text)
    onlyNewFailures &&= newFailure
  }
  for (const row of rows) {
    seen.add(row.id)
    if (!JUDGED.has(row.kind)) {
      const before = golden.behaviours[row.id]
      if (before !== row.result) problem(`${row.id}: says \`${row.result}\`, was \`${before}\` (${row.message}): --bless if it is meant`, true)
      continue
    }
    const entry = golden.not_passed[row.id]
    if (passed(row)) {
      if (entry) problem(`${row.id}: passes now: remove its entry (or --bless)`)
    } else if (!entry) {
      problem(`${row.id} (${row.kind}): ${row.result}: ${row.message}`, true)
    } else if (!reasoned(row, entry, golden)) {
      problem(`${row.id}: not passed, and the golden file gives no reason that cites an RFC: write one`)
    }
  }
  for (const id of [...Object.keys(golden.not_passed), ...Object.keys(golden.behaviours)]) {
    if (!seen.has(id)) problem(`${id}: in the golden file, but the suite did not run it: remove it, or find out why`)
  }
  if (problems.length === 0) {
    const { passed, groups } = numbers(rows)
    for (const [kind, said] of Object.entries(passed)) {
      if (said !== golden.passed[kind]) problem(`${kind}: ${said} passed, the golden file says ${golden.passed[kind]}: --bless`)
    }
    for (const [name, group] of Object.entries(groups)) {
      if (JSON.stringify(group) !== JSON.stringify(golden.groups?.[name])) problem(`${name}: the golden file has other numbers: --bless`)
    }
  }
  return { problems, onlyNewFailures: problems.length > 0 && onlyNewFailures }
}

// Numbers in all and for each group, as text: { required: '1/2', ... }.
function numbers (rows) {
  const { groups, all } = count(rows)
  const text = group => Object.fromEntries(Object.entries(group).map(([kind, [good, total]]) => [kind, `${good}/${total}`]))
  return { passed: text(all), groups: Object.fromEntries([...groups].map(([name, group]) => [name, text(group)])) }
}

// A test behind another that is not passed needs no reason of its own; every other one cites its RFC.
function reasoned (row, entry, golden) {
  const answers = id => golden.behaviours[id] !== undefined && golden.behaviours[id] !== 'yes'
  if (row.blockers.some(id => golden.not_passed[id] || answers(id))) return true
  return typeof entry.reason === 'string' && /RFC \d{4}/.test(entry.reason)
}

// The golden file for a run, with the reasons that are written already.
export function bless (rows, golden, suite) {
  const notPassed = {}
  const behaviours = {}
  for (const row of [...rows].sort((a, b) => (a.id < b.id ? -1 : 1))) {
    if (!JUDGED.has(row.kind)) {
      behaviours[row.id] = row.result
    } else if (!passed(row)) {
      const before = golden.not_passed[row.id]?.reason
      const behind = row.blockers.length > 0 ? `needs ${row.blockers.join(', ')}` : ''
      notPassed[row.id] = { kind: row.kind, result: row.result, seen: row.message, reason: before || behind }
    }
  }
  return { suite, ...numbers(rows), not_passed: notPassed, behaviours }
}
