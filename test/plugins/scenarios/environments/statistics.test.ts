/** The statistics of data_analysis are those of SciPy, and see what is far off. */
import { expect, test } from 'bun:test'
import {
  farOff,
  rankZ,
  ranks,
  t,
} from '../../../../plugins/scenarios/environments/data-analysis/statistics.ts'

const group = [0, 1, 0, 1, 0, 1, 0, 1, 0, 1]
const dose = [1, 2.5, 3, 4, 4.5, 6, 7, 8.5, 9, 10]
const outcome = [9.1, 10.4, 8.7, 11.2, 9.9, 10.1, 8.7, 12.5, 10, 9.5]

test('two groups: ttest_ind and mannwhitneyu', () => {
  expect([t(group, outcome), rankZ(group, outcome)]).toEqual([2.47, 2.2])
})

test('a dose: pearsonr and spearmanr', () => {
  expect([t(dose, outcome), rankZ(dose, outcome)]).toEqual([0.71, 0.31])
})

test('equals share their rank: rankdata', () => {
  expect(ranks(outcome)).toEqual([3, 8, 1.5, 9, 5, 7, 1.5, 10, 6, 4])
})

test('what never changes goes with nothing, what is the same goes with all its might', () => {
  expect([
    t(
      dose,
      dose.map(() => 1),
    ),
    t(dose, dose),
    rankZ(dose, dose),
  ]).toEqual([0, 99, 3])
})

test('far off is six times the median deviation from the median, which is 0.65 here', () => {
  // The median is 9.95: 13.85 is the limit, and what is missing has no place.
  expect(farOff([...outcome, 9.9, 10, null, 13.8, 6.1])).toEqual([])
  expect(farOff([...outcome, 9.9, 10, null, 30, -20])).toEqual([13, 14])
})
